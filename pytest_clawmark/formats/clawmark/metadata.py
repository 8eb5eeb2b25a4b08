"""A task's METADATA, looked at key by key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from clawmark_services import Account
from pytest_clawmark.formats.clawmark.shape import Shape
from pytest_clawmark.task import reject

SERVICES = {"email": "email", "notion": "notion", "google_sheets": "sheets", "calendar": "calendar"}
"""Which service an environment means; `filesystem` is the workspace that every world has."""

ENVIRONMENTS = ("filesystem", *SERVICES)
NOBODY = Account("assistant", "assistant@clawmark.example")
"""The agent of a task without mail."""

_REQUIRED = ("id", "name", "category", "environments")
_TEXTS = ("id", "name", "category", "difficulty", "mm_level", "role")
_KNOWN = (*_REQUIRED, "env_config", "difficulty", "mm_level", "role", "tags", "timeout_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What METADATA says. `accounts` are those of its mail users, the agent's own first; `minutes` is the time that
    the task gives for a stage."""

    id: str
    category: str
    difficulty: str
    mm_level: str
    role: str
    environments: tuple[str, ...]
    config: Mapping[str, Mapping[str, Any]]
    accounts: tuple[Account, ...]
    minutes: float | None


def read_metadata(module: ModuleType, shape: Shape) -> Metadata:
    """Raises `TaskError` for what is missing or wrong."""
    found = getattr(module, "METADATA", None)
    if not isinstance(found, dict):
        raise reject(
            shape.place("METADATA"),
            f"METADATA is {found!r}, not a dict" if found is not None else "the task has no METADATA",
            f"Write METADATA = {{...}} with {', '.join(map(repr, _REQUIRED))}.",
        )
    for key in _REQUIRED:
        if key not in found:
            raise reject(
                shape.place("METADATA"),
                f"METADATA has no {key!r}",
                f"It needs {', '.join(map(repr, _REQUIRED))}.",
            )
    _refuse_misspelt(found, shape)
    for key in _TEXTS:
        if key in found and (
            not isinstance(found[key], str) or (key in _REQUIRED and not found[key].strip())
        ):
            raise reject(
                shape.key("METADATA", key),
                f"METADATA[{key!r}] is {found[key]!r}",
                "Write a text, and not an empty one.",
            )
    environments = _environments(found["environments"], shape)
    config = _config(found.get("env_config", {}), shape)
    return Metadata(
        id=found["id"],
        category=found["category"],
        difficulty=found.get("difficulty", ""),
        mm_level=found.get("mm_level", ""),
        role=found.get("role", ""),
        environments=environments,
        config=config,
        accounts=_accounts(config, shape) if "email" in environments else (NOBODY,),
        minutes=_minutes(found.get("timeout_seconds"), shape),
    )


def _refuse_misspelt(found: Mapping[Any, Any], shape: Shape) -> None:
    for key in found:
        guess = difflib.get_close_matches(str(key), _KNOWN, n=1, cutoff=0.8)
        if key not in _KNOWN and guess:
            raise reject(
                shape.key("METADATA", str(key)),
                f"METADATA has {key!r}, which means nothing",
                f"Did you mean {guess[0]!r}?",
            )


def _environments(found: Any, shape: Shape) -> tuple[str, ...]:
    place = shape.key("METADATA", "environments")
    allowed = f"Write a list of some of {', '.join(map(repr, ENVIRONMENTS))}."
    if not isinstance(found, list | tuple) or not found:
        raise reject(place, f"METADATA['environments'] is {found!r}", allowed)
    for name in found:
        if name not in ENVIRONMENTS:
            guess = difflib.get_close_matches(str(name), ENVIRONMENTS, n=1)
            hint = f"Did you mean {guess[0]!r}? " if guess else ""
            raise reject(place, f"unknown environment {name!r}", hint + allowed)
        if list(found).count(name) > 1:
            raise reject(place, f"the environment {name!r} is declared twice", "Name each once.")
    return tuple(found)


def _config(found: Any, shape: Shape) -> Mapping[str, Mapping[str, Any]]:
    place = shape.key("METADATA", "env_config")
    if not isinstance(found, dict):
        raise reject(place, f"METADATA['env_config'] is {found!r}, not a dict", "Write {environment: {...}}.")
    for name, value in found.items():
        if name not in ENVIRONMENTS:
            raise reject(
                shape.key("METADATA", "env_config", str(name)),
                f"METADATA['env_config'] names the unknown environment {name!r}",
                f"Use {', '.join(map(repr, ENVIRONMENTS))}.",
            )
        if not isinstance(value, dict):
            raise reject(
                shape.key("METADATA", "env_config", name),
                f"METADATA['env_config'][{name!r}] is {value!r}, not a dict",
                "Write {key: value}.",
            )
    return found


def _accounts(config: Mapping[str, Mapping[str, Any]], shape: Shape) -> tuple[Account, ...]:
    """The first user is the agent: so it is in all published tasks."""
    users = config.get("email", {}).get("users")
    place = shape.key("METADATA", "env_config", "email", "users")
    example = (
        "Write {'mia': {'email': 'mia@company.example', 'password': '...'}}, the agent's own account first."
    )
    if not isinstance(users, dict) or not users:
        raise reject(
            place, f"METADATA['env_config']['email']['users'] is {users!r}: mail needs accounts", example
        )
    accounts = []
    for name, user in users.items():
        where = shape.key("METADATA", "env_config", "email", "users", str(name))
        address = user.get("email") if isinstance(user, dict) else None
        if not isinstance(name, str) or not isinstance(address, str) or not all(address.partition("@")):
            raise reject(where, f"the mail user {name!r} is {user!r}, which has no mail address", example)
        if not isinstance(user.get("password", ""), str):
            raise reject(where, f"the password of {name!r} is {user['password']!r}, not a text", example)
        accounts.append(Account(name, address))
    return tuple(accounts)


def _minutes(seconds: Any, shape: Shape) -> float | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise reject(
            shape.key("METADATA", "timeout_seconds"),
            f"METADATA['timeout_seconds'] is {seconds!r}, not a positive number",
            "Write the seconds that a stage may take, such as 600.",
        )
    return seconds / 60
