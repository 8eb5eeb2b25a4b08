"""What the gateway adds to a call of a model: the same requests, made to a scripted model and through a gateway.

The model is a process of its own; the gateway is served as a world's is, from this one. Used by `overhead.py`.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from clawmark_services.serving import ServiceHost
from pytest_clawmark.agents.contract import TurnLimits
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.gateway.desk import Desk
from pytest_clawmark.gateway.door import GatewayDoor
from pytest_clawmark.gateway.provider import Provider

_MODEL = Path(__file__).parent.parent / "tests/support/scripted_model.py"
_PATH = "/chat/completions"
_WORD = "word "
_TOKENS = 100_000


@contextlib.contextmanager
def _model() -> Iterator[str]:
    """The base URL of a scripted model."""
    with subprocess.Popen([sys.executable, str(_MODEL)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextlib.contextmanager
def _gateway(url: str) -> Iterator[str]:
    """The base URL of a gateway in front of a model."""
    window = 10 * _TOKENS
    provider = Provider(ModelEntry(name="m", base_url=url, model="scripted", context_window=window))
    desk, host = Desk(provider), ServiceHost()
    listener = socket.create_server(("127.0.0.1", 0))
    serving = host.serve(listener, GatewayDoor(desk).door("http"))
    desk.open_for(lambda _: None, TurnLimits(tool_calls=None, minutes=None))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        desk.close_for_today()
        serving.close()
        host.close()
        provider.close()


def _ask(client: httpx.Client, url: str, body: dict[str, object]) -> tuple[float, float]:
    """Milliseconds until the first piece of the answer, and until its end."""
    began = time.perf_counter()
    first = 0.0
    with client.stream("POST", url + _PATH, json=body) as answer:
        answer.raise_for_status()
        for _ in answer.iter_bytes():
            first = first or time.perf_counter()
    return (first - began) * 1e3, (time.perf_counter() - began) * 1e3


def added_milliseconds(count: int) -> dict[str, list[float]]:
    """By what was asked: how much longer each call took through the gateway than directly, just before."""
    short = [{"role": "user", "content": "What is in the workspace?"}]
    long = [{"role": "user", "content": _WORD * _TOKENS}]
    found: dict[str, list[float]] = {}
    with _model() as direct, _gateway(direct) as through, httpx.Client(trust_env=False, timeout=60) as client:
        for name, messages, stream in (
            ("whole answer", short, False),
            ("streamed answer", short, True),
            (f"whole answer, {_TOKENS:,} tokens asked", long, False),
        ):
            body: dict[str, object] = {"model": "m", "messages": messages, "stream": stream}
            pairs = [(_ask(client, direct, body), _ask(client, through, body)) for _ in range(count + 5)][5:]
            found[name] = [ours[1] - theirs[1] for theirs, ours in pairs]
            if stream:
                found[f"{name}, first piece"] = [ours[0] - theirs[0] for theirs, ours in pairs]
    return found
