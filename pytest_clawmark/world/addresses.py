"""Where each service of a world listens, and the URL under which it is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from clawmark_services import Endpoint
from clawmark_services.contract import Door
from pytest_clawmark.sandboxes.contract import Address

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Reachable(Protocol):
    """What has endpoints: every service, and the desk of their tools."""

    @property
    def name(self) -> str: ...

    @property
    def endpoints(self) -> Sequence[Endpoint]: ...

    def door(self, key: str) -> Door: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One endpoint of one service at its address."""

    service: Reachable
    endpoint: Endpoint
    address: Address


def place(services: Iterable[Reachable]) -> tuple[Placed, ...]:
    """Give each service a loopback address of its own, so that several may use port 443."""
    return tuple(
        Placed(
            service=service, endpoint=endpoint, address=Address(ip=f"127.0.1.{number}", port=endpoint.port)
        )
        for number, service in enumerate(services, start=1)
        for endpoint in service.endpoints
    )


def hosts(placed: Iterable[Placed]) -> dict[str, str]:
    """Every name by which a service is known, and its address."""
    return {name: p.address.ip for p in placed for name in p.endpoint.hosts}


def urls(placed: Iterable[Placed], moved: Mapping[Address, tuple[str, int]]) -> dict[tuple[str, str], str]:
    """The URL of each (service name, endpoint key), without a trailing slash.

    `moved` tells where a listener really is, when that is not its address; it is empty in isolated worlds.
    """
    return {(p.service.name, p.endpoint.key): _url(p.endpoint, moved.get(p.address)) for p in placed}


def _url(endpoint: Endpoint, at: tuple[str, int] | None) -> str:
    host, port = at or (endpoint.hosts[0], endpoint.port)
    shown = "" if _DEFAULT_PORTS.get(endpoint.scheme) == port else f":{port}"
    return f"{endpoint.scheme}://{host}{shown}"
