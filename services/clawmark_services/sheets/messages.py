"""Google's messages: which fields each has, of which type; bodies and field masks are held to them.

The tables lie beside this file, `messages_sheets.json` and `messages_drive.json`: names and types out of Google's
own discovery documents, to which a test compares them. A type is written so: `string`, `integer`, `int64`,
`number`, `boolean`, `any`; `#Name` for a message, `[T` for a list, `{T` for a map and `=A|B` for an
enumeration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from clawmark_services.sheets.errors import bad_fields
from clawmark_services.sheets.masks import Mask

Api = Literal["sheets", "drive"]
Json = Any


@cache
def table(api: Api) -> Mapping[str, Any]:
    """The `messages`, `methods` and common `parameters` of an API."""
    text = files(__package__).joinpath(f"messages_{api}.json").read_text(encoding="utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def fields(message: str, api: Api = "sheets") -> Mapping[str, str]:
    """The types of a message's fields by name."""
    found: Mapping[str, str] = table(api)["messages"][message]
    return found


def method(operation: str, api: Api) -> Mapping[str, Any]:
    """A method of the API: `http`, `path`, `query`, and the messages `request` and `response`."""
    found: Mapping[str, Any] = table(api)["methods"][operation]
    return found


@cache
def _snake(name: str) -> str:
    """A field's name as Google's refusals write it."""
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)


@cache
def _spellings(message: str) -> Mapping[str, str]:
    """Both spellings that Google's JSON takes, `sheetId` and `sheet_id`, to the first of them."""
    names = fields(message)
    return {_snake(name): name for name in names} | {name: name for name in names}


class _Reader:
    """Reads one body; collects all that is wrong with it, since Google tells it all at once."""

    def __init__(self) -> None:
        self.violations: list[tuple[str, str]] = []

    def read(self, value: Json, kind: str, path: str, home: str) -> Json:
        """The value as its type wants it; null is no value."""
        if value is None or kind == "any":
            return value
        mark, rest = kind[0], kind[1:]
        if mark == "#":
            return self._message(value, rest, path)
        if mark == "[":
            return self._list(value, rest, path, home)
        if mark == "{":
            return value if isinstance(value, dict) else self._wrong(value, "map", path)
        if mark == "=":
            return self._choice(value, rest.split("|"), path, home)
        return self._plain(value, kind, path)

    def _message(self, value: Json, name: str, path: str) -> Json:
        if isinstance(value, list):
            where, _, last = path.rpartition(".")
            self._unknown(last or path, where, "Proto field is not repeating, cannot start list.")
            return None
        if not isinstance(value, dict):
            return self._wrong(value, _type(name), path)
        found: dict[str, Json] = {}
        kinds, spellings = fields(name), _spellings(name)
        for given, part in value.items():
            known = spellings.get(given)
            if known is None:
                self._unknown(given, path, "Cannot find field.")
            else:
                below = f"{path}.{_snake(known)}" if path else _snake(known)
                found[known] = self.read(part, kinds[known], below, f"{name}.{known[0].upper()}{known[1:]}")
        return found

    def _list(self, value: Json, kind: str, path: str, home: str) -> Json:
        if not isinstance(value, list):
            return self._wrong(value, _list_type(kind), path)
        if kind == "any":
            return value
        return [self._item(part, kind, f"{path}[{number}]", home) for number, part in enumerate(value)]

    def _item(self, part: Json, kind: str, path: str, home: str) -> Json:
        """One of a list, where null is not allowed."""
        if part is None:
            return self._wrong(part, _list_type(kind), path)
        return self.read(part, kind, path, home)

    def _choice(self, value: Json, choices: list[str], path: str, home: str) -> Json:
        if isinstance(value, str) and value in choices:
            return value
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices):
            return choices[value]
        return self._wrong(value, _type(home), path)

    def _plain(self, value: Json, kind: str, path: str) -> Json:
        if kind == "string":
            return value if isinstance(value, str) else self._wrong(value, "TYPE_STRING", path)
        if kind == "boolean":
            return value if isinstance(value, bool) else self._wrong(value, "TYPE_BOOL", path)
        if kind == "number":
            number = _as_number(value)
            return number if number is not None else self._wrong(value, "TYPE_DOUBLE", path)
        bits = 64 if kind == "int64" else 32
        number = _as_number(value)
        if number is None or int(number) != number or not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
            return self._wrong(value, f"TYPE_INT{bits}", path)
        return str(int(number)) if bits == 64 else int(number)

    def _unknown(self, name: str, path: str, why: str) -> None:
        where = f" at '{path}'" if path else ""
        message = f'Invalid JSON payload received. Unknown name "{name}"{where}: {why}'
        self.violations.append((path, message))

    def _wrong(self, value: Json, kind: str, path: str) -> None:
        self.violations.append((path, f"Invalid value at '{path}' ({kind}), {_shown(value)}"))


def _as_number(value: Json) -> float | int | None:
    """A number, also one that is written as a text, as Google's JSON allows."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if re.fullmatch(r"-?\d{1,18}", value):
            return int(value)
        return float(value) if re.fullmatch(r"-?\d{1,18}(\.\d{1,30})?([eE][-+]?\d{1,2})?", value) else None
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value if isinstance(value, int | float) else None


def _type(name: str) -> str:
    return f"type.googleapis.com/google.apps.sheets.v4.{name}"


def _list_type(kind: str) -> str:
    plain = {
        "string": "TYPE_STRING",
        "integer": "TYPE_INT32",
        "number": "TYPE_DOUBLE",
        "boolean": "TYPE_BOOL",
    }
    if kind[0] == "#":
        return _type(kind[1:])
    return plain.get(kind, "type.googleapis.com/google.protobuf.ListValue")


def _shown(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def read(body: Json, message: str, path: str = "") -> Json:
    """The body of a Sheets request, with numbers as numbers and names in camel case.

    Raises Google's 400 that names everything which the message does not allow; `path` is the name of
    the field that the body is bound to.
    """
    reader = _Reader()
    found = reader.read({} if body is None else body, f"#{message}", path, message)
    if reader.violations:
        raise bad_fields(reader.violations)
    return found


def unknown_paths(mask: Mask, message: str, api: Api) -> Iterator[str]:
    """The dotted paths of a field mask that the message does not have."""
    for name, below in mask.items():
        if name == "*":
            continue
        kind = fields(message, api).get(_spelled(name, api, message))
        if kind is None:
            yield name
        elif below:
            inside = kind.lstrip("[")
            if inside.startswith("#"):
                yield from (f"{name}.{path}" for path in unknown_paths(below, inside[1:], api))


def _spelled(name: str, api: Api, message: str) -> str:
    return _spellings(message).get(name, name) if api == "sheets" else name
