"""Notion's refusals: the error objects that it answers with, word for word where the wording is known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

MISSING: Final = object()
"""A value that was not sent; JavaScript's `undefined`."""

# Recorded messages cut a long value after this many characters.
_SHOWN = 55


class NotionError(Exception):
    """A request that Notion refuses; its text is Notion's own `message`."""

    def __init__(
        self, status: int, code: str, message: str, additional_data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.additional_data = additional_data

    def to_json(self) -> dict[str, Any]:
        """The error object as it goes over the wire, without its `request_id`."""
        body: dict[str, Any] = {
            "object": "error",
            "status": self.status,
            "code": self.code,
            "message": self.message,
        }
        if self.additional_data is not None:
            body["additional_data"] = dict(self.additional_data)
        return body


def invalid(message: str, additional_data: Mapping[str, Any] | None = None) -> NotionError:
    """400 `validation_error` with a message of its own."""
    return NotionError(400, "validation_error", message, additional_data)


def mismatch(path: str, rule: str, value: Any) -> NotionError:
    """400 `validation_error`: the part of the request at `path` (`body.parent.page_id`) breaks a rule."""
    root = path.partition(".")[0]
    return invalid(f"{root} failed validation: {path} should be {rule}, instead was `{shown(value)}`.")


def any_of(root: str, complaints: list[str]) -> NotionError:
    """400 `validation_error`: none of several alternatives was met."""
    return invalid("\n".join([f"{root} failed validation. Fix one:", *complaints]))


def no_parent(path: str, kinds: Sequence[str]) -> NotionError:
    """400 for a parent that names none of the kinds that it could be."""
    return any_of("body", [undefined(f"{path}.{kind}") for kind in kinds])


def undefined(path: str) -> str:
    """The complaint about an alternative that was not sent."""
    return f"{path} should be defined, instead was `undefined`."


def not_found(kind: str, id_: str, integration: str, integration_id: str) -> NotionError:
    """404 for something that does not exist, or that the integration may not see: Notion does not tell."""
    return NotionError(
        404,
        "object_not_found",
        f"Could not find {kind} with ID: {id_}. Make sure the relevant pages and databases are shared with "
        f'your integration "{integration}".',
        {"integration_id": integration_id},
    )


def unavailable(status: int) -> NotionError:
    """429 or 500, which a request of any kind may meet."""
    if status == 429:
        return NotionError(
            429, "rate_limited", "You have been rate limited. Please try again in a few minutes."
        )
    return NotionError(500, "internal_server_error", "Unexpected error occurred.")


def unauthorized() -> NotionError:
    """401 for a missing, malformed or foreign token."""
    return NotionError(401, "unauthorized", "API token is invalid.")


def unknown_request() -> NotionError:
    """400 for a path or method that does not exist."""
    return NotionError(400, "invalid_request_url", "Invalid request URL.")


def invalid_json() -> NotionError:
    """400 for a body that is not JSON."""
    return NotionError(400, "invalid_json", "Error parsing JSON body.")


def archived() -> NotionError:
    """400 for a change to something that lies in the trash."""
    return invalid("Can't edit block that is archived. You must unarchive the block before editing.")


def archived_ancestor() -> NotionError:
    """400 for a change to something whose page or database lies in the trash."""
    return invalid(
        "Can't edit block on page with an archived ancestor. You must unarchive the ancestor before editing."
    )


def shown(value: Any) -> str:
    """A value as Notion quotes it: JSON, cut when long, `undefined` for what was not sent."""
    if value is MISSING:
        return "undefined"
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
