"""The API's refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """A refused request: HTTP `status`, a stable `code`, a message for people, and details."""

    def __init__(
        self, status: int, code: str, message: str, details: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = [dict(detail) for detail in details]

    @property
    def body(self) -> dict[str, Any]:
        """As it goes out."""
        return {"error": {"code": self.code, "message": self.message, "details": self.details}}


def unavailable(status: int) -> ApiError:
    """429 or 500, which a request of any kind may meet."""
    if status == 429:
        return ApiError(429, "too_many_requests", "Too many requests: try again later.")
    return ApiError(500, "internal_error", "The service failed to answer.")


def bad_parameter(name: str, message: str) -> ApiError:
    """A query parameter that cannot be understood."""
    return ApiError(400, "invalid_parameter", f"{name}: {message}", [{"field": name, "message": message}])


def no_such_resource(name: str, known: Sequence[str]) -> ApiError:
    """There is no such collection."""
    return ApiError(404, "not_found", f"There is no resource {name!r}. There are: {', '.join(known)}.")


def no_such_record(resource: str, key: object) -> ApiError:
    """There is no such record."""
    return ApiError(404, "not_found", f"{resource} has no record {str(key)!r}.")


def conflict(resource: str, field: str, key: object) -> ApiError:
    """The key is in use."""
    return ApiError(409, "conflict", f"{resource} already has a record with {field} {str(key)!r}.")


def full(resource: str, what: str) -> ApiError:
    """The collection may not grow (RFC 4918 names the status)."""
    return ApiError(507, "insufficient_storage", f"{resource} is full: it may have {what}.")


def invalid_record(resource: str, problems: Sequence[Mapping[str, str]]) -> ApiError:
    """The record does not fit its schema."""
    first = problems[0]
    message = f"The record does not fit {resource}: {first['field']}: {first['message']}"
    return ApiError(422, "validation_failed", message, problems)
