"""One difference between two frozen states of a service, and what kind of request can have made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

Json = Any
Kind = Literal["created", "updated", "deleted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Requests that can have made a change.

    `operations` are shell patterns of their names in the audit. Such a request names every one of `keys`
    (identifiers, addresses, titles) somewhere among its parameters; without keys it need name nothing,
    because its kind cannot. `service` is whose requests are meant: the changed service's own when empty.
    """

    operations: tuple[str, ...]
    keys: tuple[str, ...] = ()
    service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one item between two moments.

    `item` is its type ("mail", "row", "event", "cells", ...), `label` and `place` say to a person which one
    and where, `id` is the service's own identifier. `fields` gives what differs, by name, as (before, after):
    None stands for what was not there. Any of the `causes` is enough to explain it.
    """

    kind: Kind
    item: str
    label: str
    id: str = ""
    place: str = ""
    fields: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()


ANYTHING = Cause(operations=("*",))
"""Any request to the service: for what requests of every kind may do."""


@runtime_checkable
class TellsChanges(Protocol):
    """A service declaration (`ServiceSpec`) that can tell its items apart; to be one is optional."""

    def changes(self, before: Json | None, after: Json) -> Sequence[Change]:
        """What differs between two frozen states, in a stable order; `before` is None for a fresh service.

        What merely follows from a reported change (times of editing, results of formulas) is left out.
        """


def differing(
    before: Mapping[str, Json] | None, after: Mapping[str, Json] | None
) -> dict[str, tuple[Json, Json]]:
    """The fields that are not equal, by name, in the order of `after`; what is None or missing is None."""
    old, new = before or {}, after or {}
    names = dict.fromkeys((*new, *old))
    pairs = {name: (old.get(name), new.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def kind_of(before: object, after: object) -> Kind:
    """Of something that is None where it does not exist."""
    if before is None:
        return "created"
    return "deleted" if after is None else "updated"
