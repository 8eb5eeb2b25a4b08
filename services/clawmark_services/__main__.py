"""Serves the services by themselves, for trying clients out: `python -m clawmark_services email notion`.

Prints one line per endpoint, the variable and the URL that a world would set, and serves until it is told to end.
"""

from __future__ import annotations

import argparse
import signal
import socket
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from clawmark_services.accounts import Account, AccountBook
from clawmark_services.authority import Authority
from clawmark_services.clock import ServiceClock
from clawmark_services.context import Context
from clawmark_services.contract import Endpoint, Service
from clawmark_services.ids import Ids
from clawmark_services.serving import ServiceHost

SPECS = {"email": "EmailSpec", "calendar": "CalendarSpec", "notion": "NotionSpec", "sheets": "SheetsSpec"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    wish = _parser().parse_args(arguments)
    # Blocked rather than handled: whichever comes first, also while the doors are being opened, ends the wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    with ExitStack() as stack:
        authority, host = Authority(), ServiceHost()
        stack.callback(host.close)
        if wish.authority:
            wish.authority.write_bytes(authority.pem)
        for name in dict.fromkeys(wish.service):
            service = _open(name, wish)
            for endpoint in service.endpoints:
                listener = _listener(wish.listen, endpoint.port)
                secure = endpoint.scheme == "https"
                tls = authority.server_context((*endpoint.hosts, wish.host)) if secure else None
                stack.enter_context(closing(host.serve(listener, service.door(endpoint.key), tls)))
                line = _line(endpoint, wish.host, listener.getsockname()[1])
                print(line, flush=True)  # noqa: T201 - what it is asked for
        signal.sigwait((signal.SIGINT, signal.SIGTERM))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m clawmark_services", description=__doc__.splitlines()[0])
    parser.add_argument("service", nargs="*", choices=tuple(SPECS), default=list(SPECS), help="default: all")
    parser.add_argument("--listen", default="127.0.0.1", metavar="IP", help="0.0.0.0 in a container")
    parser.add_argument("--host", default="localhost", metavar="NAME", help="how clients call this machine")
    parser.add_argument("--account", nargs="+", default=["agent@company.example"], metavar="ADDRESS")
    parser.add_argument("--seed", type=int, default=0, help="what identifiers are drawn from")
    parser.add_argument(
        "--at", type=_moment, default=datetime.now(UTC), metavar="TIME", help="ISO 8601 with a time zone"
    )
    parser.add_argument("--authority", type=Path, metavar="FILE", help="write there what clients must trust")
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no time zone: write 2024-03-19T09:00+08:00")
    return moment


def _open(name: str, wish: argparse.Namespace) -> Service:
    spec = getattr(import_module(f"clawmark_services.{name}"), SPECS[name])()
    agent, *people = (Account(address.partition("@")[0], address) for address in wish.account)
    context = Context(
        service=name,
        clock=ServiceClock(wish.at),
        ids=Ids(wish.seed, name),
        accounts=AccountBook(agent, people),
        audit=lambda _: None,
    )
    service: Service = spec.open(context)
    return service


def _listener(ip: str, port: int) -> socket.socket:
    """At the well-known port if it is free and allowed, else at any."""
    try:
        return socket.create_server((ip, port))
    except OSError:
        return socket.create_server((ip, 0))


def _line(endpoint: Endpoint, host: str, port: int) -> str:
    return f"{endpoint.variable}={endpoint.scheme}://{host}:{port}"


if __name__ == "__main__":
    raise SystemExit(main())
