"""Who may do what with a file: the best role that its permissions give to an address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# From least to most; Drive's roles for shared drives come to those of files.
ROLES = ("reader", "commenter", "writer", "fileOrganizer", "organizer", "owner")


def role_of(address: str, permissions: Sequence[dict[str, Any]], *, by_link: bool = True) -> str | None:
    """The best role of an address; None if the file is not shared with it. Without `by_link`, what
    everybody with the link may do does not count."""
    found = [one["role"] for one in permissions if _means(address, one, by_link=by_link)]
    return max(found, key=ROLES.index, default=None)


def _means(address: str, permission: dict[str, Any], *, by_link: bool) -> bool:
    if permission["type"] == "anyone":
        return by_link or bool(permission.get("allowFileDiscovery"))
    if permission["type"] == "domain":
        return address.partition("@")[2].casefold() == str(permission.get("domain")).casefold()
    return str(permission.get("emailAddress")).casefold() == address.casefold()


def suffices(role: str | None, wanted: str) -> bool:
    """Whether a role includes another."""
    return role is not None and ROLES.index(role) >= ROLES.index(wanted)
