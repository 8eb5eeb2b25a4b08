"""The service host: connections, drains and ends, over real sockets."""

import asyncio
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from clawmark_services import Stream, Wsgi, acting_as
from clawmark_services.actor import current_actor
from clawmark_services.authority import Authority
from clawmark_services.serving import MAX_CONNECTIONS, ServiceHost, Serving


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
    assert serving.drain(seconds=0.01) is False
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
    assert serving.drain(seconds=0.05) is False
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
