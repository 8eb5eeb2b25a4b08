"""Serves the endpoints of every world of this process: one accepting thread, a loop per mail endpoint.

An HTTP connection gets a thread of its own, and the TLS handshake happens there: a silent client blocks
nobody but itself. A mail endpoint that is used gets a loop of its own. A world's end, and every freeze, waits
until what its clients sent has been answered: see `Serving.drain`.
"""

from __future__ import annotations

import asyncio
import contextvars
import errno
import logging
import resource
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from clawmark_services.contract import Door, Stream, Wsgi
from clawmark_services.http import Counter, serve_http
from clawmark_services.streams import StreamLoop

MAX_CONNECTIONS = 64
MAX_DESCRIPTORS = 1 << 20
HANDSHAKE_SECONDS = 10.0
RETRY_SECONDS = 0.2
CLOSE_SECONDS = 5.0

log = logging.getLogger(__name__)


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
        self._counter = Counter()
        self._streams: StreamLoop | None = None
        self.closed = False

    def drain(self, seconds: float = 5.0, patience: float = 30.0) -> bool:
        """Wait until every connection made so far has ended and been answered.

        Call it when all clients are dead. Those whose requests have not been answered after `seconds` are cut,
        like clients of a server that restarts: what has not been begun is dropped. False when something is
        still being served after `patience` more; without any, nobody is cut.
        """
        if self._drained(time.monotonic() + seconds):
            return True
        return patience > 0 and self._cut_all(patience)

    def _drained(self, deadline: float) -> bool:
        while True:
            accepted, full = (
                (0, False) if self.closed else self._host.on_acceptor(self._accept_waiting).result()
            )
            with self._busy:
                if not self._busy.wait_for(self._idle, max(0.0, deadline - time.monotonic())):
                    return False
            if not accepted and not full:
                return True

    def _cut_all(self, patience: float) -> bool:
        """End all connections; a mail command that goes on all the same is cancelled."""
        self._counter.renew()
        with self._busy:
            for connection in self._connections:
                _cut(connection)
        if self._drained(time.monotonic() + min(1.0, patience)):
            return True
        if self._streams is not None:
            self._streams.cancel()
        return self._drained(time.monotonic() + patience)

    def close(self) -> None:
        """Stop accepting, cut every connection and wait for what serves them to end."""
        if self.closed:
            return
        self.closed = True
        self._host.on_acceptor(lambda: self._host.forget(self)).result()
        self.listener.close()
        if not self._cut_all(CLOSE_SECONDS):
            log.warning("connections to %s did not end", self._door)
        if self._streams is not None:
            self._streams.close()

    def _idle(self) -> bool:
        return not self._connections and not self._tasks

    def accept_one(self) -> bool:
        """Accept one waiting connection, if there is one; called on the accepting thread only."""
        if len(self._connections) >= MAX_CONNECTIONS:
            self._host.pause(self)
            return False
        try:
            connection, _ = self.listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                self._wait_for_descriptors(error)
            # Otherwise nothing waits, or the client has gone again.
            return False
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            # Small answers must not wait for the client's acknowledgement of the one before.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._busy:
            self._connections.add(connection)
        self._begin(connection)
        return True

    def _accept_waiting(self) -> tuple[int, bool]:
        """How many connections were made, and whether more may wait."""
        accepted = 0
        while self.accept_one():
            accepted += 1
        return accepted, len(self._connections) >= MAX_CONNECTIONS

    def _wait_for_descriptors(self, error: OSError) -> None:
        """Let clients wait, rather than ask in vain without a pause."""
        log.warning("a client of %s has to wait: %s", self._door, error)
        self._host.pause(self)
        timer = threading.Timer(RETRY_SECONDS, self._host.resume, (self,))
        timer.daemon = True
        timer.start()

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
            if self._streams is None:
                self._streams = StreamLoop(self._task_began, self._task_ended)
            self._streams.start(self._serve_stream(connection, self._door))

    def _serve_wsgi(self, connection: socket.socket, door: Wsgi) -> None:
        active = connection
        try:
            if self._tls is not None:
                connection.settimeout(HANDSHAKE_SECONDS)
                active = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self._exchange(connection, active)
                active.do_handshake()
            serve_http(active, door.app, self._counter, secure=self._tls is not None)
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
            _acknowledge_at_once(protocol, connection)
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

    def _task_began(self) -> None:
        with self._busy:
            self._tasks += 1

    def _task_ended(self) -> None:
        with self._busy:
            self._tasks -= 1
            self._busy.notify_all()


def _acknowledge_at_once(protocol: asyncio.BaseProtocol, connection: socket.socket) -> None:
    """Let no client wait for the kernel to acknowledge what it sent.

    Programs send a message and the line end behind it in two writes, and their kernel holds the second back until
    the first is acknowledged: 40 ms later, unless it is asked for, each time anew (tcp(7), TCP_QUICKACK).
    """
    quick = getattr(socket, "TCP_QUICKACK", None)
    if quick is None or not isinstance(protocol, asyncio.Protocol):
        return
    receive = protocol.data_received

    def data_received(data: bytes) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, quick, 1)
        receive(data)

    if connection.family in (socket.AF_INET, socket.AF_INET6):
        protocol.data_received = data_received  # type: ignore[method-assign] # the only way to be told


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
        raise_descriptor_limit()
        self._thread = threading.Thread(target=self._accept_forever, name="clawmark-accept", daemon=True)
        self._thread.start()

    def serve(self, listener: socket.socket, door: Door, tls: ssl.SSLContext | None = None) -> Serving:
        """Answer connections to `listener`, which the returned `Serving` owns from now on."""
        listener.settimeout(0)
        serving = Serving(self, listener, door, tls)
        self.on_acceptor(lambda: self._selector.register(listener, selectors.EVENT_READ, serving)).result()
        return serving

    def close(self) -> None:
        """End the thread; every `Serving` must have been closed before."""
        if not self._running:
            return
        self._running = False
        self._nudge()
        self._thread.join()
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


def raise_descriptor_limit() -> None:
    """Let this process open as many files as it is allowed to.

    A world has six listeners and up to 64 connections to each; the usual limit of 1,024 is there for the sake
    of `select`, which nothing here uses.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        log.debug("raised the limit of open files from %d to %d", soft, wanted)


def _cut(connection: socket.socket) -> None:
    try:
        # SSLSocket.shutdown would take the TLS object away from under the thread that uses it.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError as error:
        log.debug("already gone: %s", error)
