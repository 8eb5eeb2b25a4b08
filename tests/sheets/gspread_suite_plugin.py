"""Loaded by the process that runs gspread's own suite: sends what is meant for Google to a served Drive.

The suite's recorder is replaced by one that records nothing and replays nothing, so that every request is
answered live. `CLAWMARK_SUITE_PORT` is where the Drive listens; the suite's own `GS_CREDS_FILENAME` names the
service account.
"""

from __future__ import annotations

import os
import sys
import types
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter


class _Recorder:
    """What the suite asks of its recorder when it is imported."""

    @staticmethod
    def ensure_suffix(suffix: str) -> str:
        return suffix


class _Overwritten(Exception):
    """Never raised: nothing is replayed."""


def _stand_in() -> None:
    recorder, errors = types.ModuleType("vcr"), types.ModuleType("vcr.errors")
    recorder.VCR = _Recorder  # type: ignore[attr-defined] # a module made here
    errors.CannotOverwriteExistingCassetteException = _Overwritten  # type: ignore[attr-defined] # likewise
    sys.modules |= {"vcr": recorder, "vcr.errors": errors}


def _redirect(port: str) -> None:
    send = HTTPAdapter.send

    def to_loopback(self: HTTPAdapter, request: PreparedRequest, *rest: Any, **options: Any) -> Response:
        target = urlsplit(str(request.url))
        assert (target.hostname or "").endswith("googleapis.com"), f"the suite left Google: {request.url}"
        request.url = target._replace(scheme="http", netloc=f"127.0.0.1:{port}").geturl()
        return send(self, request, *rest, **options)

    HTTPAdapter.send = to_loopback  # type: ignore[method-assign] # every session of the suite


def pytest_configure(config: Any) -> None:
    config.addinivalue_line("markers", "vcr: recorded elsewhere, live here")


_stand_in()
_redirect(os.environ["CLAWMARK_SUITE_PORT"])
