"""What every service is: how it is declared, reached, frozen, restored and read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from wsgiref.types import WSGIApplication

from clawmark_services.context import Context

Json = Any
"""Whatever `json.dumps(..., sort_keys=True)` accepts and gives back unchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where clients find a service: the names they know it by, a port, and how they speak to it.

    `variable` is the environment variable that carries its URL in every sandbox. Inside an isolated world
    each service has a loopback address of its own, so ports collide only within one service.
    """

    key: str
    hosts: tuple[str, ...]
    port: int
    scheme: Literal["http", "https", "imap", "smtp"]
    variable: str


@dataclass(frozen=True, slots=True)
class Wsgi:
    """An endpoint answered by a WSGI application: one thread per connection, calls may overlap."""

    app: WSGIApplication


@dataclass(frozen=True, slots=True)
class Stream:
    """An endpoint answered by an asyncio protocol, built per connection on the serving loop."""

    factory: Callable[[], asyncio.BaseProtocol]


Door = Wsgi | Stream


class ToolError(Exception):
    """A tool refused; its text is for the agent to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A typed function that an agent may call.

    `parameters` is a JSON Schema of type object. `call` takes the validated arguments as keywords and
    returns text for the agent, or JSON that is shown to it as text; it raises `ToolError` to refuse.
    """

    name: str
    description: str
    parameters: Mapping[str, Json]
    call: Callable[..., Json]


class Service(Protocol):
    """One running service of one world. Every method may be called from any thread."""

    @property
    def name(self) -> str:
        """How tasks, views and the audit call it: `world.<name>`, `snapshot.<name>`."""

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """Where it wants to be reached."""

    @property
    def author(self) -> Any:
        """The task author's door, `world.<name>`: sets the scene without going over the wire.

        It audits its calls like any request; the caller has said who is acting.
        """

    def door(self, key: str) -> Door:
        """How connections to the endpoint `key` are answered."""

    def tools(self) -> Sequence[Tool]:
        """The agent's typed functions, named `<service>_<verb>...`."""

    def environment(self, urls: Mapping[str, str]) -> Mapping[str, str]:
        """Variables that its clients read, given each endpoint key's URL as seen from inside.

        URLs have no trailing slash. The world itself sets each endpoint's `variable`, and puts the home
        folder in place of `{home}`.
        """

    def home_files(self, urls: Mapping[str, str]) -> Mapping[str, bytes]:
        """Files its clients expect, by path relative to the home folder, such as credentials."""

    def skill(self) -> str:
        """A Markdown text that tells an agent how to reach and use it (its `SKILL.md`)."""

    def freeze(self) -> Json:
        """Its whole state as canonical JSON: equal states give equal JSON, in any process.

        Derived data, connections and caches are left out; lists whose order means nothing are sorted.
        """

    def restore(self, state: Json) -> None:
        """Become exactly what was frozen: `restore(freeze())` changes nothing a client could notice."""


class ServiceSpec(Protocol):
    """A service as a task declares it, before any world exists. Picklable and comparable."""

    @property
    def name(self) -> str:
        """The service's name; unique within a task."""

    def open(self, context: Context) -> Service:
        """A fresh, empty service."""

    def view(self, state: Json) -> Any:
        """Read-only evidence over a frozen state: what `snapshot.<name>` is.

        Raises `EvidenceError` where what is asked for is missing, ambiguous or unreadable.
        """

    def to_json(self) -> Json:
        """Everything that makes this declaration differ from another, for digests."""
