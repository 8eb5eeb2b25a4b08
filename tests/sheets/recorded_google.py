"""Recorded traffic, replayed against a fresh Drive and compared answer by answer.

What stood in the account before a recording began is put there first: files that are listed or opened
without having been created. Identifiers are mapped as they appear; `VOLATILE` names what no two accounts
share.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sheets_office import Office

from clawmark_services.sheets.store import SPREADSHEET, Sheet, Spreadsheet

# Moments, and the locale of the people who recorded.
VOLATILE = frozenset({"createdTime", "modifiedTime", "createdDate", "modifiedDate", "locale"})
# Identifiers: they must be there, and the service's own take their place in later requests.
IDENTIFIERS = frozenset(
    {
        *("id", "sheetId", "spreadsheetId", "permissionId", "namedRangeId", "protectedRangeId"),
        *("spreadsheetUrl", "emailAddress", "displayName", "alternateLink", "webViewLink"),
    }
)
_FILE = re.compile(r"/(?:spreadsheets|files)/([A-Za-z0-9_-]{25,})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where an answer departs from the recorded one."""

    recording: str
    number: int
    request: str
    path: str
    recorded: Any
    answered: Any

    def __str__(self) -> str:
        shown = f"recorded {self.recorded!r:.200}, answered {self.answered!r:.200}"
        return f"{self.recording}#{self.number} {self.request:.150} at {self.path}: {shown}"


@dataclass(slots=True)
class Replay:
    """One recording against one Drive; `differences` has at most one entry per interaction."""

    recording: Path
    answered: int = 0
    differences: list[Difference] = field(default_factory=list)
    _known: dict[str, str] = field(default_factory=dict)

    def run(self) -> Replay:
        """Send every request in its order."""
        office = Office()
        interactions = json.loads(self.recording.read_text(encoding="utf-8"))["interactions"]
        insides = _insides(interactions)
        for number, interaction in enumerate(interactions):
            self._furnish(office, interaction, insides)
            self._send(office, number, interaction)
        return self

    def _furnish(self, office: Office, interaction: dict[str, Any], insides: dict[str, Any]) -> None:
        """Put what an answer tells of, and nothing before it made, into the Drive; the oldest first."""
        answer = _parsed(interaction["response"]["body"]["string"])
        request, code = interaction["request"], interaction["response"]["status"]["code"]
        opened = _FILE.search(request["uri"])
        if code == 403 and opened and opened[1] not in self._known:
            strangers = office.service.author.create("A stranger's", owner="stranger@elsewhere.example")
            self._known[opened[1]] = strangers.id
        if not isinstance(answer, dict) or code != 200:
            return
        listed = {file["id"]: file for file in answer.get("files", ())}
        if request["method"] == "GET" and "sheets" in answer and opened:
            listed.setdefault(opened[1], {})
        unknown = [file_id for file_id in listed if file_id not in self._known]
        for file_id in sorted(unknown, key=lambda one: listed[one].get("modifiedTime", "")):
            self._known[file_id] = _placed(office, listed[file_id], insides.get(file_id, {}))

    def _send(self, office: Office, number: int, interaction: dict[str, Any]) -> None:
        request, response = interaction["request"], interaction["response"]
        uri, body = self._translated(request["uri"]), self._translated(request["body"] or "")
        target = urlsplit(uri)
        kind = request["headers"].get("Content-Type")
        answer = office.http.open(
            unquote(target.path),
            method=request["method"],
            query_string=target.query,
            data=body.encode("utf-8", "surrogatepass"),
            headers={"Authorization": f"Bearer {office.token}"} | ({"Content-Type": kind[0]} if kind else {}),
        )
        recorded, found = response["body"]["string"], answer.get_data(as_text=True)
        first = next(self._compare(response["status"]["code"], recorded, answer.status_code, found), None)
        self.answered += first is None
        if first is not None:
            path, wanted, given = first
            self.differences.append(
                Difference(
                    recording=self.recording.stem,
                    number=number,
                    request=f"{request['method']} {unquote(uri)}",
                    path=path,
                    recorded=wanted,
                    answered=given,
                )
            )

    def _compare(self, code: int, recorded: str, status: int, found: str) -> Iterator[tuple[str, Any, Any]]:
        wanted, given = _parsed(recorded), _parsed(found)
        if code != status:
            yield "status", code, f"{status} {found}"
        elif isinstance(wanted, str) or isinstance(given, str):
            if _lines(recorded) != _lines(found):
                yield "text", recorded, found
        else:
            # To the end, so that identifiers are learnt even from an answer that differs.
            yield from list(self._differences(wanted, given, ""))

    def _differences(self, wanted: Any, given: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
        if isinstance(wanted, dict) and isinstance(given, dict):
            for name in sorted(wanted.keys() | given.keys()):
                yield from self._field(name, wanted, given, f"{path}.{name}")
        elif isinstance(wanted, list) and isinstance(given, list) and len(wanted) == len(given):
            for number, (one, other) in enumerate(zip(wanted, given, strict=True)):
                yield from self._differences(one, other, f"{path}[{number}]")
        elif wanted != given:
            yield path, wanted, given

    def _field(
        self, name: str, wanted: dict[str, Any], given: dict[str, Any], path: str
    ) -> Iterator[tuple[str, Any, Any]]:
        if name in VOLATILE:
            return
        if name not in wanted or name not in given:
            yield path, wanted.get(name, "nothing"), given.get(name, "nothing")
        elif name in IDENTIFIERS and wanted[name]:
            self._known[str(wanted[name])] = str(given[name])
        elif name == "users" and isinstance(wanted[name], list):
            yield from self._differences(len(wanted[name]), len(given[name]), path)
        else:
            yield from self._differences(wanted[name], given[name], path)

    def _translated(self, text: str) -> str:
        for old, new in self._known.items():
            if len(old) >= 8 and old != new:
                text = re.sub(
                    rf"(?<![A-Za-z0-9_-]){re.escape(old)}(?![A-Za-z0-9_-])", lambda _, new=new: new, text
                )
        return text


def _insides(interactions: list[dict[str, Any]]) -> dict[str, Any]:
    """What each spreadsheet looks like when it is first opened."""
    found: dict[str, Any] = {}
    for interaction in interactions:
        answer = _parsed(interaction["response"]["body"]["string"])
        opened = _FILE.search(interaction["request"]["uri"])
        if opened and isinstance(answer, dict) and "sheets" in answer and "properties" in answer:
            found.setdefault(opened[1], answer)
    return found


def _placed(office: Office, listed: dict[str, Any], inside: dict[str, Any]) -> str:
    """The id of a file as it was before the recording."""
    properties = inside.get("properties", {})
    sheets = [
        Sheet(id=number and number + 7, title=sheet["properties"]["title"], **_size(sheet["properties"]))
        for number, sheet in enumerate(inside.get("sheets", ()))
    ]
    spreadsheet = Spreadsheet(sheets=sheets) if sheets else None
    if spreadsheet and properties.get("timeZone"):
        spreadsheet.time_zone = properties["timeZone"]
    name = listed.get("name") or properties.get("title", "Untitled")
    moment = datetime.fromisoformat(listed.get("modifiedTime") or "2020-01-01T00:00:00+00:00")
    return office.service.store.add_file(name, moment, mime_type=SPREADSHEET, spreadsheet=spreadsheet).id


def _size(properties: dict[str, Any]) -> dict[str, int]:
    grid = properties.get("gridProperties", {})
    return {"rows": grid.get("rowCount", 1000), "columns": grid.get("columnCount", 26)}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()
