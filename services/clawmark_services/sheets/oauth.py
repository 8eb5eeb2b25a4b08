"""The world's one Google account: its credentials, and the token endpoint."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from clawmark_services.ids import Ids
from clawmark_services.sheets.errors import OAuthError

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME = 3599


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Opaque tokens that open this world's service and nothing else."""

    client_id: str
    client_secret: str
    refresh_token: str
    access_token: str

    @classmethod
    def draw(cls, ids: Ids) -> Credentials:
        """From the episode's seed."""
        number, name = ids.token(12, "0123456789"), ids.token(32, "abcdefghijklmnopqrstuvwxyz0123456789")
        return cls(
            client_id=f"{number}-{name}.apps.googleusercontent.com",
            client_secret="GOCSPX-" + ids.token(28, _ALPHABET),
            refresh_token="1//0" + ids.token(32, _ALPHABET),
            access_token="ya29." + ids.token(32, _ALPHABET),
        )

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    def authorized_user(self, token_url: str) -> bytes:
        """A credentials file in the format that Google's libraries call authorized_user."""
        content = {
            "type": "authorized_user",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "token_uri": token_url,
        }
        return (json.dumps(content, indent=2) + "\n").encode()

    def grant(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer a token request, or raise `OAuthError`.

        A service account's assertion is accepted if it is well formed: this world issued no key to check
        its signature with.
        """
        kind = form.get("grant_type")
        if not kind:
            raise OAuthError("invalid_request", "Required parameter is missing: grant_type")
        if kind == "refresh_token":
            self._check_refresh(form)
        elif kind == JWT_BEARER:
            _check_assertion(form.get("assertion", ""))
        else:
            raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {kind}")
        reply = {"access_token": self.access_token, "expires_in": LIFETIME, "token_type": "Bearer"}
        return reply | ({"scope": form["scope"]} if form.get("scope") else {})

    def _check_refresh(self, form: Mapping[str, str]) -> None:
        for name in ("client_id", "refresh_token"):
            if not form.get(name):
                raise OAuthError("invalid_request", f"Missing required parameter: {name}")
        if form["client_id"] != self.client_id:
            raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
        if form.get("client_secret") != self.client_secret:
            raise OAuthError("invalid_client", "The provided client secret is invalid.", 401)
        if form["refresh_token"] != self.refresh_token:
            raise OAuthError("invalid_grant", "Bad Request")


def _check_assertion(assertion: str) -> None:
    parts = assertion.split(".")
    try:
        claims = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2]]
    except (binascii.Error, ValueError):
        claims = []
    if len(parts) != 3 or not parts[2] or not claims or not all(isinstance(claim, dict) for claim in claims):
        raise OAuthError("invalid_grant", "Invalid JWT: Token must be a JWT with three parts.")
    if not claims[1].get("iss"):
        raise OAuthError("invalid_grant", "Invalid JWT: iss field missing.")
