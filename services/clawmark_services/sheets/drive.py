"""Files of Drive: as the API writes them, listed, copied, moved, shared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import md5
from typing import Any

from clawmark_services.sheets import drive_query
from clawmark_services.sheets.errors import GoogleError, bad_parameter
from clawmark_services.sheets.storage import of_spreadsheet
from clawmark_services.sheets.store import FOLDER, SPREADSHEET, DriveFile, Store, stamp
from clawmark_services.sheets.workbook import XLSX

Json = dict[str, Any]

DEFAULT_FIELDS = ("kind", "id", "name", "mimeType")
MAX_PAGE = 1000

_LINKS = {
    SPREADSHEET: "https://docs.google.com/spreadsheets/d/{}/edit?usp=drivesdk",
    FOLDER: "https://drive.google.com/drive/folders/{}",
}


def file_json(store: Store, file: DriveFile) -> Json:
    """The File resource, with everything that a field mask may ask for."""
    owner = next((one for one in file.permissions if one["role"] == "owner"), {"id": "", "emailAddress": ""})
    user = {
        "kind": "drive#user",
        "displayName": owner["emailAddress"].partition("@")[0],
        "me": owner["emailAddress"] == store.owner,
        "permissionId": owner["id"],
        "emailAddress": owner["emailAddress"],
    }
    found: Json = {
        "kind": "drive#file",
        "id": file.id,
        "name": file.name,
        "mimeType": file.mime_type,
        "starred": file.starred,
        "trashed": file.trashed,
        "explicitlyTrashed": file.trashed,
        "parents": list(file.parents),
        "spaces": ["drive"],
        "webViewLink": _LINKS.get(file.mime_type, "https://drive.google.com/file/d/{}/view").format(file.id),
        "createdTime": file.created,
        "modifiedTime": file.modified,
        "owners": [user],
        "lastModifyingUser": user,
        "ownedByMe": owner["emailAddress"] == store.owner,
        "shared": len(file.permissions) > 1,
        "capabilities": {
            "canCopy": True,
            "canDelete": store.may(file, "owner"),
            "canDownload": True,
            "canEdit": store.may(file, "writer"),
            "canShare": store.may(file, "writer"),
            "canTrash": store.may(file, "owner"),
        },
        "permissions": [permission_json(permission) for permission in file.permissions],
        "permissionIds": [permission["id"] for permission in file.permissions],
        "size": "1024" if file.spreadsheet else str(len(file.content or b"")),
        "version": "1",
    }
    if file.content is not None:
        found["md5Checksum"] = md5(file.content, usedforsecurity=False).hexdigest()
    return found | ({"description": file.description} if file.description else {})


def permission_json(permission: Json) -> Json:
    """The Permission resource."""
    found = {"kind": "drive#permission"} | {name: permission[name] for name in sorted(permission)}
    if "emailAddress" in permission:
        found |= {"displayName": permission["emailAddress"].partition("@")[0], "deleted": False}
    return found


_ORDERS: dict[str, Callable[[DriveFile], Any]] = {
    "name": lambda file: file.name.casefold(),
    "name_natural": lambda file: file.name.casefold(),
    "createdTime": lambda file: file.created,
    "modifiedTime": lambda file: file.modified,
    "modifiedByMeTime": lambda file: file.modified,
    "viewedByMeTime": lambda file: file.modified,
    "recency": lambda file: file.modified,
    "folder": lambda file: file.mime_type != FOLDER,
    "starred": lambda file: not file.starred,
}


def listed(store: Store, query: str | None, order: str | None) -> list[DriveFile]:
    """All files that match; without an order those changed last come first."""
    files = [file for file in reversed(store.files.values()) if store.may(file, "reader", by_link=False)]
    if query and query.strip():
        condition = drive_query.parse(query, store.root, store.owner)
        files = [file for file in files if condition(file)]
    for key in reversed([part.strip() for part in (order or "modifiedTime desc").split(",") if part.strip()]):
        name, _, direction = key.partition(" ")
        if name not in _ORDERS or direction not in ("", "desc", "asc"):
            raise bad_parameter("orderBy")
        files.sort(key=_ORDERS[name], reverse=direction == "desc")
    return files


def text_of(body: Json, name: str) -> str | None:
    """A text of a request's body."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise GoogleError(400, f"Invalid value for: {name} is not a string", reason="invalid")
    return value


def parents_of(store: Store, given: Any) -> list[str] | None:
    """The folders that a request names; they must exist."""
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(parent, str) for parent in given):
        raise GoogleError(400, "Invalid value for: parents is not a list of strings", reason="invalid")
    return [_folder(store, parent) for parent in given] or None


def _folder(store: Store, file_id: str) -> str:
    if file_id in ("root", store.root):
        return store.root
    if store.file(file_id, "writer").mime_type != FOLDER:
        raise GoogleError(
            403,
            "The specified parent is not a folder.",
            reason="parentNotAFolder",
            location="parents",
        )
    return file_id


def create(store: Store, at: datetime, body: Json) -> DriveFile:
    """files.create without content."""
    return store.add_file(
        text_of(body, "name") or "Untitled",
        at,
        mime_type=text_of(body, "mimeType") or "application/octet-stream",
        parents=parents_of(store, body.get("parents")),
    )


def copy(store: Store, at: datetime, file_id: str, body: Json) -> DriveFile:
    """files.copy: the copy belongs to the agent and is shared with nobody."""
    file = store.file(file_id)
    if file.mime_type == FOLDER:
        raise GoogleError(403, "This file cannot be copied by the user.", reason="cannotCopyFile")
    # Before anything is copied.
    store.require_storage(of_spreadsheet(file.spreadsheet))
    return store.add_file(
        text_of(body, "name") or f"Copy of {file.name}",
        at,
        mime_type=file.mime_type,
        parents=parents_of(store, body.get("parents")) or list(file.parents),
        spreadsheet=file.spreadsheet.clone() if file.spreadsheet else None,
        content=file.content,
    )


def update(store: Store, at: datetime, file_id: str, body: Json, *, add: str, remove: str) -> DriveFile:
    """files.update: name, description, star, trash, folders."""
    file = store.file(file_id, "writer")
    if "parents" in body:
        raise GoogleError(
            403,
            "The parents field is not directly writable in update requests. Use the addParents and "
            "removeParents parameters instead.",
            reason="fieldNotWritable",
        )
    added = [_folder(store, parent) for parent in _split(add)]
    removed = {store.root if parent == "root" else parent for parent in _split(remove)}
    name, description = text_of(body, "name"), text_of(body, "description")
    file.parents = [parent for parent in file.parents if parent not in removed | set(added)] + added
    file.name = file.name if name is None else name
    file.description = file.description if description is None else description
    file.trashed = bool(body.get("trashed", file.trashed))
    file.starred = bool(body.get("starred", file.starred))
    if {"name", "description"} & set(body):
        file.modified = stamp(at)
    return file


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


_ROLES = ("owner", "organizer", "fileOrganizer", "writer", "commenter", "reader")
_TYPES = ("user", "group", "domain", "anyone")


def share(store: Store, file_id: str, body: Json) -> Json:
    """permissions.create: a second one for the same person replaces the first."""
    file = store.file(file_id, "writer")
    kind, role = text_of(body, "type"), text_of(body, "role")
    _check_choice("type", kind, _TYPES)
    _check_choice("role", role, _ROLES)
    permission: Json = {"id": "anyoneWithLink", "type": kind, "role": role}
    if kind == "anyone":
        permission["allowFileDiscovery"] = bool(body.get("allowFileDiscovery", False))
    else:
        name = "domain" if kind == "domain" else "emailAddress"
        if not text_of(body, name):
            raise GoogleError(
                400, f"The {name} field is required for this permission type.", reason="badRequest"
            )
        permission[name] = body[name]
        known = next((other for other in file.permissions if other.get(name) == body[name]), None)
        permission["id"] = known["id"] if known else store.new_permission_id()
    places = [number for number, other in enumerate(file.permissions) if other["id"] == permission["id"]]
    if places:
        file.permissions[places[0]] = permission
    else:
        store.require_storage(len(str(permission)))
        file.permissions.append(permission)
    return permission


def _check_choice(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if not value:
        raise GoogleError(
            400, f"The permission {name} field is required.", reason="required", location=f"permission.{name}"
        )
    if value not in allowed:
        raise GoogleError(
            400,
            f"The specified {name} is invalid or not supported.",
            reason="invalid",
            location=f"permission.{name}",
        )


def permission(store: Store, file_id: str, permission_id: str) -> Json:
    """One permission, or Drive's 404."""
    for found in store.file(file_id).permissions:
        if found["id"] == permission_id:
            return found
    raise GoogleError(
        404, f"Permission not found: {permission_id}.", reason="notFound", location="permissionId"
    )


def unshare(store: Store, file_id: str, permission_id: str) -> None:
    """permissions.delete; the owner stays."""
    store.file(file_id, "writer")
    found = permission(store, file_id, permission_id)
    if found["role"] == "owner":
        raise GoogleError(
            403, "The owner of a file cannot be removed.", reason="cannotRemoveOwner", location="permissionId"
        )
    store.file(file_id).permissions.remove(found)


def reshare(store: Store, file_id: str, permission_id: str, body: Json) -> Json:
    """permissions.update: another role; the owner keeps theirs."""
    store.file(file_id, "writer")
    found, role = permission(store, file_id, permission_id), text_of(body, "role")
    _check_choice("role", role, _ROLES)
    if "owner" in (found["role"], role):
        message = "The owner of a file cannot be changed this way: transferOwnership is not supported."
        raise GoogleError(403, message, reason="insufficientFilePermissions")
    found["role"] = role
    return found


def about_json(store: Store) -> Json:
    """Whose Drive it is."""
    user = {
        "kind": "drive#user",
        "displayName": store.owner.partition("@")[0],
        "me": True,
        "emailAddress": store.owner,
    }
    formats = ["text/csv", "text/tab-separated-values", XLSX]
    quota = {"limit": "16106127360", "usage": "0", "usageInDrive": "0", "usageInDriveTrash": "0"}
    return {
        "kind": "drive#about",
        "user": user,
        "storageQuota": quota,
        "exportFormats": {SPREADSHEET: formats},
        "importFormats": {"text/csv": [SPREADSHEET]},
        "canCreateDrives": False,
    }
