"""Plain Python values for people and models: "Done", 3, ["a", "b"], "2024-03-19" instead of wire objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from clawmark_services.notion import richtext, values
from clawmark_services.notion.records import Page, Property
from clawmark_services.notion.workspace import Workspace

Json = Any


def to_request(column: Property, value: Any, workspace: Workspace) -> Json:
    """A plain value as a request would spell it for a column; None clears it.

    Raises `ValueError` for a value that the column's type cannot hold, and `LookupError` for a person,
    page or status that does not exist; both name what would do.
    """
    writer = _WRITERS.get(column.type)
    if writer is None:
        raise ValueError(f"column {column.name!r} ({column.type}) is computed by Notion: leave it out")
    if value is None:
        return {column.type: _CLEARED.get(column.type)}
    return {column.type: writer(column, value, workspace)}


_CLEARED: Mapping[str, Json] = {
    "title": [],
    "rich_text": [],
    "multi_select": [],
    "people": [],
    "files": [],
    "relation": [],
    "checkbox": False,
}


def _refuse(column: Property, value: Any, wanted: str) -> ValueError:
    return ValueError(f"column {column.name!r} ({column.type}) takes {wanted}, not {value!r}")


def _text(column: Property, value: Any, _workspace: Workspace) -> Json:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _refuse(column, value, "a text")
    return richtext.from_text(_spelled(value))


def _spelled(value: str | float) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _string(column: Property, value: Any, _workspace: Workspace) -> Json:
    if not isinstance(value, str):
        raise _refuse(column, value, "a text")
    return value


def _number(column: Property, value: Any, _workspace: Workspace) -> Json:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise _refuse(column, value, "a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refuse(column, value, "a number")
    return value


def _checkbox(column: Property, value: Any, _workspace: Workspace) -> Json:
    if not isinstance(value, bool):
        raise _refuse(column, value, "True or False")
    return value


def _option(column: Property, value: Any, _workspace: Workspace) -> Json:
    if not isinstance(value, str) or not value:
        raise _refuse(column, value, "the name of an option")
    if "," in value:
        raise _refuse(column, value, "the name of an option without a comma")
    return {"name": value}


def _status(column: Property, value: Any, workspace: Workspace) -> Json:
    names = [option["name"] for option in column.config["options"]]
    if value not in names:
        allowed = ", ".join(map(repr, names))
        raise LookupError(f"column {column.name!r} has no status {value!r}: use one of {allowed}")
    return _option(column, value, workspace)


def _options(column: Property, value: Any, workspace: Workspace) -> Json:
    return [_option(column, name, workspace) for name in _listed(column, value, "a list of option names")]


def _listed(column: Property, value: Any, wanted: str) -> Iterable[Any]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list | tuple):
        raise _refuse(column, value, wanted)
    return value


def _date(column: Property, value: Any, _workspace: Workspace) -> Json:
    wanted = "an ISO 8601 date such as '2024-03-19' or '2024-03-19/2024-03-21'"
    if isinstance(value, str):
        start, _, end = value.partition("/")
    elif isinstance(value, list | tuple) and len(value) == 2:
        start, end = (_iso(column, each, wanted) for each in value)
    else:
        start, end = _iso(column, value, wanted), ""
    for each in filter(None, (start, end)):
        try:
            datetime.fromisoformat(each)
        except ValueError:
            raise _refuse(column, value, wanted) from None
    if not start:
        raise _refuse(column, value, wanted)
    return {"start": start, "end": end or None}


def _iso(column: Property, value: Any, wanted: str) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    raise _refuse(column, value, wanted)


def _people(column: Property, value: Any, workspace: Workspace) -> Json:
    return [
        {"object": "user", "id": _person(column, who, workspace)}
        for who in _listed(column, value, "a list of people")
    ]


def _person(column: Property, who: Any, workspace: Workspace) -> str:
    for user in workspace.users.values():
        if who in (user.id, user.name, user.email):
            return user.id
    known = ", ".join(repr(user.name) for user in workspace.users.values())
    raise LookupError(f"column {column.name!r}: nobody is called {who!r}: use one of {known}")


def _files(column: Property, value: Any, _workspace: Workspace) -> Json:
    return [_file(column, url) for url in _listed(column, value, "a list of URLs")]


def _file(column: Property, url: Any) -> Json:
    if not isinstance(url, str):
        raise _refuse(column, url, "a list of URLs")
    return {"name": url.rstrip("/").rpartition("/")[2][:100] or url[:100], "external": {"url": url}}


def _relation(column: Property, value: Any, workspace: Workspace) -> Json:
    return [
        {"id": _related(column, each, workspace)} for each in _listed(column, value, "a list of row titles")
    ]


def _related(column: Property, wanted: Any, workspace: Workspace) -> str:
    """The id of a row of the related table, given by title, id, or anything that has an `id`."""
    id_ = getattr(wanted, "id", wanted)
    rows = [page for page in workspace.rows(column.config["data_source_id"]) if not page.trashed]
    found = [page.id for page in rows if page.id == id_]
    found = found or [page.id for page in rows if workspace.title(page.id) == wanted]
    if len(found) == 1:
        return found[0]
    titles = ", ".join(repr(workspace.title(page.id)) for page in rows)
    trouble = "several rows are" if found else "no row is"
    raise LookupError(f"column {column.name!r}: {trouble} called {wanted!r}: there are {titles}")


_WRITERS: Mapping[str, Callable[[Property, Any, Workspace], Json]] = {
    "title": _text,
    "rich_text": _text,
    "number": _number,
    "select": _option,
    "multi_select": _options,
    "status": _status,
    "date": _date,
    "people": _people,
    "files": _files,
    "checkbox": _checkbox,
    "url": _string,
    "email": _string,
    "phone_number": _string,
    "relation": _relation,
}


def row(page: Page, workspace: Workspace) -> dict[str, Json]:
    """What a page holds, plainly, by the names of its columns in their order."""
    return {column.name: values.plain(column, page, workspace) for column in workspace.columns(page)}


def equal(held: Json, wanted: Any) -> bool:
    """Whether a plain value is what somebody looks for.

    A list is also matched by one of its elements alone; True is not 1; dates may be date objects.
    """
    if isinstance(wanted, date):
        wanted = wanted.isoformat()
    if isinstance(held, list) and not isinstance(wanted, list | tuple):
        return wanted in held
    if isinstance(wanted, tuple):
        wanted = list(wanted)
    return bool(held == wanted) and isinstance(held, bool) == isinstance(wanted, bool)
