"""`ctx.google_sheets`: spreadsheets through Google's own interfaces, in a folder of the task's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from clawmark_services import Service
from pytest_clawmark.formats.clawmark.adapters.desk import Desk
from pytest_clawmark.formats.clawmark.wire import Wire

Json = Any
Memory = dict[str, Any]
Rows = Sequence[Sequence[Any]]

_FOLDER = "application/vnd.google-apps.folder"
_SPREADSHEET = "application/vnd.google-apps.spreadsheet"
_ID = re.compile(r"[\w-]{20,}")
_WRITTEN = re.compile(r"/d/([^/]+)")


class SheetsAdapter:
    """What the task makes lies in its own folder, and only there it finds spreadsheets: that is its memory.

    Refusals of Google are `Refused`.
    """

    def __init__(self, desk: Desk, memory: Memory, task: str) -> None:
        self._desk, self._memory = desk, memory
        self._api = _Api(desk)
        # The published name ends with chance.
        self._folder_name = f"clawmark-{task}-{sha256(task.encode()).hexdigest()[:8]}"

    def prepare(self) -> None:
        """Make the folder, before the first stage."""
        if "folder" not in self._memory:
            body = {"name": self._folder_name, "mimeType": _FOLDER}
            self._memory["folder"] = self._api.write("POST", "/drive/v3/files?fields=id", body)["id"]

    async def create_spreadsheet(self, title: str) -> dict[str, str]:
        """A new spreadsheet; its `sheet_id` and `sheet_url`."""
        body = {"properties": {"title": title}}
        made = self._api.write("POST", "/v4/spreadsheets?fields=spreadsheetId", body)["spreadsheetId"]
        where = urlencode({"addParents": self._folder, "removeParents": "root", "fields": "id"})
        self._api.write("PATCH", f"/drive/v3/files/{made}?{where}")
        return self._shared(made)

    async def copy_template(self, template_url: str) -> dict[str, str]:
        """A copy of a spreadsheet given by URL or id; its `sheet_id` and `sheet_url`."""
        source = _spreadsheet_id(template_url)
        name = self._api.read(f"/drive/v3/files/{source}?fields=name")["name"]
        copy = self._api.write("POST", f"/drive/v3/files/{source}/copy", {"parents": [self._folder]})["id"]
        self._api.write("PATCH", f"/drive/v3/files/{copy}", {"name": name})
        return self._shared(copy)

    async def get_spreadsheet_id(self, name: str) -> str | None:
        """The id of a spreadsheet of the task by its exact name, None when there is none."""
        wanted = (
            f"'{self._folder}' in parents and name='{_escaped(name)}' and mimeType='{_SPREADSHEET}' "
            "and trashed=false"
        )
        found = self._api.read(f"/drive/v3/files?{urlencode({'q': wanted, 'fields': 'files(id)'})}")
        files = found.get("files", [])
        return str(files[0]["id"]) if files else None

    async def read_values(self, sheet_id: str, range_: str) -> list[list[str]]:
        """The shown values of a range in A1 notation; without trailing empty rows and cells."""
        found: list[list[str]] = self._api.read(_values(sheet_id, range_)).get("values", [])
        return found

    async def update_values(self, sheet_id: str, range_: str, values: Rows) -> None:
        """Write values to a range as they are."""
        self._api.write("PUT", f"{_values(sheet_id, range_)}?valueInputOption=RAW", {"values": values})

    async def append_rows(self, sheet_id: str, range_: str, rows: Rows) -> None:
        """Add rows below the last one of a range."""
        how = "valueInputOption=RAW&insertDataOption=INSERT_ROWS"
        self._api.write("POST", f"{_values(sheet_id, range_)}:append?{how}", {"values": rows})

    async def find_row(
        self, sheet_id: str, sheet_name: str, col_index: int, value: str
    ) -> dict[str, str] | None:
        """The first row below the header with this value in a column, counted from 0; by header."""
        header, *rows = await self.read_values(sheet_id, sheet_name) or [[]]
        for row in rows:
            if col_index < len(row) and row[col_index] == value:
                return dict(zip(header, row, strict=False))
        return None

    @property
    def _folder(self) -> str:
        folder: str = self._memory["folder"]
        return folder

    def _shared(self, spreadsheet: str) -> dict[str, str]:
        permission = {"role": "writer", "type": "anyone"}
        self._api.write("POST", f"/drive/v3/files/{spreadsheet}/permissions", permission)
        return {
            "sheet_id": spreadsheet,
            "sheet_url": f"https://docs.google.com/spreadsheets/d/{spreadsheet}",
        }


class _Api:
    """Google's interfaces with the user's token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._wire = Wire.of(desk.service, "www.googleapis.com")
        self._token = ""

    def read(self, target: str) -> Json:
        """What is there."""
        return self._desk.read(target, lambda: self._send("GET", target, None))

    def write(self, method: str, target: str, body: Json = None) -> Json:
        """Change something."""
        self._desk.write()
        return self._send(method, target, body)

    def _send(self, method: str, target: str, body: Json) -> Json:
        return self._wire.json(
            method, target, headers={"Authorization": f"Bearer {self._access()}"}, body=body
        )

    def _access(self) -> str:
        if not self._token:
            own = _credentials(self._desk.service)
            form = {name: own[name] for name in ("client_id", "client_secret", "refresh_token")}
            content = urlencode({"grant_type": "refresh_token", **form}).encode()
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            self._token = str(self._wire.send("POST", "/token", kind, content)["access_token"])
        return self._token


def _credentials(service: Service) -> Mapping[str, str]:
    files = service.home_files(
        {endpoint.key: "https://sheets.googleapis.com" for endpoint in service.endpoints}
    )
    own: Mapping[str, str] = json.loads(files[".google/credentials.json"])
    return own


def _values(spreadsheet: str, range_: str) -> str:
    return f"/v4/spreadsheets/{quote(spreadsheet, safe='')}/values/{quote(range_, safe='')}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _spreadsheet_id(url: str) -> str:
    clean = url.partition("?")[0].partition("#")[0]
    written = _WRITTEN.search(clean)
    if written:
        return written[1]
    if not _ID.fullmatch(clean):
        raise ValueError(f"Invalid spreadsheet URL or ID: {url}")
    return clean
