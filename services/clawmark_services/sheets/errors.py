"""Google's refusals, in the two dialects that its APIs speak."""

from __future__ import annotations

from typing import Any

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
}

_BAD_CREDENTIALS = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
    "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class GoogleError(Exception):
    """A request that Google would refuse: HTTP `code` and `message`.

    `details` is what Sheets adds; `reason`, `location` and `location_type` are what Drive adds, with
    `short` as the message of its inner list where that differs.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        details: list[Any] | None = None,
        reason: str = "invalid",
        location: str | None = None,
        location_type: str = "parameter",
        short: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.reason = reason
        self.location = location
        self.location_type = location_type
        self.short = short

    def as_sheets(self) -> dict[str, Any]:
        """The body as the Sheets API writes it."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "status": _STATUS.get(self.code, "UNKNOWN"),
        }
        if self.details:
            error["details"] = self.details
        return {"error": error}

    def as_drive(self) -> dict[str, Any]:
        """The body as the Drive API writes it."""
        inner = {"message": self.short or self.message, "domain": "global", "reason": self.reason}
        if self.location is not None:
            inner |= {"location": self.location, "locationType": self.location_type}
        error: dict[str, Any] = {"code": self.code, "message": self.message, "errors": [inner]}
        if self.code == 401:
            error["status"] = _STATUS[401]
        return {"error": error}


def unavailable(status: int) -> GoogleError:
    """429 or 500, which a request of any kind may meet."""
    if status == 429:
        return GoogleError(
            429,
            "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute per user'.",
            reason="rateLimitExceeded",
            short="Rate Limit Exceeded",
        )
    return GoogleError(500, "Internal error encountered.", reason="internalError", short="Internal Error")


class OAuthError(Exception):
    """A refusal of the token endpoint: `error` is OAuth's own code, such as `invalid_grant`."""

    def __init__(self, error: str, description: str, code: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.body = {"error": error, "error_description": description}


class UnknownAddress(Exception):
    """No API of Google's listens at this method and path."""


def unauthenticated() -> GoogleError:
    """The bearer token is missing or wrong."""
    return GoogleError(
        401,
        _BAD_CREDENTIALS,
        reason="authError",
        location="Authorization",
        location_type="header",
        short="Invalid Credentials",
    )


def invalid(message: str) -> GoogleError:
    """A request that makes no sense to Sheets."""
    return GoogleError(400, message)


def too_large(most: int) -> GoogleError:
    """A body of more than so many bytes; the words are Google's."""
    return GoogleError(400, f"Request payload size exceeds the limit: {most} bytes.", reason="badRequest")


def bad_field(field: str, message: str) -> GoogleError:
    """A body that does not fit the API's messages; `field` is the path of its offending part."""
    return bad_fields([(field, message)])


def bad_fields(violations: list[tuple[str, str]]) -> GoogleError:
    """The same for several parts at once: pairs of path and message, which Google writes one per line."""
    listed = [({"field": path} if path else {}) | {"description": message} for path, message in violations]
    bad_request = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": listed}
    message = "\n".join(message for _, message in violations)
    return GoogleError(400, message, details=[bad_request], reason="badRequest")


def no_such_spreadsheet() -> GoogleError:
    """The spreadsheet, or what was asked for inside it, does not exist."""
    return GoogleError(404, "Requested entity was not found.", reason="notFound")


def forbidden_spreadsheet() -> GoogleError:
    """The spreadsheet is not shared with whoever asks, or not for that."""
    return GoogleError(403, "The caller does not have permission", reason="forbidden")


def forbidden_file() -> GoogleError:
    """The Drive file can be seen but not changed."""
    message = "The user does not have sufficient permissions for this file."
    return GoogleError(403, message, reason="insufficientFilePermissions")


def no_such_file(file_id: str) -> GoogleError:
    """The Drive file does not exist."""
    return GoogleError(404, f"File not found: {file_id}.", reason="notFound", location="fileId")


def unparsable_range(text: str) -> GoogleError:
    """Neither A1 notation, nor a sheet, nor a named range."""
    return invalid(f"Unable to parse range: {text}")


def bad_parameter(name: str, message: str | None = None) -> GoogleError:
    """A query parameter that Drive does not accept."""
    return GoogleError(400, message or "Invalid Value", reason="invalid", location=name)
