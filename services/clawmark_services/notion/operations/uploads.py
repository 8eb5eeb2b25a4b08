"""File uploads: announced, sent in one part or several, completed, listed, and read back."""

from __future__ import annotations

import mimetypes
from base64 import b64encode
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from clawmark_services.notion.errors import MISSING, NotionError, invalid, mismatch, unknown_request
from clawmark_services.notion.grammar import as_choice, as_number, as_text, dashed
from clawmark_services.notion.operations.call import Call, Reply, SentFile
from clawmark_services.notion.records import Upload
from clawmark_services.notion.wire import listing

Json = Any

MODES = ("single_part", "multi_part", "external_url")
STATUSES = ("pending", "uploaded", "expired", "failed")
NAME_LIMIT = 900
"""Bytes of a file's name (the API reference on creating a file upload)."""

PART_LIMIT = 20 * 1024 * 1024
"""Bytes in a file of one part, or in one part of several (the guide on sending files)."""

PARTS_LIMIT = 1000
LIFETIME = timedelta(hours=1)
_TYPES = mimetypes.MimeTypes(filenames=())


def create(call: Call) -> Json:
    """`POST /v1/file_uploads`"""
    body = call.fields("mode", "filename", "content_type", "number_of_parts", "external_url")
    mode = as_choice(body.get("mode", "single_part"), MODES, "body.mode")
    filename = _filename(body.get("filename"), mode)
    upload = Upload(
        id=call.store.ids.uuid(),
        seq=call.store.next_number(),
        stamp=call.moment.stamp(),
        mode=mode,
        # The world has no route out, so an import fails; its failure shows from the next request on.
        status="failed" if mode == "external_url" else "pending",
        filename=filename,
        content_type=_content_type(body.get("content_type"), filename),
        total=_total(body.get("number_of_parts"), mode),
        parts={},
        source_url=_source(body, mode),
    )
    call.store.workspace.uploads[upload.id] = upload
    return call.wire.upload(replace(upload, status="pending"))


def _filename(value: Json, mode: str) -> str | None:
    if value is None and mode == "single_part":
        return None
    name = as_text(MISSING if value is None else value, "body.filename")
    if not name:
        raise mismatch("body.filename", "a non-empty string", name)
    if len(name.encode()) > NAME_LIMIT:
        raise mismatch("body.filename.length", f"≤ `{NAME_LIMIT}`", len(name.encode()))
    return name


def _content_type(value: Json, filename: str | None) -> str | None:
    if value is not None:
        return as_text(value, "body.content_type", 200)
    return _TYPES.guess_type(filename or "")[0]


def _total(value: Json, mode: str) -> int:
    if mode != "multi_part":
        if value is not None:
            raise mismatch("body.number_of_parts", "not present", value)
        return 1
    total = as_number(MISSING if value is None else value, "body.number_of_parts")
    if not isinstance(total, int) or not 1 <= total <= PARTS_LIMIT:
        raise mismatch("body.number_of_parts", f"between `1` and `{PARTS_LIMIT}`", value)
    return total


def _source(body: Json, mode: str) -> str | None:
    if mode != "external_url":
        if body.get("external_url") is not None:
            raise mismatch("body.external_url", "not present", body["external_url"])
        return None
    url = as_text(body.get("external_url", MISSING), "body.external_url", 2000)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise mismatch("body.external_url", "a valid HTTPS URL", url) from None
    if parts.scheme != "https" or not parts.netloc:
        raise mismatch("body.external_url", "a valid HTTPS URL", url)
    return url


def current(upload: Upload, now: datetime) -> Upload:
    """An upload as it is at a moment: one that was not used in time has expired."""
    made = datetime.fromisoformat(upload.stamp.created_at)
    if upload.attached or upload.status not in ("pending", "uploaded") or now < made + LIFETIME:
        return upload
    return replace(upload, status="expired")


def _found(call: Call) -> Upload:
    id_ = call.id("file_upload_id")
    upload = call.store.workspace.uploads.get(id_)
    if upload is None:
        raise call.store.missing("file_upload", id_)
    return current(upload, call.now)


def retrieve(call: Call) -> Json:
    """`GET /v1/file_uploads/{file_upload_id}`"""
    return _with_import(call, _found(call))


def _with_import(call: Call, upload: Upload) -> Json:
    body = call.wire.upload(upload)
    if upload.source_url is None:
        return body
    error = {
        "type": "download_error",
        "code": "download_failed",
        "message": f"Failed to download the file from {urlsplit(upload.source_url).netloc}.",
        "parameter": "external_url",
        "status_code": None,
    }
    imported = {"imported_time": body["created_time"], "type": "error", "error": error}
    return body | {"file_import_result": imported}


def list_all(call: Call) -> Json:
    """`GET /v1/file_uploads`: newest first"""
    uploads = [current(each, call.now) for each in reversed(call.store.workspace.uploads.values())]
    status = call.one("status")
    if status is not None:
        as_choice(status, STATUSES, "query.status")
        uploads = [each for each in uploads if each.status == status]
    return listing("file_upload", uploads, lambda each: _with_import(call, each), paging=call.paging())


def send(call: Call) -> Json:
    """`POST /v1/file_uploads/{file_upload_id}/send`: a form with `file` and perhaps `part_number`"""
    upload, file = _found(call), call.body.get("file", MISSING)
    if not isinstance(file, SentFile):
        raise mismatch("body.file", "defined" if file is MISSING else "a file", file)
    if upload.status != "pending":
        raise invalid(f"File upload with ID {upload.id} cannot be sent: its status is {upload.status}.")
    if len(file.content) > PART_LIMIT:
        raise mismatch("body.file.length", f"≤ `{PART_LIMIT}`", len(file.content))
    number = _part_number(call, upload)
    parts = {**upload.parts, number: b64encode(file.content).decode()}
    changed = replace(upload, parts=parts, stamp=call.moment.edit(upload.stamp))
    if upload.mode == "single_part":
        changed = _complete(replace(changed, filename=upload.filename or file.filename or "untitled"))
    if changed.content_type is None:
        guessed = _TYPES.guess_type(changed.filename or "")[0]
        changed = replace(changed, content_type=file.content_type or guessed)
    call.store.workspace.uploads[upload.id] = changed
    return call.wire.upload(changed)


def _part_number(call: Call, upload: Upload) -> str:
    given = call.body.get("part_number")
    if upload.mode == "single_part":
        if given is not None:
            raise mismatch("body.part_number", "not present", given)
        return "1"
    text = as_text(MISSING if given is None else given, "body.part_number")
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= upload.total):
        raise mismatch("body.part_number", f"between `1` and `{upload.total}`", text)
    return str(int(text))


def _complete(upload: Upload) -> Upload:
    return replace(upload, status="uploaded", length=len(upload.content))


def complete(call: Call) -> Json:
    """`POST /v1/file_uploads/{file_upload_id}/complete`: all parts of several have been sent"""
    upload = _found(call)
    if upload.mode != "multi_part":
        raise invalid(f"File upload with ID {upload.id} is not a multi-part upload.")
    if upload.status != "pending":
        raise invalid(f"File upload with ID {upload.id} cannot be completed: its status is {upload.status}.")
    absent = [str(part) for part in range(1, upload.total + 1) if str(part) not in upload.parts]
    if absent:
        sent = len(upload.parts)
        raise invalid(f"File upload with ID {upload.id} has {sent} of {upload.total} parts.")
    changed = _complete(replace(upload, stamp=call.moment.edit(upload.stamp)))
    call.store.workspace.uploads[upload.id] = changed
    return call.wire.upload(changed)


def download(call: Call) -> Reply:
    """`GET /files/{workspace_id}/{upload_id}/{name}?signature=...`: the bytes, for whoever has the address"""
    id_ = dashed(call.path["upload_id"])
    upload = call.store.workspace.uploads.get(id_)
    if upload is None:
        raise unknown_request()
    if call.one("signature") != call.store.workspace.signature(id_):
        raise NotionError(403, "restricted_resource", "The signature of this address is not valid.")
    return Reply(upload.content, content_type=upload.content_type or "application/octet-stream")
