"""Who made a change: the requests of one phase of a turn, and which of them explain what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from clawmark_services import Cause, Change
from clawmark_services.ledger import LEFT_OUT
from pytest_clawmark.changes.naming import UNKNOWN, Named
from pytest_clawmark.changes.told import Phase, Who, WorldChange


@dataclass(frozen=True, slots=True)
class _Request:
    operation: str
    actor: str
    silent: bool
    named: Named


class Requests:
    """The requests that succeeded in one phase, by service.

    What happens before the wake-up is the task's doing, even where a command that the task runs in the world
    speaks to a service with the agent's rights: no agent is awake then.
    """

    def __init__(self, phase: Phase, entries: Iterable[Mapping[str, Any]]) -> None:
        self.phase = phase
        self._by_service: dict[str, list[_Request]] = {}
        for entry in entries:
            if succeeded(entry["status"]):
                self._by_service.setdefault(entry["service"], []).extend(_requests(entry))

    def explain(self, service: str, change: Change) -> WorldChange:
        """The change with whoever made it: by requests that name the item, else by any that need not."""
        found = self._explaining(service, change.causes, exactly=True)
        named = bool(found)
        found = found or self._explaining(service, change.causes, exactly=False)
        return WorldChange(
            service=service,
            phase=self.phase,
            by=self._who(found),
            change=change,
            requests=tuple(dict.fromkeys(request.operation for request in found)),
            named=named,
            silent=bool(found) and all(request.silent for request in found),
        )

    def _explaining(self, service: str, causes: Sequence[Cause], *, exactly: bool) -> list[_Request]:
        """In the order of the audit, each once."""
        found: dict[int, _Request] = {}
        for cause in causes:
            known = self._by_service.get(cause.service or service, ())
            found |= {
                place: request
                for place, request in enumerate(known)
                if _may(cause.operations, request.operation) and _names(request, cause.keys, exactly=exactly)
            }
        return [found[place] for place in sorted(found)]

    def _who(self, found: Sequence[_Request]) -> Who:
        if not found:
            return "unexplained"
        if self.phase == "task":
            return "task"
        return "agent" if any(request.actor == "agent" for request in found) else "task"


def _requests(entry: Mapping[str, Any]) -> Iterator[_Request]:
    """A line's request; of those that were only counted it is known that there were some."""
    actor, silent = entry["actor"], bool(entry["silent"])
    if entry["operation"] == LEFT_OUT:
        for operation in entry["request"]["operations"]:
            yield _Request(operation, actor, silent, Named(UNKNOWN))
    else:
        yield _Request(entry["operation"], actor, silent, Named(entry["request"]))


def succeeded(status: int | str) -> bool:
    """Whether a request was carried out: HTTP and SMTP tell by number, IMAP by OK."""
    return status < 400 if isinstance(status, int) else status == "OK"


def _names(request: _Request, keys: tuple[str, ...], *, exactly: bool) -> bool:
    if exactly:
        return bool(keys) and request.named.all_of(keys)
    return not keys or request.named.cut


@lru_cache(maxsize=4096)
def _may(patterns: tuple[str, ...], operation: str) -> bool:
    return any(fnmatchcase(operation, pattern) for pattern in patterns)
