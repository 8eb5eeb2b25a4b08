"""The wire: Radicale's own application, with one audit line per request."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import logging
import re
from collections.abc import Iterable
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from clawmark_services.actor import acting_as
from clawmark_services.calendar.ics import Line, MalformedError, parse, stamp
from clawmark_services.calendar.repetitions import Allowance, TooCostlyError, allowance
from clawmark_services.calendar.store import CalendarStore
from clawmark_services.context import Context, Exchange

if TYPE_CHECKING:
    from radicale.config import Configuration

DEFAULT_USER = "benchmark"
_FREE_BUSY_DAYS = 365
_STAMPED = ("VEVENT", "VTODO", "VJOURNAL")
_DTSTAMP = re.compile(rb"DTSTAMP:\d{8}T\d{6}Z")

log = logging.getLogger(__name__)


class CalDav:
    """The WSGI application of one world."""

    def __init__(self, context: Context, store: CalendarStore) -> None:
        self._context, self._store = context, store

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Imported with the first request: Radicale takes a while to load.
        from clawmark_services.calendar.radicale_storage import own_time_zones

        method, path = environ["REQUEST_METHOD"].upper(), _path(environ)
        request = {"path": path, "user": _user(environ)}
        with (
            self._store.lock,
            own_time_zones(),
            allowance() as granted,
            acting_as("agent"),
            self._context.exchange(f"calendar.{method.lower()}", request) as exchange,
        ):
            self._store.moment, self._store.full = exchange.at, False
            return self._answer(_prepared(environ, exchange), start_response, exchange, granted)

    @functools.cached_property
    def _radicale(self) -> WSGIApplication:
        from radicale.app import Application

        from clawmark_services.calendar.radicale_storage import MemoryStorage

        configuration = shared_configuration().copy()
        storage = {"type": lambda settings: MemoryStorage(settings, self._store)}
        configuration.update({"storage": storage}, "world", privileged=True)
        application: WSGIApplication = Application(configuration)
        return application

    def _answer(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        exchange: Exchange,
        granted: Allowance,
    ) -> Iterable[bytes]:
        answered: list[tuple[str, list[tuple[str, str]]]] = []

        def note(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            answered.append((status, headers))
            return io.BytesIO().write

        body = b"".join(self._radicale(environ, note))
        status, headers = answered[0]
        if granted.exceeded:
            # What Radicale makes of the refusal depends on where it struck; its own limits answer 400.
            status, headers, body = _refusal("400 Bad Request", str(TooCostlyError()))
        elif self._store.full:
            status, headers, body = _refusal(
                "507 Insufficient Storage", "The calendars of this world are full."
            )
        exchange.status = int(status[:3])
        if exchange.status >= 500 and exchange.status != HTTPStatus.INSUFFICIENT_STORAGE:
            log.error(
                "Radicale answered %s to %s %s", status, environ["REQUEST_METHOD"], environ["PATH_INFO"]
            )
        if exchange.status == 200 and (environ["REQUEST_METHOD"] == "REPORT" or _asks_free_busy(environ)):
            # Free-busy is the only text that Radicale stamps with the machine's own clock.
            body = _DTSTAMP.sub(b"DTSTAMP:" + stamp(exchange.at).encode(), body)
            etag = f'"{hashlib.sha256(body).hexdigest()}"'
            headers = [(name, etag if name == "ETag" else value) for name, value in headers]
        start_response(status, headers)
        return [body]


def _refusal(status: str, why: str) -> tuple[str, list[tuple[str, str]], bytes]:
    body = f"{why}\n".encode()
    return status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))], body


@functools.cache
def shared_configuration() -> Configuration:
    """Radicale's settings for all worlds; reads no file, and Radicale's own log is silenced.

    What Radicale would log about requests is in the audit; its failures are logged here.
    """
    from radicale import config
    from radicale.log import logger

    from clawmark_services.calendar.radicale_storage import SharedRights

    logger.setLevel(logging.CRITICAL + 1)
    configuration = config.load()
    settings: dict[str, dict[str, Any]] = {
        "auth": {"type": "none", "delay": "0"},
        "rights": {"type": SharedRights},
        "web": {"type": "none"},
        "server": {"delay_on_error": "0"},
    }
    configuration.update(settings, "clawmark", privileged=True)
    return configuration


def _path(environ: WSGIEnvironment) -> str:
    return str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")


def _user(environ: WSGIEnvironment) -> str:
    scheme, _, credentials = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return DEFAULT_USER
    try:
        return base64.b64decode(credentials).decode().partition(":")[0] or DEFAULT_USER
    except ValueError:
        return DEFAULT_USER


def _prepared(environ: WSGIEnvironment, exchange: Exchange) -> WSGIEnvironment:
    """The request as Radicale is to see it: of a known user, and depending on no clock but ours.

    Radicale fails on credentials that are none, and takes paths as its own server hands them over, decoded.
    """
    prepared = dict(environ)
    # A compressed answer would carry the machine's time.
    prepared.pop("HTTP_ACCEPT_ENCODING", None)
    credentials = base64.b64encode(f"{_user(environ)}:".encode()).decode()
    prepared.update(HTTP_AUTHORIZATION=f"Basic {credentials}", PATH_INFO=_path(environ))
    if environ["REQUEST_METHOD"].upper() == "PUT":
        _stamp_body(prepared, exchange)
    _fix_free_busy(prepared, exchange)
    return prepared


def _stamp_body(environ: WSGIEnvironment, exchange: Exchange) -> None:
    """Add the DTSTAMP that a client left out, which Radicale would take from the machine's clock."""
    raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    try:
        calendar = parse(raw.decode())
    except (UnicodeDecodeError, MalformedError):
        # Radicale says what is wrong with it.
        calendar = None
    if calendar is not None:
        unstamped = [part for part in calendar.within(*_STAMPED) if part.line("DTSTAMP") is None]
        for component in unstamped:
            component.put("DTSTAMP", Line("DTSTAMP", stamp(exchange.at)))
        if unstamped:
            raw = calendar.written().encode()
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(raw), str(len(raw))


def _query(environ: WSGIEnvironment) -> dict[str, list[str]]:
    return parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)


def _asks_free_busy(environ: WSGIEnvironment) -> bool:
    return "freebusy" in _query(environ).get("view", [])


def _fix_free_busy(environ: WSGIEnvironment, exchange: Exchange) -> None:
    """Give a free-busy view without a range the default one, counted from our own today."""
    query = _query(environ)
    if not _asks_free_busy(environ) or "start" in query or "end" in query:
        return
    today = exchange.at.replace(hour=0, minute=0, second=0)
    around = timedelta(days=_FREE_BUSY_DAYS)
    query.update(start=[stamp(today - around)], end=[stamp(today + around)])
    environ["QUERY_STRING"] = urlencode(query, doseq=True)
