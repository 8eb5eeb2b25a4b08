"""HTTP/1.1 between one accepted connection and a WSGI application, on h11.

Kept connections, chunked bodies and `Expect: 100-continue` work as vendors' clients use them. The body is
read whole before the application is called: an application never waits for a slow client.
"""

from __future__ import annotations

import io
import logging
import select
import socket
import sys
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication

import h11

from clawmark_services.allowance import Allowance, Loan

MAX_BODY = 64 * 1024 * 1024
MAX_HELD = 128 * 1024 * 1024
MAX_AT_ONCE = 2
IDLE_SECONDS = 300.0
_CHUNK = 65_536

DELAY = "clawmark.delay"
"""Where an application may put, in its environ, how many seconds its answer is to be held back."""

log = logging.getLogger(__name__)


class BodyTooLargeError(Exception):
    """A request's body exceeds `MAX_BODY`."""


class TooMuchHeldError(Exception):
    """The clients of an endpoint sent more than `MAX_HELD` bytes that wait to be answered."""


class CutError(Exception):
    """The client's connection is to be cut without an answer; an application may raise it too."""


class Counter:
    """Where the requests to one endpoint queue: few are answered at once, and bodies and answers held for
    them have a limit."""

    def __init__(self, held: int = MAX_HELD) -> None:
        self.turn = threading.Semaphore(MAX_AT_ONCE)
        self.allowance = Allowance(held)
        self.opened = 0

    def renew(self) -> None:
        """Close it for the connections there are; later ones find it open."""
        self.opened += 1


class _Visit:
    """One connection at the counter."""

    def __init__(self, counter: Counter) -> None:
        self._counter, self._since = counter, counter.opened
        self.loan = Loan(counter.allowance)

    def hold(self, amount: int) -> None:
        """Have the host hold so much more for this client."""
        if not self.loan.more(amount):
            raise TooMuchHeldError

    def answer(self, app: WSGIApplication, environ: dict[str, Any]) -> _Answer:
        """Run the application in its turn; `CutError` when the counter was closed meanwhile."""
        with self._counter.turn:
            if self._counter.opened != self._since:
                raise CutError
            return _run(app, environ)


_Answer = tuple[int, list[tuple[str, str]], bytes]


def serve_http(connection: socket.socket, app: WSGIApplication, counter: Counter, *, secure: bool) -> None:
    """Answer requests until the client hangs up, stays silent too long or speaks something else."""
    connection.settimeout(IDLE_SECONDS)
    peer = h11.Connection(h11.SERVER, max_incomplete_event_size=_CHUNK)
    visit = _Visit(counter)
    try:
        while _answer_one(connection, peer, app, visit, secure=secure):
            peer.start_next_cycle()
            visit.loan.back()
    except h11.RemoteProtocolError as error:
        _refuse(connection, peer, error.error_status_hint, str(error))
    except BodyTooLargeError:
        _refuse(connection, peer, 413, f"the body exceeds {MAX_BODY} bytes")
    except TooMuchHeldError:
        _refuse(connection, peer, 503, f"requests of more than {counter.allowance.most} bytes wait already")
    except CutError:
        log.debug("a request was dropped with its connection")
    except OSError as error:
        log.debug("connection ended: %s", error)
    finally:
        visit.loan.back()


def _answer_one(
    connection: socket.socket, peer: h11.Connection, app: WSGIApplication, visit: _Visit, *, secure: bool
) -> bool:
    """Answer one request; False when the connection is over."""
    request = _next_event(connection, peer)
    if not isinstance(request, h11.Request):
        return False
    body = _read_body(connection, peer, visit)
    environ = _environ(request, body, connection, secure=secure)
    status, headers, content = visit.answer(app, environ)
    visit.hold(len(content))
    _hold_back(connection, environ.get(DELAY, 0.0))
    _respond(connection, peer, (status, headers, content), head=request.method == b"HEAD")
    return peer.our_state is h11.DONE and peer.their_state is h11.DONE


def _next_event(connection: socket.socket, peer: h11.Connection) -> Any:
    while (event := peer.next_event()) is h11.NEED_DATA:
        if peer.they_are_waiting_for_100_continue:
            proceed = h11.InformationalResponse(status_code=100, headers=[])
            connection.sendall(peer.send(proceed) or b"")
        peer.receive_data(connection.recv(_CHUNK))
    return event


def _read_body(connection: socket.socket, peer: h11.Connection, visit: _Visit) -> bytes:
    body = bytearray()
    while isinstance(event := _next_event(connection, peer), h11.Data):
        visit.hold(len(event.data))
        body += event.data
        if len(body) > MAX_BODY:
            raise BodyTooLargeError
    return bytes(body)


def _environ(request: h11.Request, body: bytes, connection: socket.socket, *, secure: bool) -> dict[str, Any]:
    path, _, query = request.target.partition(b"?")
    if b"://" in path:
        path = b"/" + path.split(b"://", 1)[1].partition(b"/")[2]
    host, port = connection.getsockname()[:2]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method.decode("ascii"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "RAW_URI": request.target.decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{request.http_version.decode('ascii')}",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if secure else "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers:
        key = name.decode("ascii").upper().replace("-", "_")
        text = value.decode("latin-1")
        if key == "CONTENT_TYPE":
            environ["CONTENT_TYPE"] = text
        elif key not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            http_key = f"HTTP_{key}"
            environ[http_key] = f"{environ[http_key]},{text}" if http_key in environ else text
    return environ


def _run(app: WSGIApplication, environ: dict[str, Any]) -> _Answer:
    started: list[tuple[int, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
        started[:] = [(int(status.split(" ", 1)[0]), headers)]
        return lambda _data: None

    try:
        content = _collect(app(environ, start_response))
        return *started[0], content
    except CutError:
        raise
    except Exception:
        # A fault of a service must reach the log and the client, and end neither the thread nor the world.
        log.exception("a service failed to answer %s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"])
        return 500, [("Content-Type", "text/plain")], b"internal server error\n"


def _hold_back(connection: socket.socket, seconds: float) -> None:
    """Wait, at most until the connection has ended: nobody's end is kept waiting for it."""
    if seconds > 0:
        waiting = select.poll()
        waiting.register(connection, 0)
        waiting.poll(seconds * 1000)


def _respond(connection: socket.socket, peer: h11.Connection, answer: _Answer, *, head: bool) -> None:
    status, headers, content = answer
    fields = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers]
    if (
        status >= 200
        and status not in (204, 304)
        and not any(k.lower() == b"content-length" for k, _ in fields)
    ):
        fields.append((b"Content-Length", str(len(content)).encode()))
    _send(connection, peer, status, fields, b"" if head else content)


def _collect(result: Iterable[bytes]) -> bytes:
    try:
        return b"".join(result)
    finally:
        close = getattr(result, "close", None)
        if close:
            close()


def _send(
    connection: socket.socket,
    peer: h11.Connection,
    status: int,
    fields: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    out = [peer.send(h11.Response(status_code=status, headers=fields))]
    if body and status not in (204, 304):
        out.append(peer.send(h11.Data(data=body)))
    out.append(peer.send(h11.EndOfMessage()))
    connection.sendall(b"".join(part for part in out if part))


def _refuse(connection: socket.socket, peer: h11.Connection, status: int, why: str) -> None:
    if peer.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    body = f"{why}\n".encode()
    fields = [
        (b"Content-Type", b"text/plain"),
        (b"Content-Length", str(len(body)).encode()),
        (b"Connection", b"close"),
    ]
    try:
        _send(connection, peer, status, fields, body)
    except OSError as error:
        log.debug("the client left before it was refused: %s", error)
