"""The three APIs that models are asked through."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_clawmark.gateway.dialects.chat import Chat
from pytest_clawmark.gateway.dialects.contract import Api, Dialect
from pytest_clawmark.gateway.dialects.messages import Messages
from pytest_clawmark.gateway.dialects.responses import Responses

DIALECTS: Mapping[Api, Dialect] = {"chat": Chat(), "responses": Responses(), "messages": Messages()}

__all__ = ["DIALECTS", "Api", "Dialect"]
