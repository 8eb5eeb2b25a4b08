"""The text that tells an agent how to use a declared API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clawmark_services.rest.declaration import Resource, RestApi


def skill(api: RestApi) -> str:
    """Markdown: where it is, what it keeps, how to ask."""
    first = next(iter(api.resources.values()))
    url = f"${api.variable}"
    parts = [
        f"# {api.name}",
        f"A JSON API at `{url}` (`http://{api.name}:{api.port}`); it asks for no credentials.",
        f"`{url}/openapi.json` describes it for programs.",
        *(_describe(resource) for resource in api.resources.values()),
        "## Requests",
        "\n".join(_requests(first, url)),
        "\n".join(_rules(first)),
    ]
    return "\n\n".join(parts) + "\n"


def _describe(resource: Resource) -> str:
    required = resource.schema.get("required", [])
    lines = [f"## {resource.name}"]
    about = resource.schema.get("description")
    if about:
        lines += ["", str(about)]
    lines += ["", "| field | type | required | meaning |", "|---|---|---|---|"]
    for name, rule in resource.fields.items():
        need = "generated if absent" if name == resource.key else "yes" if name in required else ""
        label = f"`{name}` (the id)" if name == resource.key else f"`{name}`"
        meaning = str(rule.get("description", "")).replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {label} | {_type(rule)} | {need} | {meaning} |")
    return "\n".join(lines)


def _type(rule: Mapping[str, Any]) -> str:
    if "enum" in rule:
        return " or ".join(f"`{value}`" for value in rule["enum"])
    kind = rule.get("type", "any")
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{text} ({rule['format']})" if "format" in rule else text


def _requests(resource: Resource, url: str) -> list[str]:
    name = resource.name
    field = next((field for field in resource.fields if field != resource.key), resource.key)
    send = "-H 'Content-Type: application/json' -d"
    return [
        "```sh",
        f"curl '{url}/{name}?{field}=VALUE&sort=-{field}&limit=20'".replace("'", '"'),
        f'curl "{url}/{name}/ID"',
        f'curl -X POST "{url}/{name}" {send} \'{{"{field}": ...}}\'',
        f'curl -X PATCH "{url}/{name}/ID" {send} \'{{"{field}": ...}}\'',
        f'curl -X DELETE "{url}/{name}/ID"',
        "```",
    ]


def _rules(resource: Resource) -> list[str]:
    listing = '{"items": [...], "total": n, "limit": n, "offset": n}'
    refusal = '{"error": {"code", "message", "details"}}'
    return [
        f"- `GET /{resource.name}` answers `{listing}`; `limit` (50, at most 500) and `offset` choose the page.",
        "- Filter by any field: `field=value`, `field__gt`, `__gte`, `__lt`, `__lte`, `__ne`, `__contains`.",
        "- `POST` answers 201, `PUT` replaces all fields, `PATCH` changes those given, `DELETE` answers 204.",
        f"- Refusals are `{refusal}`: 400, 404, 409 (the id is in use), 415 (send JSON), 422 (the record does",
        "  not fit; `details` names the fields).",
    ]
