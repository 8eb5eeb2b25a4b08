"""The gateway's place in a world: a name, a port, and the HTTP spoken there."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import h11

from clawmark_services import Endpoint
from clawmark_services.contract import Door, Stream
from pytest_clawmark.agents.contract import Interrupted
from pytest_clawmark.gateway.desk import Desk, Exchange, Refusal, by_path
from pytest_clawmark.gateway.dialects import DIALECTS
from pytest_clawmark.gateway.dialects.contract import Body
from pytest_clawmark.gateway.passing import Passing
from pytest_clawmark.gateway.provider import GivenUp

HOST, PORT = "models", 8020
VARIABLE = "CLAWMARK_MODELS_URL"
MAX_BODY = 32 * 1024 * 1024
MAX_HELD = 96 * 1024 * 1024
_BASE = "/v1"
_PASSED_ON = "POST /v1/chat/completions, POST /v1/responses, POST /v1/messages, GET /v1/models"

log = logging.getLogger(__name__)


class GatewayDoor:
    """What a world needs to know of a gateway; see `world.addresses.Reachable`."""

    name = "models"
    endpoints: Sequence[Endpoint] = (
        Endpoint(key="http", hosts=(HOST,), port=PORT, scheme="http", variable=VARIABLE),
    )

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._held = Held()

    def door(self, _key: str) -> Door:
        """How connections are answered."""
        return Stream(lambda: GatewayConnection(self._desk, self._held))


class Held:
    """How many bytes of requests are held for one world, on one loop."""

    def __init__(self) -> None:
        self.bytes = 0


class GatewayConnection(asyncio.Protocol):
    """One client: requests come one after the other, each answered by a task that ends with the connection."""

    def __init__(self, desk: Desk, held: Held) -> None:
        self._desk, self._held = desk, held
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=65_536)
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._read()

    def eof_received(self) -> None:
        """A client that has said all may still wait for its answer."""
        self._http.receive_data(b"")

    def connection_lost(self, _error: Exception | None) -> None:
        self._let_go()
        if self._task is not None:
            self._task.cancel()

    def _read(self) -> None:
        try:
            while self._task is None:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    if self._http.they_are_waiting_for_100_continue:
                        self._send(h11.InformationalResponse(status_code=100, headers=[]))
                    return
                if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                    self._transport.close()
                    return
                self._take(event)
        except h11.RemoteProtocolError as error:
            self._fail(HTTPStatus(error.error_status_hint), str(error))

    def _take(self, event: Any) -> None:
        if isinstance(event, h11.Request):
            self._request = event
        elif isinstance(event, h11.Data):
            self._body += event.data
            self._held.bytes += len(event.data)
            if len(self._body) > MAX_BODY:
                self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request may have {MAX_BODY} bytes")
            elif self._held.bytes > MAX_HELD:
                self._fail(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests wait already")
        elif isinstance(event, h11.EndOfMessage) and self._request is not None:
            self._task = asyncio.get_running_loop().create_task(self._answer(self._request))

    def _fail(self, status: HTTPStatus, why: str) -> None:
        """Refuse a client that does not speak properly, and be rid of it."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._respond(status, {"error": {"message": why}}, close=True)
        self._transport.close()
        self._task = self._task or asyncio.get_running_loop().create_task(asyncio.sleep(0))

    async def _answer(self, request: h11.Request) -> None:
        try:
            await self._route(request)
        except Refusal as refusal:
            self._respond(refusal.status, refusal.body)
        except (Interrupted, GivenUp):
            self._transport.abort()
            return
        except asyncio.CancelledError:
            self._transport.abort()
            raise
        except Exception:
            # A fault of ours must reach the log and the client, and end neither the loop nor the world.
            log.exception("the gateway failed to answer %s", request.target)
            self._transport.abort()
            return
        self._go_on()

    def _go_on(self) -> None:
        self._let_go()
        self._task, self._request = None, None
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._read()
        else:
            self._transport.close()

    def _let_go(self) -> None:
        self._held.bytes -= len(self._body)
        self._body = bytearray()

    async def _route(self, request: h11.Request) -> None:
        method, path = request.method.decode(), request.target.decode("latin-1").partition("?")[0]
        content, below = bytes(self._body), path.removeprefix(_BASE)
        reads = method in ("GET", "HEAD")
        if method == "POST" and (dialect := by_path(below)) is not None:
            headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
            exchange = await asyncio.to_thread(self._desk.admit, dialect, content, headers)
            await (self._stream(exchange) if exchange.streams else self._ask(exchange))
        elif method == "POST" and below == "/messages/count_tokens":
            told = await asyncio.to_thread(self._desk.count, DIALECTS["messages"], content)
            self._respond(HTTPStatus.OK, told)
        elif reads and (below == "/models" or below.startswith("/models/")):
            self._respond(HTTPStatus.OK, self._models(below))
        elif reads and path == "/":
            self._respond(HTTPStatus.OK, {"models": [self._desk.entry.name]})
        else:
            why = f"{method} {path} is not passed on; these are: {_PASSED_ON}"
            self._respond(HTTPStatus.NOT_FOUND, {"error": {"message": why, "type": "not_found_error"}})

    async def _ask(self, exchange: Exchange) -> None:
        began = time.monotonic()
        try:
            tried = await asyncio.wrap_future(self._desk.line.send(exchange.sent, exchange.headers))
        except Exception as error:  # noqa: BLE001 - the desk knows what to make of each
            raise self._desk.refuse(exchange, error, time.monotonic() - began) from None
        told = await asyncio.to_thread(self._desk.done, exchange, tried.value, tried)
        self._respond(HTTPStatus.OK, told)

    def _models(self, path: str) -> Body:
        window = self._desk.entry.context_window
        model = {
            "id": self._desk.entry.name,
            "object": "model",
            "type": "model",
            "display_name": self._desk.entry.name,
            "created": 0,
            "owned_by": "world",
            "context_window": window,
            "max_model_len": window,
        }
        return model if path.startswith("/models/") else {"object": "list", "data": [model]}

    async def _stream(self, exchange: Exchange) -> None:
        passing = Passing(self._desk, exchange)
        try:
            await passing.begin()
            self._send(_head("text/event-stream", (b"Cache-Control", b"no-cache")))
            async for event in passing.events():
                self._send(h11.Data(data=event.encode()))
        except Refusal:
            if self._http.our_state is not h11.SEND_BODY:
                raise
            # The client has had half of an answer: it must see that the rest is missing.
            self._transport.abort()
            return
        finally:
            passing.give_up()
        self._send(h11.EndOfMessage())

    def _respond(self, status: HTTPStatus, body: Body, *, close: bool = False) -> None:
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        extra = [(b"Content-Length", str(len(content)).encode())]
        self._send(
            _head("application/json", *extra, *([(b"Connection", b"close")] if close else []), status=status)
        )
        if self._request is None or self._request.method != b"HEAD":
            self._send(h11.Data(data=content))
        self._send(h11.EndOfMessage())

    def _send(self, event: Any) -> None:
        data = self._http.send(event)
        if data and not self._transport.is_closing():
            self._transport.write(data)


def _head(media_type: str, *headers: tuple[bytes, bytes], status: HTTPStatus = HTTPStatus.OK) -> h11.Response:
    return h11.Response(
        status_code=status,
        headers=[(b"Content-Type", media_type.encode()), *headers],
        reason=status.phrase.encode(),
    )
