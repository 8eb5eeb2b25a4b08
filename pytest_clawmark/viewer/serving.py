"""Serves the pages on this machine's own address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.viewer.app import make_app
from pytest_clawmark.viewer.guard import hosts_at
from pytest_clawmark.viewer.places import Listing

ADDRESS = "127.0.0.1"


class _Quiet(WSGIRequestHandler):
    """Says nothing of requests: their paths are what a page has written."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Nothing."""


def open_server(paths: Sequence[Path], port: int) -> BaseWSGIServer:
    """A server that is bound and not yet serving; port 0 is any that is free.

    Raises `SettingsError` for what is no folder and for a port that is taken.
    """
    listing = Listing.of(paths)

    def later(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        return app(environ, start)

    try:
        server = make_server(ADDRESS, port, later, threaded=True, request_handler=_Quiet)
    except (OSError, SystemExit) as error:
        raise SettingsError(
            f"--port={port}: it cannot be listened on. Leave it out to get a free one."
        ) from error
    app = make_app(listing, hosts_at(server.server_port))
    return server
