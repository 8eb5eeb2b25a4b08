"""Our tables of Google's messages, made from the discovery documents of google-api-python-client.

`python tests/sheets/discovery_tables.py` writes them anew; a test holds them to the installed documents. Only
names, types, enumerations and addresses are taken.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import clawmark_services.sheets

HOME = Path(clawmark_services.sheets.__file__).parent
DRIVE_METHODS = ("files.", "permissions.", "comments.", "about.", "drives.")


def document(name: str) -> dict[str, Any]:
    """The installed discovery document, such as `sheets.v4`; ImportError if the package is missing."""
    import googleapiclient

    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


def tables(found: dict[str, Any], prefixes: tuple[str, ...] = ("",)) -> dict[str, Any]:
    """The messages and methods of a document, in the notation of `messages.py`."""
    methods = {
        name: method
        for name, method in sorted(_methods(found))
        if name.startswith(prefixes) or "" in prefixes
    }
    wanted: set[str] = set()
    for method in methods.values():
        for side in ("request", "response"):
            _collect(method.get(side, {}).get("$ref"), found["schemas"], wanted)
    return {
        "revision": found["revision"],
        "messages": {
            name: {
                key: _kind(part) for key, part in sorted(found["schemas"][name].get("properties", {}).items())
            }
            for name in sorted(wanted)
        },
        "methods": {name: _method(method) for name, method in methods.items()},
        "parameters": {name: _kind(part) for name, part in sorted(found["parameters"].items())},
    }


def _methods(resource: dict[str, Any], prefix: str = "") -> Any:
    for name, method in resource.get("methods", {}).items():
        yield prefix + name, method
    for name, below in resource.get("resources", {}).items():
        yield from _methods(below, f"{prefix}{name}.")


def _collect(name: str | None, schemas: dict[str, Any], wanted: set[str]) -> None:
    if name is None or name in wanted:
        return
    wanted.add(name)
    for other in _references(schemas[name]):
        _collect(other, schemas, wanted)


def _references(schema: Any) -> Any:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for part in schema.values():
            yield from _references(part)


def _method(method: dict[str, Any]) -> dict[str, Any]:
    query = {
        name: ("[" if part.get("repeated") else "") + _kind(part)
        for name, part in sorted(method.get("parameters", {}).items())
        if part["location"] == "query"
    }
    sides = {side: method[side]["$ref"] for side in ("request", "response") if side in method}
    return {"http": method["httpMethod"], "path": method["path"], "query": query, **sides}


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"#{schema['$ref']}"
    if schema["type"] == "array":
        return "[" + _kind(schema["items"])
    if schema["type"] == "object":
        inside = schema.get("additionalProperties")
        return "{" + _kind(inside) if inside else "any"
    if "enum" in schema:
        return "=" + "|".join(schema["enum"])
    return "int64" if schema.get("format") == "int64" else str(schema["type"])


FILES = {"messages_sheets.json": ("sheets.v4", ("",)), "messages_drive.json": ("drive.v3", DRIVE_METHODS)}


def written(name: str) -> str:
    """What a file of ours should say."""
    source, prefixes = FILES[name]
    made = tables(document(source), prefixes)
    lines = [f'"revision": {json.dumps(made["revision"])}']
    for part in ("messages", "methods"):
        inside = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in made[part].items())
        lines.append(f'"{part}": {{\n{inside}\n}}')
    lines.append(f'"parameters": {json.dumps(made["parameters"])}')
    return "{" + ",\n".join(lines) + "}\n"


if __name__ == "__main__":
    for file in FILES:
        (HOME / file).write_text(written(file), encoding="utf-8")
