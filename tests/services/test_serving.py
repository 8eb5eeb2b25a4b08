"""The service host: connections, drains and ends, over real sockets."""

import asyncio
import http.client
import resource
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from clawmark_services import Stream, Wsgi, acting_as
from clawmark_services.actor import current_actor
from clawmark_services.allowance import Loan
from clawmark_services.authority import Authority
from clawmark_services.http import MAX_AT_ONCE, Counter, serve_http
from clawmark_services.serving import MAX_CONNECTIONS, ServiceHost, Serving, raise_descriptor_limit


@pytest.fixture(scope="module")
def host() -> Iterator[ServiceHost]:
    host = ServiceHost()
    yield host
    host.close()


def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["REQUEST_METHOD"].encode(), b" ", environ["PATH_INFO"].encode(), b" ", body]


@pytest.fixture
def served(host: ServiceHost) -> Iterator[Serving]:
    serving = host.serve(listener(), Wsgi(echo))
    yield serving
    serving.close()


def client(serving: Serving) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(*serving.listener.getsockname(), timeout=10)


def test_a_kept_connection_answers_request_after_request(served: Serving) -> None:
    connection = client(served)
    for number in range(3):
        connection.request("POST", "/path", body=f"n{number}")
        assert connection.getresponse().read() == f"POST /path n{number}".encode()
    connection.close()


def test_a_chunked_body_arrives_whole(served: Serving) -> None:
    connection = client(served)
    connection.request("PUT", "/", body=iter([b"a" * 70_000, b"b"]), encode_chunked=True)
    assert connection.getresponse().read() == b"PUT / " + b"a" * 70_000 + b"b"
    connection.close()


def test_what_is_not_http_is_refused_with_400(served: Serving) -> None:
    with socket.create_connection(served.listener.getsockname(), timeout=10) as connection:
        connection.sendall(b"\x00\x01 nonsense\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_an_application_that_raises_answers_500_and_the_service_goes_on(host: ServiceHost) -> None:
    def broken(environ, start_response):
        raise RuntimeError("boom")

    serving = host.serve(listener(), Wsgi(broken))
    for _ in range(2):
        connection = client(serving)
        connection.request("GET", "/")
        assert connection.getresponse().status == 500
        connection.close()
    serving.close()


def test_drain_waits_for_a_request_that_is_still_being_answered(host: ServiceHost) -> None:
    entered, proceed, written = threading.Event(), threading.Event(), []

    def slow(environ, start_response):
        entered.set()
        proceed.wait(10)
        written.append(environ["wsgi.input"].read())
        start_response("200 OK", [])
        return [b""]

    serving = host.serve(listener(), Wsgi(slow))
    connection = client(serving)
    connection.request("POST", "/", body=b"last words")
    connection.close()
    entered.wait(10)
    assert serving.drain(seconds=0.01, patience=0) is False
    proceed.set()
    assert serving.drain() is True
    assert written == [b"last words"]
    serving.close()


def test_drain_sees_what_was_sent_just_before_the_client_died(host: ServiceHost) -> None:
    received = []

    def collect(environ, start_response):
        received.append(environ["wsgi.input"].read())
        start_response("200 OK", [])
        return [b""]

    serving = host.serve(listener(), Wsgi(collect))
    for number in range(20):
        connection = client(serving)
        connection.request("POST", "/", body=str(number))
        connection.close()
    assert serving.drain() is True
    assert sorted(received, key=int) == [str(number).encode() for number in range(20)]
    serving.close()


def test_a_silent_tls_client_blocks_nobody(host: ServiceHost) -> None:
    authority = Authority()
    serving = host.serve(listener(), Wsgi(echo), authority.server_context(["api.example"]))
    silent = socket.create_connection(serving.listener.getsockname())
    trusting = ssl.create_default_context(cadata=authority.pem.decode())
    raw = socket.create_connection(serving.listener.getsockname(), timeout=10)
    with trusting.wrap_socket(raw, server_hostname="api.example") as secure:
        secure.sendall(b"GET /x HTTP/1.0\r\n\r\n")
        assert b"200" in secure.recv(1000)
    silent.close()
    serving.close()


def test_more_connections_than_allowed_wait_their_turn(served: Serving) -> None:
    crowd = [socket.create_connection(served.listener.getsockname()) for _ in range(MAX_CONNECTIONS)]
    late = client(served)
    late.request("GET", "/late")
    for member in crowd:
        member.close()
    assert late.getresponse().read() == b"GET /late "
    late.close()


def test_a_stream_door_is_drained_until_its_tasks_have_ended(host: ServiceHost) -> None:
    release = threading.Event()
    log = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        log.append(await reader.read())
        while not release.is_set():
            await asyncio.sleep(0)
        log.append("ended")
        writer.close()

    def factory() -> asyncio.BaseProtocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), converse)

    serving = host.serve(listener(), Stream(factory))
    with socket.create_connection(serving.listener.getsockname(), timeout=10) as connection:
        assert connection.recv(10) == b"hello\n"
        connection.sendall(b"bye")
    assert serving.drain(seconds=0.05, patience=0) is False
    release.set()
    assert serving.drain() is True
    assert log == [b"bye", "ended"]
    serving.close()


def test_close_cuts_connections_and_frees_the_port(host: ServiceHost) -> None:
    serving = host.serve(listener(), Wsgi(echo))
    address = serving.listener.getsockname()
    connection = socket.create_connection(address, timeout=10)
    serving.drain(seconds=0)
    serving.close()
    assert connection.recv(1) == b""
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=10)


def test_a_request_is_the_agents_whoever_serves_it(host: ServiceHost) -> None:
    actors = []

    def tell(environ, start_response):
        actors.append(current_actor().who)
        start_response("200 OK", [])
        return [b""]

    with acting_as("task"):
        serving = host.serve(listener(), Wsgi(tell))
        connection = client(serving)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
        serving.drain()
    assert actors == ["agent"]
    serving.close()


def test_a_stream_door_that_fails_to_greet_hangs_up(host: ServiceHost) -> None:
    def factory() -> asyncio.BaseProtocol:
        raise RuntimeError("boom")

    serving = host.serve(listener(), Stream(factory))
    with socket.create_connection(serving.listener.getsockname(), timeout=10) as connection:
        assert connection.recv(1) == b""
    serving.close()


def test_a_client_that_leaves_endless_work_behind_is_cut_and_nothing_of_it_is_begun(
    host: ServiceHost,
) -> None:
    entered, proceed, begun = threading.Semaphore(0), threading.Event(), []

    def slow(environ, start_response):
        begun.append(environ["PATH_INFO"])
        entered.release()
        proceed.wait(10)
        start_response("200 OK", [])
        return [b""]

    serving = host.serve(listener(), Wsgi(slow))
    connections = [client(serving) for _ in range(20)]
    for number, connection in enumerate(connections):
        connection.request("POST", f"/{number}", body=b"work")
    for _ in range(MAX_AT_ONCE):
        assert entered.acquire(timeout=10)
    for connection in connections:
        connection.close()
    assert serving.drain(seconds=0.01, patience=0.01) is False
    proceed.set()
    assert serving.drain() is True
    assert len(begun) == MAX_AT_ONCE
    kept = client(serving)
    kept.request("GET", "/after")
    assert kept.getresponse().status == 200
    kept.close()
    serving.close()


def test_a_stream_that_never_ends_is_cancelled_when_its_world_is_frozen(host: ServiceHost) -> None:
    ended = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        try:
            while True:
                await asyncio.sleep(0)
        finally:
            ended.append(True)
            writer.close()

    serving = host.serve(
        listener(), Stream(lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader(), converse))
    )
    with socket.create_connection(serving.listener.getsockname(), timeout=10) as connection:
        assert connection.recv(10) == b"hello\n"
    assert serving.drain(seconds=0.01) is True
    assert ended == [True]
    serving.close()


def test_a_busy_stream_keeps_no_other_endpoint_waiting(host: ServiceHost) -> None:
    blocking, release = threading.Event(), threading.Event()

    async def blocked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        blocking.set()
        release.wait(20)
        writer.close()

    async def greeting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        await reader.read()
        writer.close()

    def door(converse) -> Stream:
        return Stream(lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader(), converse))

    hostile, innocent = host.serve(listener(), door(blocked)), host.serve(listener(), door(greeting))
    with socket.create_connection(hostile.listener.getsockname(), timeout=10):
        assert blocking.wait(10)
        with socket.create_connection(innocent.listener.getsockname(), timeout=10) as connection:
            assert connection.recv(10) == b"hello\n"
        assert innocent.drain() is True
        release.set()
    hostile.close()
    innocent.close()


def test_what_waited_behind_too_many_connections_is_drained_too(host: ServiceHost) -> None:
    received = []

    def collect(environ, start_response):
        received.append(environ["wsgi.input"].read())
        start_response("200 OK", [])
        return [b""]

    serving = host.serve(listener(), Wsgi(collect))
    silent = [socket.create_connection(serving.listener.getsockname()) for _ in range(MAX_CONNECTIONS)]
    late = [client(serving) for _ in range(20)]
    for number, connection in enumerate(late):
        connection.request("POST", "/", body=str(number))
    for connection in (*silent, *late):
        connection.close()
    assert serving.drain() is True
    assert len(received) == 20
    serving.close()


def test_clients_cannot_make_the_host_hold_more_than_its_share() -> None:
    counter = Counter(held=1_000_000)
    first, second = Loan(counter.allowance), Loan(counter.allowance)
    assert first.more(5_000_000), "a single large request is answered"
    assert not second.more(1)
    first.back()
    assert second.more(600_000)
    assert not first.more(600_000)
    second.back()
    assert counter.allowance.held == 0


def test_a_body_beyond_the_share_is_refused_with_503_until_there_is_room() -> None:
    counter = Counter(held=1000)
    other = Loan(counter.allowance)
    assert other.more(900)
    with listener() as server:
        for expected in (b"HTTP/1.1 503", b"HTTP/1.1 200"):
            with socket.create_connection(server.getsockname(), timeout=10) as connection:
                accepted = server.accept()[0]
                serving = threading.Thread(
                    target=serve_http, args=(accepted, echo, counter), kwargs={"secure": False}
                )
                serving.start()
                connection.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n" + bytes(200))
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(12) == expected
                serving.join(10)
                accepted.close()
            other.back()
    assert counter.allowance.held == 0


def test_the_host_may_open_as_many_files_as_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))
    raise_descriptor_limit()
    assert limits == [(4096, 4096)]
