"""JSON Schemas of everything that a run writes to disk, and their enforcement.

`run`, `plan`, `episode`, `wake`, `snapshot` and `results` describe whole documents of that name, `private` those
named `wake.private` and `snapshot.private`; `audit` and `trajectory` describe one line of the `.jsonl` file of that
name.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource

from pytest_clawmark.failures import ClawmarkError

SchemaName = Literal[
    "run", "plan", "episode", "wake", "snapshot", "private", "audit", "trajectory", "results"
]

_SHOWN = 120


class InvalidDocument(ClawmarkError):
    """A document does not follow its schema: another version wrote it, or it was damaged."""


def load(name: SchemaName) -> dict[str, Any]:
    """A fresh copy of one schema (JSON Schema, draft 2020-12)."""
    schema: dict[str, Any] = json.loads((files(__name__) / f"{name}.json").read_text("utf-8"))
    return schema


def validate(name: SchemaName, document: Any, *, source: str = "") -> None:
    """Raise `InvalidDocument`, naming `source`, the place and the value, unless the document is valid."""
    error = best_match(_validator(name).iter_errors(document))
    if error is None:
        return
    found = repr(error.instance)
    shown = found if len(found) <= _SHOWN else found[:_SHOWN] + "..."
    message = error.message.replace(found, shown)
    raise InvalidDocument(
        f"{source or name + '.json'} at {error.json_path}: {message}. The schema is "
        f"pytest_clawmark/schemas/{name}.json; a file written by another version must be read by that version"
    )


@cache
def _validator(name: SchemaName) -> Draft202012Validator:
    return Draft202012Validator(load(name), registry=_registry())


@cache
def _registry() -> Registry[Any]:
    resources = [Resource.from_contents(load(name)) for name in get_args(SchemaName)]
    return resources @ Registry()
