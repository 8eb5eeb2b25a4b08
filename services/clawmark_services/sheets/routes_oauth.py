"""The token endpoint, and the one that revokes, under the addresses that Google's clients know."""

from __future__ import annotations

from typing import Any

from clawmark_services.sheets.calls import Call, Route


def _token(call: Call) -> Any:
    return call.credentials.grant(call.body)


def _revoke(call: Call) -> Any:
    call.credentials.revoke(call.body.get("token") or call.query.get("token", ""))
    return {}


ROUTES = (
    *tuple(
        Route("POST", address, "oauth.token", _token, "oauth")
        for address in ("/token", "/o/oauth2/token", "/oauth2/v4/token")
    ),
    *(
        Route("POST", address, "oauth.revoke", _revoke, "oauth")
        for address in ("/revoke", "/o/oauth2/revoke")
    ),
)
