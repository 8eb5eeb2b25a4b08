"""How a task declares a business API."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from clawmark_services.change import Change
from clawmark_services.context import Context
from clawmark_services.contract import Json

if TYPE_CHECKING:
    from clawmark_services.rest.service import RestService
    from clawmark_services.rest.view import RestView

TAKEN_NAMES = frozenset(
    {
        *("email", "calendar", "notion", "sheets", "rest", "files", "audit", "trajectory", "clock"),
        *("accounts", "agent", "people", "silently", "localhost", "world", "snapshot", "before", "tools"),
    }
)
"""Names that a world or a snapshot gives to something else."""

TAKEN_RESOURCES = frozenset({"resource", "resources"})
TAKEN_FIELDS = frozenset({"limit", "offset", "sort"})
COMPARISONS = ("gt", "gte", "lt", "lte", "ne", "contains")

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_RESOURCE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_FIELD = re.compile(r"[^\W\d][\w-]*")


@dataclass(frozen=True, slots=True)
class Resource:
    """One collection: the JSON Schema of its records, and the property that identifies them."""

    name: str
    schema: Mapping[str, Any]
    key: str

    @property
    def fields(self) -> Mapping[str, Any]:
        """The schema's properties."""
        fields: Mapping[str, Any] = self.schema["properties"]
        return fields

    @property
    def numbered(self) -> bool:
        """Whether its keys are whole numbers."""
        return bool(self.fields[self.key].get("type") == "integer")


@dataclass(frozen=True, slots=True, init=False)
class RestApi:
    """A business API reached at `http://<name>:<port>`.

    `resources` maps names to JSON Schemas (draft 2020-12) of type object. Records are identified by the
    property `id`, or by the one that the schema's own word `"key"` names; its type is string or integer,
    and one that is not given is generated.

    Raises `ValueError` for a malformed declaration.
    """

    name: str
    port: int
    declaration: str
    """The resources as canonical JSON: what makes this value hashable and unchangeable."""

    def __init__(self, name: str, resources: Mapping[str, Any], port: int = 8080) -> None:
        _check_name(name)
        if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65_536:
            raise ValueError(f"RestApi({name!r}): port must be a number from 1 to 65535, not {port!r}")
        try:
            declaration = json.dumps(resources, sort_keys=False, allow_nan=False)
        except (TypeError, ValueError) as wrong:
            raise ValueError(f"RestApi({name!r}): resources must be plain JSON: {wrong}") from None
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "port", port)
        object.__setattr__(self, "declaration", declaration)
        parse(name, declaration)

    @property
    def resources(self) -> Mapping[str, Resource]:
        """The declared resources by name, in the order of the declaration."""
        return parse(self.name, self.declaration)

    @property
    def variable(self) -> str:
        """The environment variable that carries its URL."""
        return f"CLAWMARK_{re.sub(r'[^A-Z0-9]', '_', self.name.upper())}_URL"

    def open(self, context: Context) -> RestService:
        """Empty tables."""
        from clawmark_services.rest.service import RestService

        return RestService(self, context)

    def view(self, state: Json) -> RestView:
        """What `snapshot.rest[name]` is."""
        from clawmark_services.rest.view import RestView

        return RestView(self, state)

    def changes(self, before: Json | None, after: Json) -> Sequence[Change]:
        """Which records differ."""
        from clawmark_services.rest.changes import changes

        return changes(self, before, after)

    def to_json(self) -> Json:
        resources = json.loads(self.declaration)
        return {"service": "rest", "name": self.name, "port": self.port, "resources": resources}


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or len(name) > 40 or not _NAME.fullmatch(name):
        raise ValueError(
            f"RestApi({name!r}): a name has lower case letters, digits and single dashes or underscores "
            "between them, begins with a letter and has at most 40 characters, such as 'hr' or 'ticket-desk'"
        )
    if name in TAKEN_NAMES:
        raise ValueError(
            f"RestApi({name!r}): this name is taken; others are {', '.join(sorted(TAKEN_NAMES))}"
        )


@lru_cache(maxsize=256)
def parse(name: str, declaration: str) -> Mapping[str, Resource]:
    """The resources of a declaration. Raises `ValueError` naming the resource and what is wrong."""
    resources = json.loads(declaration)
    if not isinstance(resources, dict) or not resources:
        raise ValueError(
            f"RestApi({name!r}): resources must map at least one name to a JSON Schema, such as "
            '{"tickets": {"properties": {"title": {"type": "string"}}, "required": ["title"]}}'
        )
    return {resource: _resource(name, resource, schema) for resource, schema in resources.items()}


def _resource(api: str, name: str, given: Any) -> Resource:
    place = f"RestApi({api!r}), resource {name!r}"
    taken = name in TAKEN_RESOURCES or keyword.iskeyword(name)
    if not _RESOURCE.fullmatch(name) or taken:
        raise ValueError(
            f"{place}: a resource is named like 'tickets' or 'time_sheets' and neither "
            f"{' nor '.join(sorted(TAKEN_RESOURCES))} nor a word of Python"
        )
    if not isinstance(given, dict):
        raise ValueError(  # noqa: TRY004 - every malformed declaration is a ValueError
            f"{place}: its JSON Schema must be an object, not {given!r}"
        )
    schema = {"type": "object", **given}
    key = schema.pop("key", "id")
    _check_shape(place, schema)
    _check_key(place, schema, key)
    _check_schema(place, schema)
    return Resource(name, schema, key)


def _check_shape(place: str, schema: dict[str, Any]) -> None:
    if schema["type"] != "object":
        raise ValueError(f"{place}: its schema must be of type object, not {schema['type']!r}")
    fields = schema.get("properties")
    if not isinstance(fields, dict) or not fields:
        raise ValueError(f"{place}: its schema must name its fields under 'properties'")
    for field, rule in fields.items():
        if not _FIELD.fullmatch(field) or "__" in field or field in TAKEN_FIELDS:
            raise ValueError(
                f"{place}: field {field!r} cannot be filtered by; use letters, digits, dashes and single "
                f"underscores, and none of {', '.join(sorted(TAKEN_FIELDS))}"
            )
        if not isinstance(rule, dict):
            raise ValueError(  # noqa: TRY004 - as above
                f"{place}: the schema of field {field!r} must be an object, not {rule!r}"
            )


def _check_key(place: str, schema: dict[str, Any], key: Any) -> None:
    """The key is a field; one that is not declared is a string."""
    if not isinstance(key, str) or not _FIELD.fullmatch(key) or "__" in key or key in TAKEN_FIELDS:
        raise ValueError(f"{place}: 'key' must name the field that identifies a record, not {key!r}")
    rule = schema["properties"].get(key, {"type": "string"})
    if rule.get("type") not in ("string", "integer"):
        raise ValueError(
            f"{place}: its key {key!r} must be of type string or integer, not {rule.get('type')!r}"
        )
    schema["properties"] = {key: rule, **schema["properties"]}


def _check_schema(place: str, schema: dict[str, Any]) -> None:
    from clawmark_services.rest.validation import schema_problem

    problem = schema_problem(schema)
    if problem:
        raise ValueError(f"{place}: invalid JSON Schema: {problem}")
