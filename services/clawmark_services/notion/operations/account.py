"""What surrounds a workspace: its custom emoji, and OAuth, which an internal integration has no part in."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from clawmark_services.notion.errors import MISSING, NotionError
from clawmark_services.notion.grammar import as_choice, as_text
from clawmark_services.notion.operations.call import Call, Reply
from clawmark_services.notion.wire import listing

Json = Any


def list_custom_emojis(call: Call) -> Json:
    """`GET /v1/custom_emojis`: there are none"""
    page = listing("custom_emoji", [], lambda each: each, paging=call.paging())
    return {name: page[name] for name in ("object", "type", "results", "has_more", "next_cursor")}


def list_templates(call: Call) -> Reply:
    """`GET /v1/data_sources/{data_source_id}/templates`: there are none"""
    call.store.source(call.id("data_source_id"))
    page = listing("template", [], lambda each: each, paging=call.paging())
    # Recorded: of all lists, only this one has neither an `object` nor a `request_id`.
    body = {"templates": page["results"], "has_more": page["has_more"], "next_cursor": page["next_cursor"]}
    return Reply(body, with_request_id=False)


def token(call: Call) -> Json:
    """`POST /v1/oauth/token`: no code and no refresh token of this workspace is valid"""
    _client(call)
    kinds = ("authorization_code", "refresh_token")
    kind = as_choice(call.body.get("grant_type", MISSING), kinds, "body.grant_type")
    name = "code" if kind == "authorization_code" else "refresh_token"
    as_text(call.body.get(name, MISSING), f"body.{name}")
    described = "Invalid code: code used is expired, revoked, or has already been used."
    if name == "refresh_token":
        described = "Invalid refresh token."
    return Reply({"error": "invalid_grant", "error_description": described}, status=400)


def introspect(call: Call) -> Json:
    """`POST /v1/oauth/introspect`"""
    _client(call)
    given = as_text(call.body.get("token", MISSING), "body.token")
    return {"active": given == call.store.workspace.token}


def revoke(call: Call) -> Json:
    """`POST /v1/oauth/revoke`: an internal integration's token is not to be revoked this way"""
    _client(call)
    given = as_text(call.body.get("token", MISSING), "body.token")
    if given == call.store.workspace.token:
        raise NotionError(400, "validation_error", "The token of an internal integration cannot be revoked.")
    return {}


def _client(call: Call) -> None:
    """Refuse who does not name a client and its secret; whatever they are, they are not known here."""
    scheme, _, given = call.authorization.partition(" ")
    try:
        client, colon, _secret = b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        client, colon = "", ""
    if scheme.lower() != "basic" or not colon or not client:
        raise NotionError(401, "unauthorized", "Invalid client credentials.")
