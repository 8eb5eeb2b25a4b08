"""What changed in one turn, as checkers and reports read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, overload

from clawmark_services import Change

Who = Literal["task", "agent", "unexplained"]
Phase = Literal["task", "agent"]
FILES = "files"
"""How changes of the workspace call what they belong to, beside the services' names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldChange:
    """One item of the world that differs.

    `service` is a service's name or "files". `phase` tells when: "task" from the turn before to the wake-up,
    "agent" from the wake-up to the end of the turn. `by` tells whose request or command explains it.
    `requests` are the operations that do, in order and each once, such as "pages.update" or "shell";
    `named` is False where they need not have named the item. `silent` means that the task announced none of it.
    """

    service: str
    phase: Phase
    by: Who
    change: Change
    requests: tuple[str, ...] = ()
    named: bool = False
    silent: bool = False

    @property
    def kind(self) -> str:
        """ "created", "updated" or "deleted"."""
        return self.change.kind

    @property
    def item(self) -> str:
        """The type of what changed: "file", "mail", "row", "event", "cells", ..."""
        return self.change.item

    @property
    def label(self) -> str:
        """Which one, as a person would say: a path, a subject, a title."""
        return self.change.label

    @property
    def place(self) -> str:
        """Where it is: a mailbox and folder, a database, a calendar."""
        return self.change.place

    @property
    def fields(self) -> Mapping[str, tuple[Any, Any]]:
        """What differs, by name: (before, after); None is what was not there."""
        return self.change.fields

    def before(self, name: str) -> Any:
        """What a field was; None where it did not change or was not there."""
        return self.fields.get(name, (None, None))[0]

    def after(self, name: str) -> Any:
        """What a field became; None where it did not change or is not there."""
        return self.fields.get(name, (None, None))[1]

    def __str__(self) -> str:
        where = f" in {self.place}" if self.place else ""
        what = f": {', '.join(self.fields)}" if self.kind == "updated" and self.fields else ""
        return f"{self.service}: {self.item} {self.label!r}{where} {self.kind}{what} [{self.by}]"


@dataclass(frozen=True, slots=True)
class Changes(Sequence[WorldChange]):
    """Changes of a turn, the task's phase first; every question gives a selection of the same kind.

    `changes.of("notion").updated(item="row", field="Status")`, `changes.by("agent")`, `changes.unexplained`.
    """

    _all: tuple[WorldChange, ...] = field(default=())

    def of(self, service: str) -> Changes:
        """Those of one service, by its name, or of the workspace ("files")."""
        return self._where(lambda change: change.service == service)

    def by(self, who: Who) -> Changes:
        """Those that the "task" made, or the "agent", or that nobody is known to have made ("unexplained")."""
        return self._where(lambda change: change.by == who)

    @property
    def unexplained(self) -> Changes:
        """Those that no request or command of the agent or the task explains."""
        return self.by("unexplained")

    @property
    def silent(self) -> Changes:
        """Those that the task made without announcing them (`world.silently()`)."""
        return self._where(lambda change: change.silent)

    def created(self, label: str | None = None, **narrower: str) -> Changes:
        """What is new; see `where`."""
        return self._where(lambda change: change.kind == "created").where(label, **narrower)

    def updated(self, label: str | None = None, **narrower: str) -> Changes:
        """What was there before and still is, but differs; see `where`."""
        return self._where(lambda change: change.kind == "updated").where(label, **narrower)

    def deleted(self, label: str | None = None, **narrower: str) -> Changes:
        """What is gone, or lies in the trash; see `where`."""
        return self._where(lambda change: change.kind == "deleted").where(label, **narrower)

    def where(
        self,
        label: str | None = None,
        *,
        item: str | None = None,
        place: str | None = None,
        field: str | None = None,
    ) -> Changes:
        """Those with these words in their label and place (in whatever case), of this type, with this field."""
        return self._where(
            lambda change: (
                _within(label, change.label)
                and _within(place, change.place)
                and item in (None, change.item)
                and (field is None or field in change.fields)
            )
        )

    def _where(self, keep: Callable[[WorldChange], bool]) -> Changes:
        return Changes(tuple(filter(keep, self._all)))

    @overload
    def __getitem__(self, index: int) -> WorldChange: ...

    @overload
    def __getitem__(self, index: slice) -> Changes: ...

    def __getitem__(self, index: int | slice) -> WorldChange | Changes:
        if isinstance(index, slice):
            return Changes(self._all[index])
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[WorldChange]:
        return iter(self._all)

    def __repr__(self) -> str:
        shown = "; ".join(map(str, self._all[:20]))
        more = f"; and {len(self) - 20} more" if len(self) > 20 else ""
        return f"<{len(self)} changes{': ' if shown else ''}{shown}{more}>"


def _within(words: str | None, text: str) -> bool:
    return words is None or words.casefold() in text.casefold()
