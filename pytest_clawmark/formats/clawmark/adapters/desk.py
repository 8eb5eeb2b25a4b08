"""What an adapter works on: one service, live or frozen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from clawmark_services import Service

Json = Any


@dataclass(slots=True, kw_only=True)
class Desk:
    """A service as an adapter has it.

    A frozen one answers the same question alike until somebody writes into it, so answers are kept; `touched` says
    that somebody did.
    """

    service: Service
    frozen: bool = False
    touched: bool = False
    _answers: dict[str, str] = field(default_factory=dict)

    def read(self, question: str, answer: Callable[[], Json]) -> Json:
        """What `answer()` gives, which is JSON, or gave before; the caller's own copy."""
        if not self.frozen or self.touched:
            return answer()
        if question not in self._answers:
            self._answers[question] = json.dumps(answer())
        return json.loads(self._answers[question])

    def write(self) -> Service:
        """The service, about to be changed."""
        self.touched = True
        return self.service
