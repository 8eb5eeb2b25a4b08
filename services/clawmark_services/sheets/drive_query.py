"""Drive's search language: `'ID' in parents and name = 'x' and trashed = false`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from clawmark_services.sheets.access import role_of
from clawmark_services.sheets.errors import GoogleError, bad_parameter
from clawmark_services.sheets.store import DriveFile

Condition = Callable[[DriveFile], bool]

_DEPTH = 30


@cache
def _tokens_form() -> re.Pattern[str]:
    return re.compile(
        r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
        r"""|(?P<operator><=|>=|!=|=|<|>|\(|\)|\{|\})|(?P<word>[A-Za-z][A-Za-z]*))""",
        re.DOTALL,
    )


def _tokens(query: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    query = query.rstrip()
    while at < len(query):
        match = _tokens_form().match(query, at)
        if match is None or match.lastgroup is None:
            raise _bad_query()
        kind, text = match.lastgroup, match[match.lastgroup]
        tokens.append(
            (kind, re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if kind == "text" else text)
        )
        at = match.end()
    return tokens


def _bad_query() -> GoogleError:
    return bad_parameter("q")


def parse(query: str, root: str, owner: str) -> Condition:
    """The condition that a query states; `root` is the id that the alias `root` stands for, `owner` the
    address that `me` does.

    Raises Drive's 400 "Invalid Value".
    """
    parser = _Parser(_tokens(query), root, owner)
    condition = parser.either(0)
    parser.expect_end()
    return condition


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], root: str, owner: str) -> None:
        self._tokens = tokens
        self._at = 0
        self._root = root
        self._owner = owner

    def _take(self, kind: str | None = None) -> tuple[str, str]:
        if self._at >= len(self._tokens) or (kind and self._tokens[self._at][0] != kind):
            raise _bad_query()
        self._at += 1
        return self._tokens[self._at - 1]

    def _skip(self, text: str) -> bool:
        kind, found = self._tokens[self._at] if self._at < len(self._tokens) else ("text", "")
        if kind == "text" or found.lower() != text:
            return False
        self._at += 1
        return True

    def expect_end(self) -> None:
        if self._at != len(self._tokens):
            raise _bad_query()

    def either(self, depth: int) -> Condition:
        conditions = [self._all(depth)]
        while self._skip("or"):
            conditions.append(self._all(depth))
        return lambda file: any(condition(file) for condition in conditions)

    def _all(self, depth: int) -> Condition:
        conditions = [self._one(depth)]
        while self._skip("and"):
            conditions.append(self._one(depth))
        return lambda file: all(condition(file) for condition in conditions)

    def _one(self, depth: int) -> Condition:
        if depth > _DEPTH:
            raise _bad_query()
        if self._skip("not"):
            denied = self._one(depth + 1)
            return lambda file: not denied(file)
        if self._skip("("):
            condition = self.either(depth + 1)
            if not self._skip(")"):
                raise _bad_query()
            return condition
        kind, text = self._take()
        return self._member(text) if kind == "text" else self._term(text)

    def _member(self, value: str) -> Condition:
        """`'ID' in parents`, `'a@b' in owners`."""
        if not self._skip("in"):
            raise _bad_query()
        return _contains(self._take("word")[1], self._alias(value))

    def _term(self, field: str) -> Condition:
        """`name = 'x'`, and `parents in 'ID'`, which Drive takes as well."""
        if field == "sharedWithMe":
            return self._shared()
        if field in ("properties", "appProperties"):
            return self._has()
        if field in ("parents", "owners", "writers", "readers"):
            if not self._skip("in"):
                raise _bad_query()
            return _contains(field, self._alias(self._take("text")[1]))
        operator = self._take()[1].lower()
        kind, value = self._take()
        if field in ("trashed", "starred"):
            return _truth(field, operator, value, kind)
        if kind != "text":
            raise _bad_query()
        return _comparison(field, operator, value)

    def _shared(self) -> Condition:
        """`sharedWithMe`, alone or compared with a truth value: files of others."""
        wanted = True
        for sign in ("=", "!="):
            if self._skip(sign):
                wanted = (self._take("word")[1].lower() == "true") == (sign == "=")
        owner = self._owner
        return lambda file: wanted == (role_of(owner, file.permissions) not in (None, "owner"))

    def _has(self) -> Condition:
        """`properties has {key='a' and value='b'}`: no file here has custom properties."""
        for word in ("has", "{", "key", "="):
            if not self._skip(word):
                raise _bad_query()
        self._take("text")
        if self._skip("and") and not (self._skip("value") and self._skip("=") and self._take("text")):
            raise _bad_query()
        if not self._skip("}"):
            raise _bad_query()
        return lambda _: False

    def _alias(self, value: str) -> str:
        if value == "me":
            return self._owner
        return self._root if value == "root" else value


def _contains(collection: str, value: str) -> Condition:
    if collection == "parents":
        return lambda file: value in file.parents
    roles = {
        "owners": ("owner",),
        "writers": ("owner", "writer"),
        "readers": ("owner", "writer", "commenter", "reader"),
    }.get(collection)
    if roles is None:
        raise _bad_query()
    return lambda file: any(
        permission["role"] in roles and permission.get("emailAddress") == value
        for permission in file.permissions
    )


def _truth(field: str, operator: str, value: str, kind: str) -> Condition:
    if operator not in ("=", "!=") or kind != "word" or value.lower() not in ("true", "false"):
        raise _bad_query()
    wanted = (value.lower() == "true") == (operator == "=")
    return lambda file: getattr(file, field) is wanted


_FIELDS: dict[str, tuple[str, ...]] = {
    "name": ("=", "!=", "contains"),
    "title": ("=", "!=", "contains"),
    "mimeType": ("=", "!=", "contains"),
    "fullText": ("contains",),
    "modifiedTime": ("=", "!=", "<", "<=", ">", ">="),
    "createdTime": ("=", "!=", "<", "<=", ">", ">="),
    "viewedByMeTime": ("=", "!=", "<", "<=", ">", ">="),
    "sharedWithMeTime": ("=", "!=", "<", "<=", ">", ">="),
    "visibility": ("=", "!="),
}

_TIMES = {
    "modifiedTime": "modified",
    "createdTime": "created",
    "viewedByMeTime": "modified",
    "sharedWithMeTime": "created",
}
_VISIBILITIES = ("anyoneCanFind", "anyoneWithLink", "domainCanFind", "domainWithLink", "limited")

_ATTRIBUTES = {
    "name": "name",
    "title": "name",
    "fullText": "name",
    "mimeType": "mime_type",
}


def _comparison(field: str, operator: str, value: str) -> Condition:
    if operator not in _FIELDS.get(field, ()):
        raise _bad_query()
    if field in _TIMES:
        return _time(_TIMES[field], operator, value)
    if field == "visibility":
        return _visible(operator, value)
    attribute = _ATTRIBUTES[field]
    wanted = value.casefold()

    def compare(file: DriveFile) -> bool:
        text = str(getattr(file, attribute)).casefold()
        if operator == "contains":
            # Drive matches the beginnings of words in names, and the beginning of a type.
            return _has_word(text, wanted) if attribute == "name" else text.startswith(wanted)
        return (text == wanted) == (operator == "=")

    return compare


def _visible(operator: str, value: str) -> Condition:
    if value not in _VISIBILITIES:
        raise _bad_query()
    return lambda file: (_visibility(file) == value) == (operator == "=")


def _visibility(file: DriveFile) -> str:
    for permission in file.permissions:
        if permission["type"] in ("anyone", "domain"):
            how = "CanFind" if permission.get("allowFileDiscovery") else "WithLink"
            return f"{permission['type']}{how}"
    return "limited"


def _has_word(text: str, beginning: str) -> bool:
    return re.search(rf"(?:^|(?<=\W)|(?<=_)){re.escape(beginning)}", text) is not None


def _time(attribute: str, operator: str, value: str) -> Condition:
    moment = _moment(value)
    orders: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda one, other: one == other,
        "!=": lambda one, other: one != other,
        "<": lambda one, other: one < other,
        "<=": lambda one, other: one <= other,
        ">": lambda one, other: one > other,
        ">=": lambda one, other: one >= other,
    }
    return lambda file: orders[operator](_moment(getattr(file, attribute)), moment)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _bad_query() from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
