"""A gateway on a port of this machine, served as a world's is, in front of a scripted model."""

from __future__ import annotations

import socket

import httpx
import pytest
from support.scripted_model import ScriptedModel

from clawmark_services.serving import ServiceHost
from pytest_clawmark.agents.contract import TurnLimits
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.gateway.desk import Desk
from pytest_clawmark.gateway.door import GatewayDoor
from pytest_clawmark.gateway.provider import Provider

PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}


class Gateway:
    """One desk with a turn open, its door, the model behind it, and what was recorded."""

    def __init__(self, host: ServiceHost) -> None:
        self._host = host
        self.records: list[dict] = []
        self.pauses: list[float] = []
        self.model: ScriptedModel | None = None

    def open(self, scenario=(), *, limits=None, server=None, **entry):
        self.model = ScriptedModel(scenario, **(server or {}))
        given = {"name": "m", "base_url": self.model.url, "model": "scripted", **entry}
        self.provider = Provider(ModelEntry(**given), sleep=self._note)
        self.desk = Desk(self.provider)
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._serving = self._host.serve(listener, GatewayDoor(self.desk).door("http"))
        self.begin(limits)
        return self

    def begin(self, limits=None):
        self.desk.open_for(self.records.append, limits or TurnLimits())

    def post(self, api, body, **options):
        with httpx.Client(timeout=20, trust_env=False) as client:
            return client.post(self.url + PATHS.get(api, api), json=body, **options)

    def recorded(self, kind):
        return [record for record in self.records if record["type"] == kind]

    def close(self):
        if self.model is not None:
            self.desk.close_for_today()
            self._serving.close()
            self.provider.close()
            self.model.close()

    async def _note(self, seconds):
        self.pauses.append(seconds)


@pytest.fixture
def host():
    host = ServiceHost()
    yield host
    host.close()


@pytest.fixture
def gateway(host):
    gateway = Gateway(host)
    yield gateway
    gateway.close()
