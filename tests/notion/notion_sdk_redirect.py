"""A pytest plugin for the run of notion-sdk-py's own suite: recording off, everything goes to a workspace.

`CLAWMARK_SERVED` is the port where it is served, `CLAWMARK_NOTION_VERSION` the version that clients ask for.
"""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

VERSION = os.environ["CLAWMARK_NOTION_VERSION"]
PORT = int(os.environ["CLAWMARK_SERVED"])

_ELSEWHERE = "asks https://mock.httpstatus.io, which is not Notion and beyond the world"
_COLUMNS = (
    "the client drops the top-level `properties` of a new database, which 2022-06-28 demands; data sources "
    "and views exist from 2025-09-03 on"
)

DEVIATIONS = {
    "test_api_http_response_error": _ELSEWHERE,
    "test_api_async_request_bad_request_error": _ELSEWHERE,
}
"""Tests that cannot pass in any version, and why; each must fail."""

OLD_DEVIATIONS = {
    **dict.fromkeys(("database_id", "data_source_id", "view_id", "async_test_data_source"), _COLUMNS),
    "test_databases_create": _COLUMNS,
}
"""Fixtures and tests that cannot pass in version 2022-06-28, and why; each test with one must fail."""


def pytest_configure(config: pytest.Config) -> None:
    """Send the client where the workspace is, in the version asked for."""
    config.addinivalue_line("markers", "vcr: recorded; here it is played live")
    _redirect("api.notion.com")
    from notion_client.client import ClientOptions

    init: Any = ClientOptions.__init__
    # Asynchronous clients forget the port that a resolver names, so the address has to carry it.
    ours = {"2025-09-03": VERSION, "https://api.notion.com": f"https://api.notion.com:{PORT}"}
    init.__defaults__ = tuple(ours.get(each, each) for each in init.__defaults__)


def _redirect(host: str) -> None:
    ask = socket.getaddrinfo

    def answer(name: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if name not in (host, host.encode()):
            raise socket.gaierror(f"{name} is beyond the world")
        return ask("127.0.0.1", port, *rest, **more)

    socket.getaddrinfo = answer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is expected to deviate."""
    listed = DEVIATIONS | (OLD_DEVIATIONS if VERSION == "2022-06-28" else {})
    for item in items:
        names = (getattr(item, "originalname", item.name), *getattr(item, "fixturenames", ()))
        reason = next((listed[name] for name in names if name in listed), None)
        if reason is not None:
            item.add_marker(pytest.mark.xfail(strict=True, reason=reason))


class Recorder:
    """What the suite's own fixtures ask of a recorder; it records nothing."""

    def register_matcher(self, name: str, matcher: Any) -> None:
        """Nothing is matched."""


@pytest.fixture(scope="module")
def vcr() -> Recorder:
    """A recorder that is off."""
    return Recorder()
