"""The token endpoint, under the three addresses that Google's clients know."""

from __future__ import annotations

from typing import Any

from clawmark_services.sheets.calls import Call, Route


def _token(call: Call) -> Any:
    return call.credentials.grant(call.body)


ROUTES = tuple(
    Route("POST", address, "oauth.token", _token, "oauth")
    for address in ("/token", "/o/oauth2/token", "/oauth2/v4/token")
)
