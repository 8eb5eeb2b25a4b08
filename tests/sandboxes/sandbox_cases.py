"""The sandboxes under test and what is opened in them; imported by helpers in processes of their own too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_clawmark.sandboxes import Address, Blueprint, Limits
from pytest_clawmark.sandboxes.contract import MIB
from pytest_clawmark.toolbox import locate

GREETER = Address(ip="127.0.3.1", port=3143)
SECURE = Address(ip="127.0.3.2", port=443)
AUTHORITY = b"-----BEGIN CERTIFICATE-----\nof the run\n-----END CERTIFICATE-----\n"

ISOLATED = [
    pytest.param("bubblewrap", id="bubblewrap"),
    pytest.param("docker", id="docker", marks=pytest.mark.docker),
    pytest.param("docker-relay", id="docker-relay", marks=pytest.mark.docker),
]
EVERY = [*ISOLATED, pytest.param("local", id="local")]


def blueprint(**limits: Any) -> Blueprint:
    """Two services and small limits, some of them replaced."""
    small = Limits(
        command_seconds=20.0,
        memory=400 * MIB,
        processes=64,
        output=MIB,
        workspace=16 * MIB,
        scratch=8 * MIB,
        files=200,
    )
    return Blueprint(
        hosts={"greenmail": GREETER.ip, "api.notion.com": SECURE.ip},
        listen=[GREETER, SECURE],
        authority=AUTHORITY,
        toolbox=locate(),
        limits=replace(small, **limits),
    )
