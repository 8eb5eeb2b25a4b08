"""A model that says what it is told to, for tests and for trying by hand: OpenAI's chat completions and responses,
and Anthropic's messages, streamed and not.

In a test:

    with ScriptedModel([Calls(("shell", {"command": "ls"})), Status(500), Says("done")]) as model:
        ...  # base_url = model.url; afterwards model.requests holds what was asked

By hand, it prints its base URL and serves until it is interrupted:

    python tests/support/scripted_model.py --port 0 --scenario scenario.json

A scenario is a JSON list of steps, each an object with one of these keys, and perhaps "times" (a number):

    {"say": "text", "finish_reason": "stop", "usage": {"prompt_tokens": 9, "completion_tokens": 3}}
    {"call": [{"name": "shell", "arguments": {"command": "ls"}}]}   arguments may be a text, even a broken one
    {"run": "ls"}              a command, by whichever tool for that the client offers
    {"break": "text"}          an answer that breaks off behind its first word, where it is streamed
    {"status": 429, "headers": {"Retry-After": "1"}, "body": {"error": {"message": "slow down"}}}
    {"garbage": "<html>"}      a successful answer that is no completion
    {"drop": true}             the connection breaks
    {"hang": true}             no answer, until the server is closed

Steps are dealt per conversation: the answers a request's messages already hold tell how far it is, and a
step that answers nothing (from "status" on) is served once before the answer that follows it. After the
last step it says "Done.". So several episodes may play one scenario at once.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

if not __package__:  # started by hand
    sys.path.insert(0, str(Path(__file__).parent.parent))

from support.scripted_apis import (
    CHAT,
    MESSAGES,
    RESPONSES,
    SHELLS,
    Spoken,
    answers,
    pieces,
    tool_names,
    whole,
)


@dataclass(frozen=True, slots=True)
class Says:
    """A text, which ends the turn."""

    text: str
    finish_reason: str = "stop"
    usage: Mapping[str, Any] | None = field(
        default_factory=lambda: {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    )


class Calls:
    """Tool calls, each a name and its arguments: a mapping, or the raw text to send."""

    def __init__(self, *calls: tuple[str, Mapping[str, Any] | str], text: str = "", **settings: Any) -> None:
        self.calls = calls
        self.says = Says(text, **{"finish_reason": "tool_calls", **settings})


@dataclass(frozen=True, slots=True)
class Runs:
    """A command, run with the tool that the client has for that."""

    command: str

    def with_tool_of(self, body: Mapping[str, Any]) -> Calls:
        """The call that this client understands."""
        offered = tool_names(body)
        name = next((name for name in SHELLS if name in offered), None)
        if name is None:
            raise ValueError(f"no tool for commands among {offered}")
        return Calls((name, {SHELLS[name]: self.command}))


@dataclass(frozen=True, slots=True)
class Slowly:
    """A text whose rest waits, behind its first word, until `gate` is set; streamed only."""

    text: str
    gate: threading.Event


@dataclass(frozen=True, slots=True)
class BreaksOff:
    """A text of which only the first word arrives; streamed only."""

    text: str


@dataclass(frozen=True, slots=True)
class Status:
    """An error status."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Garbage:
    """A successful answer with this body."""

    body: bytes
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Drops:
    """The connection breaks before an answer."""


@dataclass(frozen=True, slots=True)
class Hangs:
    """No answer."""


Answer = Says | Calls | Runs | Slowly
Trouble = Status | Garbage | Drops | Hangs | BreaksOff
Step = Answer | Trouble


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: the JSON body, the headers in lower case, how often this very body came before, and where."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    repeats: int
    path: str = CHAT

    @property
    def tools(self) -> Sequence[str]:
        """The names of the tools that it offers."""
        return tool_names(self.body)

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """The conversation."""
        return self.body["messages"]

    @property
    def answers(self) -> int:
        """How many messages of the model's it already holds."""
        return answers(self.path, self.body)


class ScriptedModel:
    """Serves on a free port from its construction until `close`.

    `scenario` is a list of steps or a function from a `Request` to a step. `key`, where given, is the only
    one it accepts. `models_status` answers the list of models.
    """

    def __init__(
        self,
        scenario: Iterable[Step] | Callable[[Request], Step] = (),
        *,
        port: int = 0,
        key: str | None = None,
        models_status: int = 200,
    ) -> None:
        self._choose = scenario if callable(scenario) else _dealt(list(scenario))
        self.key = key
        self.models_status = models_status
        self.requests: list[Request] = []
        self.arrived = threading.Semaphore(0)
        """Released once per request for a completion, before it is answered."""
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.model = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The `base_url` to use."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def next_step(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Step:
        """Write a request down and choose what answers it."""
        identity = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self._lock:
            request = Request(body, headers, self._seen[identity], path)
            self._seen[identity] += 1
            self.requests.append(request)
        self.arrived.release()
        return self._choose(request)

    def close(self) -> None:
        """Stop serving; every connection is closed and every thread ended."""
        self.closing.set()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> ScriptedModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_scenario(path: Path) -> list[Step]:
    """The steps of a scenario file; raises `ValueError` naming the step that is wrong."""
    steps: list[Step] = []
    for number, entry in enumerate(json.loads(path.read_text(encoding="utf-8")), start=1):
        given = dict(entry)
        times = given.pop("times", 1)
        kinds = [kind for kind in _READERS if kind in given]
        if len(kinds) != 1:
            raise ValueError(f"{path}: step {number} must have one of {', '.join(_READERS)}: {entry}")
        steps += [_READERS[kinds[0]](given.pop(kinds[0]), **given)] * times
    return steps


def _read_calls(calls: Sequence[Mapping[str, Any]], **settings: Any) -> Calls:
    return Calls(*((call["name"], call["arguments"]) for call in calls), **settings)


_READERS: Mapping[str, Callable[..., Step]] = {
    "say": Says,
    "call": _read_calls,
    "run": Runs,
    "break": BreaksOff,
    "status": Status,
    "garbage": lambda text, **settings: Garbage(text.encode(), **settings),
    "drop": lambda _: Drops(),
    "hang": lambda _: Hangs(),
}


def _dealt(steps: Sequence[Step]) -> Callable[[Request], Step]:
    answers: list[Answer] = []
    troubles: list[list[Trouble]] = [[]]
    for step in steps:
        if isinstance(step, Answer):
            answers.append(step)
            troubles.append([])
        else:
            troubles[-1].append(step)

    def choose(request: Request) -> Step:
        place = min(request.answers, len(answers))
        if request.repeats < len(troubles[place]):
            return troubles[place][request.repeats]
        return answers[place] if place < len(answers) else Says("Done.")

    return choose


class _Server(ThreadingHTTPServer):
    model: ScriptedModel
    daemon_threads = False
    request_queue_size = 128
    block_on_close = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Wake the handlers that wait for another request on a connection kept alive."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the play; anything else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        model = self.server.model
        if self._refused():
            return
        if self.path != "/v1/models" or model.models_status != 200:
            self._send(
                404 if self.path != "/v1/models" else model.models_status, {"error": {"message": "no"}}
            )
            return
        self._send(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._refused():
            return
        path = self.path.partition("?")[0]
        if path not in (CHAT, RESPONSES, MESSAGES):
            self._send(404, {"error": {"message": f"no such path: {self.path}"}})
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = json.loads(body)
        step = self.server.model.next_step(path, asked, headers)
        self._play(step.with_tool_of(asked) if isinstance(step, Runs) else step, path, asked)

    def _play(self, step: Step, path: str, asked: Mapping[str, Any]) -> None:
        if isinstance(step, Says | Calls | Slowly | BreaksOff):
            if asked.get("stream"):
                self._stream(step, path, asked)
            else:
                self._send(200, whole(path, spoken(step, answers(path, asked))))
        elif isinstance(step, Status):
            body = step.body if step.body is not None else {"error": {"message": f"status {step.status}"}}
            self._send(step.status, body, step.headers)
        elif isinstance(step, Garbage):
            self._send_bytes(200, step.body, {"Content-Type": step.media_type})
        elif isinstance(step, Drops):
            self.close_connection = True
        else:
            self.server.model.closing.wait()
            self.close_connection = True

    def _stream(self, step: Step, path: str, asked: Mapping[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        texts = 0
        for piece in pieces(path, spoken(step, answers(path, asked)), asked):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
            texts += b"first" in piece and b"delta" in piece
            if texts and isinstance(step, BreaksOff):
                self.close_connection = True
                return
            if texts and isinstance(step, Slowly):
                step.gate.wait()
        self.wfile.write(b"0\r\n\r\n")

    def _refused(self) -> bool:
        key = self.server.model.key
        given = self.headers.get("Authorization", f"Bearer {self.headers.get('x-api-key')}")
        if key is None or given == f"Bearer {key}":
            return False
        told = f"Incorrect API key provided: {self.headers.get('Authorization')}"
        self._send(401, {"error": {"message": told, "code": "invalid_api_key"}})
        return True

    def _send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self._send_bytes(status, data, {"Content-Type": "application/json", **(headers or {})})

    def _send_bytes(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing: what was asked is in `requests`."""


def spoken(step: Step, before: int) -> Spoken:
    """What a step says, before it is put into an API's form, as the answer after `before` others."""
    if isinstance(step, Slowly | BreaksOff):
        return spoken(Says(f"first {step.text}"), before)
    says = step.says if isinstance(step, Calls) else step
    calls = [
        (
            f"call_{before}_{index}" if before else f"call_{index}",
            name,
            arguments if isinstance(arguments, str) else json.dumps(arguments),
        )
        for index, (name, arguments) in enumerate(step.calls if isinstance(step, Calls) else ())
    ]
    return Spoken(says.text, calls, says.finish_reason, says.usage)


def main() -> None:
    """Serve a scenario until interrupted."""
    parser = argparse.ArgumentParser(
        description="Serve a scripted model (the module's docstring has the format)."
    )
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument(
        "--scenario", type=Path, help="a JSON list of steps; without it every answer is 'Done.'"
    )
    parser.add_argument("--key", help="refuse every other API key")
    options = parser.parse_args()
    steps = read_scenario(options.scenario) if options.scenario else []
    with ScriptedModel(steps, port=options.port, key=options.key) as model:
        print(model.url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
