"""The service account: its key, which this process makes once, and the assertions signed with it.

The key belongs to the process and not to a world: it opens nothing but the worlds served here, so it is
neither drawn from a seed nor frozen. Source of the rules: Google's guide "Using OAuth 2.0 for Server to Server
Applications".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clawmark_services.sheets.errors import OAuthError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LONGEST = 3600
"""Seconds that an assertion may be valid for."""


class SigningKey:
    """An RSA key, made when it is first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: RSAPrivateKey | None = None

    @property
    def private(self) -> RSAPrivateKey:
        """The key itself."""
        from cryptography.hazmat.primitives.asymmetric import rsa

        with self._lock:
            if self._made is None:
                self._made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            return self._made

    @cached_property
    def pem(self) -> str:
        """As the credentials file has it: PKCS 8, unencrypted."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @cached_property
    def id(self) -> str:
        """40 hexadecimal digits, as Google's ids of keys have them."""
        return hashlib.sha256(self.pem.encode()).hexdigest()[:40]

    def signed(self, content: bytes, signature: bytes) -> bool:
        """Whether the signature (RS256) is this key's."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            self.private.public_key().verify(signature, content, padding.PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


# One for the process: every world's credentials file is written with it, and every assertion checked.
KEY = SigningKey()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """A robot of one world; all names follow from that world's client id."""

    client_id: str

    @property
    def project(self) -> str:
        """The id of the cloud project that it belongs to."""
        return f"office-{self._digits[:6]}"

    @property
    def email(self) -> str:
        """How files are shared with it, and how it names itself."""
        return f"agent@{self.project}.iam.gserviceaccount.com"

    @property
    def _digits(self) -> str:
        return str(int.from_bytes(hashlib.sha256(self.client_id.encode()).digest()))[:21]

    def file(self, token_url: str) -> bytes:
        """The credentials file that Google's libraries call service_account."""
        content = {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": KEY.id,
            "private_key": KEY.pem,
            "client_email": self.email,
            "client_id": self._digits,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_url,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "universe_domain": "googleapis.com",
        }
        return (json.dumps(content, indent=2) + "\n").encode()

    def check(self, assertion: str) -> dict[str, Any]:
        """The claims of a token request's assertion, or `OAuthError` in Google's words."""
        claims = _claims(assertion)
        if not claims.get("iss"):
            raise _bad("Invalid JWT: iss field missing.")
        if claims["iss"] != self.email:
            raise _bad("Invalid grant: account not found")
        if not _signed(assertion):
            raise _bad("Invalid JWT Signature.")
        if not str(claims.get("aud", "")).endswith("/token"):
            raise _bad("Invalid JWT: Failed audience check.")
        begin, end = claims.get("iat"), claims.get("exp")
        if not (isinstance(begin, int) and isinstance(end, int) and 0 < end - begin <= LONGEST):
            raise _bad(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check "
                "your iat and exp values in the JWT claim."
            )
        if not (claims.get("scope") or claims.get("target_audience")):
            raise OAuthError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        return claims

    def signed_itself(self, token: str) -> bool:
        """Whether a bearer token is an assertion of this account, which Google's APIs take as well."""
        try:
            claims = _claims(token)
        except OAuthError:
            return False
        return claims.get("iss") == self.email and _signed(token)


def _bad(description: str) -> OAuthError:
    return OAuthError("invalid_grant", description)


def _claims(assertion: str) -> dict[str, Any]:
    parts = assertion.split(".")
    try:
        header, claims = (json.loads(_decoded(part)) for part in parts[:2])
    except (ValueError, RecursionError):
        header = claims = None
    if len(parts) != 3 or not isinstance(header, dict) or not isinstance(claims, dict):
        raise _bad("Invalid JWT: Token must be a JWT with three parts.")
    return claims


def _signed(assertion: str) -> bool:
    content, _, signature = assertion.rpartition(".")
    try:
        return KEY.signed(content.encode(), _decoded(signature))
    except ValueError:
        return False


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise ValueError(part) from error
