"""The agent's typed functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from clawmark_services.context import Context
from clawmark_services.contract import Json, Tool, ToolError
from clawmark_services.sheets import operations
from clawmark_services.sheets.calls import shortened
from clawmark_services.sheets.errors import GoogleError
from clawmark_services.sheets.operations import Writing
from clawmark_services.sheets.store import DriveFile, Store
from clawmark_services.sheets.values import FORMATTED

T = TypeVar("T")

_SPREADSHEET = {"type": "string", "description": "The spreadsheet's id or its title."}
_RANGE = {"type": "string", "description": "A range in A1 notation, such as Sheet1!A1:C10, or a tab's title."}
_ROWS = {
    "type": "array",
    "description": "Rows of values, entered as if typed: texts starting with = are formulas. null skips a cell.",
    "items": {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}},
}


def tools(context: Context, store: Store) -> Sequence[Tool]:
    """List, read, write, append, create."""
    hands = _Hands(context, store)
    return (
        _tool("sheets_list", "List all spreadsheets with their ids, titles and tabs.", hands.list_all, {}),
        _tool(
            "sheets_read",
            "Read the values of a range of a spreadsheet, as shown on the screen.",
            hands.read,
            {"spreadsheet": _SPREADSHEET, "range": _RANGE},
        ),
        _tool(
            "sheets_write",
            "Write rows of values into a range of a spreadsheet, over what is there.",
            hands.write,
            {"spreadsheet": _SPREADSHEET, "range": _RANGE, "values": _ROWS},
        ),
        _tool(
            "sheets_append",
            "Append rows below the table that a range of a spreadsheet touches.",
            hands.append,
            {"spreadsheet": _SPREADSHEET, "range": _RANGE, "rows": _ROWS},
        ),
        _tool(
            "sheets_create",
            "Create an empty spreadsheet with one tab, Sheet1.",
            hands.create,
            {"title": {"type": "string", "description": "Its title."}},
        ),
    )


def _tool(name: str, description: str, call: Callable[..., Json], properties: dict[str, Json]) -> Tool:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return Tool(name=name, description=description, parameters=parameters, call=call)


class _Hands:
    def __init__(self, context: Context, store: Store) -> None:
        self._context = context
        self._store = store

    def _do(self, operation: str, request: dict[str, Any], act: Callable[[datetime], T]) -> T:
        with self._store.lock, self._context.exchange(operation, shortened(request)) as exchange:
            try:
                return act(exchange.at)
            except GoogleError as error:
                exchange.status, refusal = error.code, error.message
            except ToolError as error:
                exchange.status, refusal = 404, str(error)
        # Raised out here: an exception that leaves an exchange is written down as a fault.
        raise ToolError(refusal)

    def _files(self) -> list[DriveFile]:
        return [file for file in self._store.files.values() if file.spreadsheet and not file.trashed]

    def _id(self, spreadsheet: str) -> str:
        found = [file.id for file in self._files() if spreadsheet in (file.id, file.name)]
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"{file.name!r} ({file.id})" for file in self._files()) or "none"
        problem = "Several spreadsheets have" if found else "No spreadsheet has"
        raise ToolError(f"{problem} the id or title {spreadsheet!r}. There are: {known}")

    def list_all(self) -> Json:
        def act(_: datetime) -> Json:
            return [
                {
                    "id": file.id,
                    "title": file.name,
                    "tabs": [sheet.title for sheet in file.spreadsheet.sheets] if file.spreadsheet else [],
                    "modified": file.modified,
                }
                for file in self._files()
            ]

        return self._do("files.list", {}, act)

    def read(self, spreadsheet: str, range: str) -> Json:  # noqa: A002 - the tool's parameter
        def act(_: datetime) -> Json:
            return operations.get_values(self._store, self._id(spreadsheet), [range], FORMATTED)[0]

        return self._do("values.get", {"spreadsheet": spreadsheet, "range": range}, act)

    def write(self, spreadsheet: str, range: str, values: list[list[Any]]) -> Json:  # noqa: A002 - as above
        body = {"values": values}

        def act(at: datetime) -> Json:
            data, how = [(range, body, "data")], Writing(option="USER_ENTERED")
            return operations.update_values(self._store, at, self._id(spreadsheet), data, how)[0]

        return self._do("values.update", {"spreadsheet": spreadsheet, "range": range, "body": body}, act)

    def append(self, spreadsheet: str, range: str, rows: list[list[Any]]) -> Json:  # noqa: A002 - as above
        body = {"values": rows}

        def act(at: datetime) -> Json:
            how = Writing(option="USER_ENTERED")
            return operations.append_values(self._store, at, self._id(spreadsheet), (range, body), how)

        return self._do("values.append", {"spreadsheet": spreadsheet, "range": range, "body": body}, act)

    def create(self, title: str) -> Json:
        def act(at: datetime) -> Json:
            made = operations.create(self._store, at, {"properties": {"title": title}})
            return {"id": made["spreadsheetId"], "title": title, "tabs": ["Sheet1"]}

        return self._do("spreadsheets.create", {"title": title}, act)
