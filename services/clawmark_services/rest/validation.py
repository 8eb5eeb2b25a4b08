"""Records against their JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry

MAX_PROBLEMS = 20
WHOLE = "(the whole)"


def schema_problem(schema: Mapping[str, Any]) -> str | None:
    """What is wrong with a schema, and where; None if nothing is."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"{_path(error)}: {error.message}"
    return None


@lru_cache(maxsize=256)
def _validator(schema: str) -> Draft202012Validator:
    # An empty registry: a `$ref` to somewhere else is never fetched.
    return Draft202012Validator(
        json.loads(schema),
        registry=Registry(),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def problems(schema: Mapping[str, Any], record: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is wrong with a record: `field` (a path such as `lines.0.price`) and `message` of each."""
    errors = _validator(json.dumps(schema)).iter_errors(record)
    found = sorted(
        ({"field": _field(error), "message": error.message} for error in errors),
        key=lambda problem: (problem["field"], problem["message"]),
    )
    return found[:MAX_PROBLEMS]


def _field(error: ValidationError) -> str:
    """The field that an error is about; of a missing one that is its own name, not that of its parent."""
    path = [str(part) for part in error.absolute_path]
    if error.validator == "required":
        required: Any = error.validator_value
        path += [name for name in required if error.message == f"{name!r} is a required property"]
    return ".".join(path) or WHOLE


def _path(error: SchemaError) -> str:
    return ".".join(str(part) for part in error.absolute_path) or WHOLE
