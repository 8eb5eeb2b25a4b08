"""Who is behind a request: the agent, unless the task says that it is acting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Who = Literal["agent", "task"]


@dataclass(frozen=True, slots=True)
class Actor:
    """`who` made a change, and whether it was made `silently`, without anybody being told."""

    who: Who = "agent"
    silently: bool = False


# Requests from inside a world arrive on fresh threads and tasks, where the default holds: nothing that
# an agent sends can claim to be the task.
_current: ContextVar[Actor] = ContextVar("clawmark_actor", default=Actor())  # noqa: B039 - Actor is frozen


def current_actor() -> Actor:
    """The actor of the running thread or asyncio task."""
    return _current.get()


@contextmanager
def acting_as(who: Who, *, silently: bool = False) -> Iterator[None]:
    """Within the block, this thread's changes are `who`'s."""
    token = _current.set(Actor(who, silently))
    try:
        yield
    finally:
        _current.reset(token)
