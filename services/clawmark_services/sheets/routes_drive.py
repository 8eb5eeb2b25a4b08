"""The Drive API v3 on the wire, with the one method of v2 that clients of spreadsheets use."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from clawmark_services.sheets import drive, tables_csv, workbook
from clawmark_services.sheets.calls import Call, Raw, Route
from clawmark_services.sheets.errors import GoogleError, bad_parameter
from clawmark_services.sheets.store import SPREADSHEET, DriveFile, stamp
from clawmark_services.sheets.uploads import Upload


def _body(call: Call) -> dict[str, Any]:
    if call.body is None:
        return {}
    if not isinstance(call.body, dict):
        raise GoogleError(400, "Parse Error", reason="parseError")
    return call.body


def _brief(call: Call, resource: dict[str, Any], default: tuple[str, ...]) -> dict[str, Any]:
    """All fields where a mask will choose among them, else those that Drive sends unasked."""
    return (
        resource
        if call.query.get("fields")
        else {name: resource[name] for name in default if name in resource}
    )


def _file(call: Call, file: Any) -> dict[str, Any]:
    return _brief(call, drive.file_json(call.store, file), drive.DEFAULT_FIELDS)


def _files_list(call: Call) -> Any:
    files = drive.listed(call.store, call.query.get("q"), call.query.get("orderBy"))
    size = _page_size(call.query.get("pageSize"))
    start = _page_start(call.query.get("pageToken"))
    found: dict[str, Any] = {"kind": "drive#fileList", "incompleteSearch": False}
    if start + size < len(files):
        found["nextPageToken"] = base64.urlsafe_b64encode(f"page:{start + size}".encode()).decode()
    return found | {"files": [_file(call, file) for file in files[start : start + size]]}


def _page_size(text: str | None) -> int:
    if not text:
        return 100
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= drive.MAX_PAGE:
        message = f"Invalid value '{text}'. Values must be within the range: [1, {drive.MAX_PAGE}]"
        raise bad_parameter("pageSize", message)
    return int(text)


def _page_start(token: str | None) -> int:
    if not token:
        return 0
    try:
        kind, _, start = base64.urlsafe_b64decode(token).decode().partition(":")
    except (binascii.Error, ValueError):
        raise bad_parameter("pageToken") from None
    if kind != "page" or not (start.isascii() and start.isdigit()):
        raise bad_parameter("pageToken")
    return int(start)


def _files_create(call: Call) -> Any:
    return _file(call, drive.create(call.store, call.at, _body(call)))


def _files_get(call: Call) -> Any:
    file_id = call.path["fileId"]
    if file_id in ("root", call.store.root):
        root = {"kind": "drive#file", "id": call.store.root, "name": "My Drive"}
        return root | {"mimeType": "application/vnd.google-apps.folder"}
    file = call.store.file(file_id)
    if call.query.get("alt") == "media":
        if file.content is None:
            message = "Only files with binary content can be downloaded. Use Export with Docs Editors files."
            raise GoogleError(403, message, reason="fileNotDownloadable")
        return Raw(content=file.content, content_type=file.mime_type)
    return _file(call, file)


def _upload_new(call: Call) -> Any:
    """files.create with content."""
    upload = _upload(call)
    described = {"mimeType": upload.content_type or "application/octet-stream", **upload.described}
    converted = described["mimeType"] == SPREADSHEET
    if converted and upload.content_type not in _SEPARATORS:
        raise _no_conversion()
    call.store.require_storage(len(upload.content), len(upload.content))
    file = drive.create(call.store, call.at, described)
    _put(call, file, upload)
    return _file(call, file)


def _upload_again(call: Call) -> Any:
    """files.update with content."""
    upload, file = _upload(call), call.store.file(call.path["fileId"], "writer")
    if file.spreadsheet is not None and upload.content_type not in _SEPARATORS:
        raise _no_conversion()
    more = len(upload.content) - len(file.content or b"")
    call.store.require_storage(more, more)
    file = _update(call, upload.described)
    if file.spreadsheet is None and "mimeType" not in upload.described and upload.content_type:
        file.mime_type = upload.content_type
    _put(call, file, upload)
    file.modified = stamp(call.at)
    return _file(call, file)


_SEPARATORS = {"text/csv": ",", "text/tab-separated-values": "\t"}


def _no_conversion() -> GoogleError:
    return GoogleError(400, "The requested conversion is not supported.", reason="badRequest")


def _upload(call: Call) -> Upload:
    if not isinstance(call.body, Upload):
        raise GoogleError(400, "Bad Request", reason="badRequest")
    return call.body


def _put(call: Call, file: DriveFile, upload: Upload) -> None:
    """Spreadsheets are made of the content, other files keep it."""
    if file.spreadsheet is not None:
        call.store.keep(file, tables_csv.load(file, upload.content, _SEPARATORS[upload.content_type]))
    else:
        file.content = upload.content


def _files_update(call: Call) -> Any:
    return _file(call, _update(call, _body(call)))


def _update(call: Call, body: dict[str, Any]) -> DriveFile:
    query = call.query
    return drive.update(
        call.store,
        call.at,
        call.path["fileId"],
        body,
        add=query.get("addParents", ""),
        remove=query.get("removeParents", ""),
    )


def _files_delete(call: Call) -> None:
    call.store.remove(call.path["fileId"])


def _files_copy(call: Call) -> Any:
    return _file(call, drive.copy(call.store, call.at, call.path["fileId"], _body(call)))


def _files_export(call: Call) -> Raw:
    file, kind = call.store.file(call.path["fileId"]), call.query.get("mimeType", "")
    if file.spreadsheet is None:
        raise GoogleError(403, "Export only supports Docs Editors files.", reason="fileNotExportable")
    if kind == workbook.XLSX:
        return Raw(content=workbook.export(file.spreadsheet), content_type=kind)
    if kind not in _SEPARATORS:
        raise _no_conversion()
    return Raw(content=tables_csv.export(file.spreadsheet, _SEPARATORS[kind]), content_type=kind)


def _import_csv(call: Call) -> Any:
    file = call.store.file(call.path["fileId"], "writer")
    if file.spreadsheet is None:
        raise GoogleError(400, "Bad Request", reason="badRequest")
    call.store.keep(file, tables_csv.load(file, _upload(call).content))
    file.modified = stamp(call.at)
    link = f"https://docs.google.com/spreadsheets/d/{file.id}/edit?usp=drivesdk"
    return {
        "kind": "drive#file",
        "id": file.id,
        "title": file.name,
        "mimeType": file.mime_type,
        "alternateLink": link,
        "createdDate": file.created,
        "modifiedDate": file.modified,
        "editable": True,
        "ownerNames": [call.store.owner],
    }


_PERMISSION_FIELDS = ("kind", "id", "type", "role", "allowFileDiscovery")


def _permission(call: Call, permission: dict[str, Any]) -> dict[str, Any]:
    return _brief(call, drive.permission_json(permission), _PERMISSION_FIELDS)


def _permissions_list(call: Call) -> Any:
    file = call.store.file(call.path["fileId"])
    found = [_permission(call, permission) for permission in file.permissions]
    return {"kind": "drive#permissionList", "permissions": found}


def _permissions_create(call: Call) -> Any:
    return _permission(call, drive.share(call.store, call.path["fileId"], _body(call)))


def _permissions_get(call: Call) -> Any:
    found = drive.permission(call.store, call.path["fileId"], call.path["permissionId"])
    return _permission(call, found)


def _permissions_update(call: Call) -> Any:
    found = drive.reshare(call.store, call.path["fileId"], call.path["permissionId"], _body(call))
    return _permission(call, found)


def _about_get(call: Call) -> Any:
    """Google wants to be told which fields."""
    if not call.query.get("fields"):
        message = "The 'fields' parameter is required for this method."
        raise bad_parameter("fields", message)
    return drive.about_json(call.store)


def _generate_ids(call: Call) -> Any:
    count = call.query.get("count") or "10"
    if not (count.isascii() and count.isdigit()) or not 1 <= int(count) <= drive.MAX_PAGE:
        raise bad_parameter("count")
    found = [call.store.new_file_id() for _ in range(int(count))]
    return {"kind": "drive#generatedIds", "space": "drive", "ids": found}


def _empty_trash(call: Call) -> None:
    for file in [file for file in call.store.files.values() if file.trashed]:
        if file.id in call.store.files and call.store.may(file, "owner"):
            call.store.remove(file.id)


def _permissions_delete(call: Call) -> None:
    drive.unshare(call.store, call.path["fileId"], call.path["permissionId"])


def _drives_list(_: Call) -> Any:
    """Nobody in an office of ours has shared drives."""
    return {"kind": "drive#driveList", "drives": []}


def _comments_list(call: Call) -> Any:
    """No comment can be made here, so there is none."""
    call.store.file(call.path["fileId"])
    return {"kind": "drive#commentList", "comments": []}


_FILES = "/drive/v3/files"
_FILE = "/drive/v3/files/{fileId}"

_ONE = f"{_FILE}/permissions/{{permissionId}}"

ROUTES = (
    Route("PATCH", _ONE, "permissions.update", _permissions_update, "drive", "permissions.update"),
    Route("GET", _FILES, "files.list", _files_list, "drive", "files.list"),
    Route("POST", _FILES, "files.create", _files_create, "drive", "files.create"),
    Route("GET", "/drive/v3/about", "about.get", _about_get, "drive", "about.get"),
    Route("GET", f"{_FILES}/generateIds", "files.generateIds", _generate_ids, "drive", "files.generateIds"),
    Route("DELETE", f"{_FILES}/trash", "files.emptyTrash", _empty_trash, "drive", "files.emptyTrash"),
    Route("GET", _FILE, "files.get", _files_get, "drive", "files.get"),
    Route("PATCH", _FILE, "files.update", _files_update, "drive", "files.update"),
    Route("DELETE", _FILE, "files.delete", _files_delete, "drive", "files.delete"),
    Route("POST", f"{_FILE}/copy", "files.copy", _files_copy, "drive", "files.copy"),
    Route("GET", f"{_FILE}/export", "files.export", _files_export, "drive", "files.export"),
    Route("GET", f"{_FILE}/comments", "comments.list", _comments_list, "drive", "comments.list"),
    Route("GET", f"{_FILE}/permissions", "permissions.list", _permissions_list, "drive", "permissions.list"),
    Route(
        "POST",
        f"{_FILE}/permissions",
        "permissions.create",
        _permissions_create,
        "drive",
        "permissions.create",
    ),
    Route(
        "GET",
        f"{_FILE}/permissions/{{permissionId}}",
        "permissions.get",
        _permissions_get,
        "drive",
        "permissions.get",
    ),
    Route(
        "DELETE",
        f"{_FILE}/permissions/{{permissionId}}",
        "permissions.delete",
        _permissions_delete,
        "drive",
        "permissions.delete",
    ),
    Route("GET", "/drive/v3/drives", "drives.list", _drives_list, "drive", "drives.list"),
    Route("POST", "/upload/drive/v3/files", "files.create", _upload_new, "drive", "files.create"),
    Route("PATCH", f"/upload{_FILE}", "files.upload", _upload_again, "drive", "files.update"),
    Route("PUT", "/upload/drive/v2/files/{fileId}", "files.upload", _import_csv, "drive"),
)
