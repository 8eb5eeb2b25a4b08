"""Serves the endpoints of every world of this process: one accepting thread, one asyncio loop.

An HTTP connection gets a thread of its own, and the TLS handshake happens there: a silent client blocks
nobody but itself. Mail protocols run on the loop. A world's end, and every freeze, waits until what its
clients sent has been answered: see `Serving.drain`.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from clawmark_services.contract import Door, Stream, Wsgi
from clawmark_services.http import serve_http

MAX_CONNECTIONS = 64
HANDSHAKE_SECONDS = 10.0

log = logging.getLogger(__name__)

# Tasks inherit it from the connection they serve, however deep a library starts them.
_serving: contextvars.ContextVar[Serving | None] = contextvars.ContextVar("clawmark_serving", default=None)


class Serving:
    """One listening socket being served. Made by `ServiceHost.serve`."""

    def __init__(
        self, host: ServiceHost, listener: socket.socket, door: Door, tls: ssl.SSLContext | None
    ) -> None:
        self._host, self._door, self._tls = host, door, tls
        self.listener = listener
        self._busy = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._tasks = 0
        self.closed = False

    def drain(self, seconds: float = 5.0) -> bool:
        """Wait until every connection made so far has ended and been answered.

        Call it when all clients are dead. False when something is still being served after `seconds`.
        """
        deadline = time.monotonic() + seconds
        while True:
            accepted = self._host.on_acceptor(self._accept_waiting).result()
            with self._busy:
                if not self._busy.wait_for(self._idle, max(0.0, deadline - time.monotonic())):
                    return False
            if not accepted:
                return True

    def close(self) -> None:
        """Stop accepting, cut every connection and wait for what serves them to end."""
        if self.closed:
            return
        self.closed = True
        self._host.on_acceptor(lambda: self._host.forget(self)).result()
        self.listener.close()
        with self._busy:
            for connection in self._connections:
                _cut(connection)
            if not self._busy.wait_for(self._idle, 5.0):
                log.warning("connections to %s did not end", self._door)

    def _idle(self) -> bool:
        return not self._connections and not self._tasks

    def accept_one(self) -> bool:
        """Accept one waiting connection, if there is one; called on the accepting thread only."""
        if len(self._connections) >= MAX_CONNECTIONS:
            self._host.pause(self)
            return False
        try:
            connection, _ = self.listener.accept()
        except OSError:
            # Nothing waits, or the client has gone again.
            return False
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            # Small answers must not wait for the client's acknowledgement of the one before.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._busy:
            self._connections.add(connection)
        self._begin(connection)
        return True

    def _accept_waiting(self) -> int:
        accepted = 0
        while self.accept_one():
            accepted += 1
        return accepted

    def _begin(self, connection: socket.socket) -> None:
        if isinstance(self._door, Wsgi):
            connection.settimeout(None)
            # An empty context: whoever made the acceptor work, the agent is behind what arrives.
            run = contextvars.Context().run
            threading.Thread(
                target=run, args=(self._serve_wsgi, connection, self._door), name="clawmark-http", daemon=True
            ).start()
        else:
            connection.settimeout(0)
            self._host.on_loop(self, self._serve_stream(connection, self._door))

    def _serve_wsgi(self, connection: socket.socket, door: Wsgi) -> None:
        active = connection
        try:
            if self._tls is not None:
                connection.settimeout(HANDSHAKE_SECONDS)
                active = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self._exchange(connection, active)
                active.do_handshake()
            serve_http(active, door.app, secure=self._tls is not None)
        except OSError as error:
            log.debug("connection refused or lost: %s", error)
        finally:
            self._ended(active)

    async def _serve_stream(self, connection: socket.socket, door: Stream) -> None:
        try:
            protocol = door.factory()
        except Exception:
            log.exception("a service failed to greet a client")
            self._ended(connection)
            return
        lost = protocol.connection_lost

        def connection_lost(error: Exception | None) -> None:
            lost(error)
            self._ended(connection)

        protocol.connection_lost = connection_lost  # type: ignore[method-assign,assignment] # the only way to be told
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, connection)
        except OSError as error:
            log.debug("connection lost at once: %s", error)
            self._ended(connection)

    def _exchange(self, before: socket.socket, after: socket.socket) -> None:
        with self._busy:
            self._connections.discard(before)
            self._connections.add(after)

    def _ended(self, connection: socket.socket) -> None:
        connection.close()
        with self._busy:
            self._connections.discard(connection)
            self._busy.notify_all()
        self._host.resume(self)

    def task_began(self) -> None:
        """A task of one of its connections started; called on the loop."""
        with self._busy:
            self._tasks += 1

    def task_ended(self, _task: Any) -> None:
        """It ended."""
        with self._busy:
            self._tasks -= 1
            self._busy.notify_all()


class ServiceHost:
    """Serves any number of worlds until it is closed."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.settimeout(0)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._lock = threading.Lock()
        self._requests: list[Callable[[], None]] = []
        self._running = True
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(_counted_task)
        self._threads = [
            threading.Thread(target=self._accept_forever, name="clawmark-accept", daemon=True),
            threading.Thread(target=self._loop.run_forever, name="clawmark-loop", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def serve(self, listener: socket.socket, door: Door, tls: ssl.SSLContext | None = None) -> Serving:
        """Answer connections to `listener`, which the returned `Serving` owns from now on."""
        listener.settimeout(0)
        serving = Serving(self, listener, door, tls)
        self.on_acceptor(lambda: self._selector.register(listener, selectors.EVENT_READ, serving)).result()
        return serving

    def close(self) -> None:
        """End the threads; every `Serving` must have been closed before."""
        if not self._running:
            return
        self._running = False
        self._nudge()
        self._loop.call_soon_threadsafe(self._loop.stop)
        for thread in self._threads:
            thread.join()
        self._loop.close()
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def on_acceptor(self, call: Callable[[], Any]) -> Future[Any]:
        """Run `call` on the accepting thread, which alone touches the selector."""
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(call())
            except Exception as error:  # noqa: BLE001 - it is handed to whoever waits for the future
                future.set_exception(error)

        with self._lock:
            self._requests.append(run)
        self._nudge()
        return future

    def on_loop(self, serving: Serving, work: Coroutine[Any, Any, None]) -> None:
        """Start `work` on the loop as a task of `serving`."""
        context = contextvars.Context()
        context.run(_serving.set, serving)
        serving.task_began()

        def start() -> None:
            task = self._loop.create_task(work)
            task.add_done_callback(lambda _: serving.task_ended(task))

        context.run(self._loop.call_soon_threadsafe, start)

    def pause(self, serving: Serving) -> None:
        """Too many connections: let further ones wait in the backlog. Accepting thread only."""
        if serving.listener.fileno() in self._selector.get_map():
            self._selector.unregister(serving.listener)

    def resume(self, serving: Serving) -> None:
        """A connection ended: accept again, if accepting was paused."""
        self.on_acceptor(lambda: self._resume(serving))

    def forget(self, serving: Serving) -> None:
        """Accept no more. Accepting thread only."""
        self.pause(serving)

    def _resume(self, serving: Serving) -> None:
        descriptor = serving.listener.fileno()
        if descriptor >= 0 and not serving.closed and descriptor not in self._selector.get_map():
            self._selector.register(serving.listener, selectors.EVENT_READ, serving)

    def _nudge(self) -> None:
        try:
            self._wake.send(b"x")
        except BlockingIOError:
            # The acceptor has wake-ups enough to read.
            return
        except OSError:
            if self._running:
                raise
            # A connection's last thread outlived the host by an instant: there is nothing left to wake.

    def _accept_forever(self) -> None:
        while self._running:
            for key, _ in self._selector.select():
                if key.data is None:
                    self._run_requests()
                else:
                    key.data.accept_one()

    def _run_requests(self) -> None:
        self._woken.recv(4096)
        with self._lock:
            requests, self._requests = self._requests, []
        for request in requests:
            request()


def _counted_task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    serving = _serving.get()
    if serving is not None:
        serving.task_began()
        task.add_done_callback(serving.task_ended)
    return task


def _cut(connection: socket.socket) -> None:
    try:
        # SSLSocket.shutdown would take the TLS object away from under the thread that uses it.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError as error:
        log.debug("already gone: %s", error)
