"""The world's Google accounts, a user and a service account: their credentials, and the token endpoint."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from clawmark_services.ids import Ids
from clawmark_services.sheets.errors import OAuthError
from clawmark_services.sheets.service_account import ServiceAccount

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME = 3599


@dataclass(slots=True, kw_only=True)
class Credentials:
    """Opaque tokens that open this world's service and nothing else; `revoked` names the accounts that
    were locked out: "user", "service"."""

    client_id: str
    client_secret: str
    refresh_token: str
    access_token: str
    revoked: set[str] = field(default_factory=set)

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

    @property
    def robot(self) -> ServiceAccount:
        """The service account."""
        return ServiceAccount(client_id=self.client_id)

    @property
    def robot_token(self) -> str:
        """The access token that the service account is given."""
        drawn = hashlib.sha256(f"{self.client_secret}:{self.client_id}".encode()).digest()
        return "ya29.c." + base64.urlsafe_b64encode(drawn).decode().rstrip("=")

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "revoked": sorted(self.revoked)}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Credentials:
        return cls(**{**state, "revoked": set(state["revoked"])})

    def admits(self, token: str) -> bool:
        """Whether a bearer token opens the APIs."""
        if "user" not in self.revoked and token == self.access_token:
            return True
        if "service" in self.revoked or not token:
            return False
        return token == self.robot_token or (token.count(".") == 2 and self.robot.signed_itself(token))

    def revoke(self, token: str) -> None:
        """Lock out the account that the token belongs to, for all of its tokens; or `OAuthError`."""
        owners = {self.access_token: "user", self.refresh_token: "user", self.robot_token: "service"}
        if owners.get(token) is None or owners[token] in self.revoked:
            raise OAuthError("invalid_token", "Token expired or revoked")
        self.revoked.add(owners[token])

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
        """Answer a token request, or raise `OAuthError`."""
        kind = form.get("grant_type")
        if not kind:
            raise OAuthError("invalid_request", "Required parameter is missing: grant_type")
        if kind == "refresh_token":
            self._check_refresh(form)
            scope = {"scope": form["scope"]} if form.get("scope") else {}
            return {
                "access_token": self.access_token,
                "expires_in": LIFETIME,
                **scope,
                "token_type": "Bearer",
            }
        if kind == JWT_BEARER:
            self._check_robot(form)
            return {"access_token": self.robot_token, "expires_in": LIFETIME, "token_type": "Bearer"}
        raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {kind}")

    def _check_robot(self, form: Mapping[str, str]) -> None:
        self.robot.check(form.get("assertion", ""))
        if "service" in self.revoked:
            raise OAuthError("invalid_grant", "Invalid grant: account not found")

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
        if "user" in self.revoked:
            raise OAuthError("invalid_grant", "Token has been expired or revoked.")
