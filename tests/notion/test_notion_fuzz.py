"""Whatever is sent, in every version: an answer of Notion's, never a fault, and nothing of what is refused."""

from __future__ import annotations

import copy
import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawmark_services.notion.blocks import FIELDS
from clawmark_services.notion.routes import ROUTES
from clawmark_services.notion.values import KINDS
from clawmark_services.notion.wire import VERSIONS

EXAMPLES = int(os.environ.get("CLAWMARK_FUZZ_EXAMPLES", "0"))
"""How many histories to try, each time others; without it, the same few in every run."""

ID = "<id>"
"""Stands in a body for an id of the workspace."""

WORDS = (
    *FIELDS,
    *KINDS,
    *("equals", "contains", "is_empty", "before", "this_week", "any", "every", "string", "and", "or"),
    *("type", "name", "id", "options", "expression", "function", "external", "file_upload", "url", "emoji"),
    *("property", "direction", "ascending", "timestamp", "true", "title", "", "N", "Name", "F", "R", "null"),
)
TEXTS = st.one_of(
    st.sampled_from(WORDS),
    st.text(max_size=12),
    st.sampled_from(["2024-03-19", "9999-12-31T23:59:59+14:00", "0001-01-01", "x" * 2001, "\ud83d", "\x00"]),
    st.just(ID),
)
NUMBERS = st.one_of(
    st.integers(), st.floats(allow_nan=False), st.sampled_from([1e400, -1e400, 2**70, 1e-320])
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)

TEXT = [{"text": {"content": "x"}}]
FILTERS: list[Any] = [
    {"property": "N", "number": {"greater_than": 1}},
    {"property": "F", "formula": {"number": {"equals": 2}}},
    {"property": "R", "rollup": {"any": {"number": {"equals": 1}}}},
    {
        "and": [
            {"property": "D", "date": {"past_week": {}}},
            {"timestamp": "created_time", "created_time": {"before": "today"}},
        ]
    },
    {"property": "S", "select": {"equals": ["a"]}},
    {"property": "T", "status": {"does_not_equal": "Done"}},
    {"property": "P", "people": {"contains": ID}},
    {"property": "L", "relation": {"contains": ID}},
    {"property": "V", "verification": {"status": "none"}},
]
QUERY = {"filter": FILTERS[3], "sorts": [{"property": "N", "direction": "ascending"}], "page_size": 3}
SCHEMA: dict[str, Any] = {
    "Name": {"title": {}},
    "N": {"number": {"format": "dollar"}},
    "F": {"formula": {"expression": 'prop("N") * 2'}},
    "S": {"select": {"options": [{"name": "a", "color": "red"}]}},
    "M": {"multi_select": {}},
    "T": {"status": {}},
    "D": {"date": {}},
    "P": {"people": {}},
    "Files": {"files": {}},
    "V": {"verification": {}},
    "Place": {"place": {}},
    "No": {"unique_id": {"prefix": "A"}},
}
VALUES: dict[str, Any] = {
    "Name": {"title": TEXT},
    "N": {"number": 3},
    "S": {"select": {"name": "b"}},
    "M": {"multi_select": [{"name": "m"}]},
    "T": {"status": {"name": "Done"}},
    "D": {"date": {"start": "2024-03-19", "end": None, "time_zone": None}},
    "P": {"people": [{"id": ID}]},
    "L": {"relation": [{"id": ID}]},
    "Files": {"files": [{"name": "f", "external": {"url": "https://example.com"}}]},
    "V": {"verification": {"state": "verified", "date": {"start": "2024-01-01"}}},
    "Place": {"place": {"lat": 1, "lon": 2}},
}
CHILDREN: list[Any] = [
    {"paragraph": {"rich_text": TEXT, "color": "red"}},
    {"toggle": {"rich_text": TEXT, "children": [{"to_do": {"rich_text": TEXT, "checked": True}}]}},
    {"table": {"table_width": 1, "children": [{"table_row": {"cells": [TEXT]}}]}},
    {"image": {"external": {"url": "https://example.com/a.png"}, "caption": TEXT}},
    {"file": {"file_upload": {"id": ID}}},
    {"callout": {"rich_text": TEXT, "icon": {"emoji": "💡"}}},
    {"code": {"rich_text": TEXT, "language": "python"}},
    {"link_to_page": {"page_id": ID}},
    {"synced_block": {"synced_from": {"block_id": ID}}},
]
ROLLUP = {"relation_property_name": "L", "rollup_property_name": "N", "function": "sum"}
RELATION = {"data_source_id": ID, "dual_property": {}}
BODIES: dict[str, list[Any]] = {
    "pages.create": [
        {"parent": {"data_source_id": ID}, "properties": VALUES, "children": CHILDREN},
        {"parent": {"database_id": ID}, "properties": VALUES, "icon": {"emoji": "💡"}},
        {"parent": {"page_id": ID}, "properties": {"title": TEXT}, "markdown": "# a\n- b\n\t- c"},
    ],
    "pages.update": [
        {"properties": VALUES, "cover": {"external": {"url": "x"}}, "in_trash": False, "is_locked": True}
    ],
    "pages.move": [{"parent": {"page_id": ID}}, {"parent": {"data_source_id": ID}}],
    "pages.markdown.update": [
        {"type": "insert_content", "insert_content": {"content": "**a** | b", "after": "x"}},
        {"type": "update_content", "update_content": {"content_updates": [{"old_str": "x", "new_str": "y"}]}},
        {"type": "replace_content", "replace_content": {"new_str": "a", "allow_deleting_content": True}},
    ],
    "databases.create": [
        {"parent": {"page_id": ID}, "title": TEXT, "properties": SCHEMA},
        {"parent": {"page_id": ID}, "initial_data_source": {"properties": SCHEMA}, "is_inline": True},
    ],
    "databases.update": [
        {"title": TEXT, "properties": {"N": {"name": "Q"}, "S": {"select": {"options": []}}}}
    ],
    "databases.query": [{**QUERY, "filter": each} for each in FILTERS],
    "data_sources.create": [{"parent": {"database_id": ID}, "properties": SCHEMA, "title": TEXT}],
    "data_sources.update": [
        {"properties": {"L": {"relation": RELATION}, "R": {"rollup": ROLLUP}, "M": None}}
    ],
    "data_sources.query": [{**QUERY, "filter": each} for each in FILTERS],
    "blocks.update": [{"paragraph": {"rich_text": TEXT}}, {"in_trash": True}],
    "blocks.children.append": [{"children": CHILDREN, "position": {"type": "end"}}],
    "search": [
        {
            "query": "a",
            "filter": {"property": "object", "value": "page"},
            "sort": {"timestamp": "last_edited_time", "direction": "ascending"},
        }
    ],
    "comments.create": [
        {"parent": {"page_id": ID}, "rich_text": TEXT},
        {"discussion_id": ID, "markdown": "*a*"},
    ],
    "comments.update": [{"rich_text": TEXT}],
    "views.create": [
        {"data_source_id": ID, "name": "v", "type": "table", **{k: QUERY[k] for k in ("filter", "sorts")}}
    ],
    "views.update": [{"name": "w", "filter": FILTERS[0], "quick_filters": {"N": {"number": {"equals": 1}}}}],
    "views.queries.create": [{"page_size": 2}],
    "file_uploads.create": [
        {"filename": "a.txt"},
        {"mode": "multi_part", "filename": "a", "number_of_parts": 2},
    ],
    "oauth.token": [{"grant_type": "refresh_token", "refresh_token": "x"}],
    "oauth.introspect": [{"token": "x"}],
    "oauth.revoke": [{"token": "x"}],
}
"""Requests that are granted, or nearly: what is sent are these with parts of them replaced."""


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a body."""
    if isinstance(value, dict):
        return [at, *(place for key in value for place in places(value[key], (*at, key)))]
    if isinstance(value, list):
        return [at, *(place for index, each in enumerate(value) for place in places(each, (*at, index)))]
    return [at]


@st.composite
def requests(draw: st.DrawFn) -> tuple[Any, Any, int, list[int]]:
    """A route, a body with up to two parts replaced, and which ids to put into it."""
    route = draw(st.sampled_from(ROUTES))
    body = copy.deepcopy(draw(st.sampled_from(BODIES.get(route.name, [{}]))))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.sampled_from(places(body)))
        new = draw(JSON)
        if not place:
            body = new
            continue
        inner = body
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = new
    return route, body, draw(st.integers(0, 30)), draw(st.lists(st.integers(0, 40), min_size=3, max_size=3))


def furnished(office: Any) -> dict[str, str]:
    """A workspace with something of everything; the ids that fit each part of a path."""
    database = office.ok("POST", "databases", {"parent": {"page_id": office.root}, "properties": SCHEMA})
    (source,) = office.ok("GET", f"databases/{database['id']}", version=VERSIONS[1])["data_sources"]
    columns = {
        "L": {"relation": {"data_source_id": source["id"], "single_property": {}}},
        "R": {"rollup": ROLLUP},
    }
    office.ok("PATCH", f"data_sources/{source['id']}", {"properties": columns}, version=VERSIONS[1])
    row = office.ok(
        "POST", "pages", {"parent": {"database_id": database["id"]}, "properties": {"N": {"number": 1}}}
    )
    office.ok("PATCH", f"pages/{row['id']}", {"properties": {"L": {"relation": [{"id": row["id"]}]}}})
    blocks = {"children": [{"paragraph": {"rich_text": TEXT}}]}
    (block,) = office.ok("PATCH", f"blocks/{row['id']}/children", blocks)["results"]
    comment = office.ok("POST", "comments", {"parent": {"page_id": row["id"]}, "rich_text": TEXT})
    (view,) = office.ok("GET", f"views?database_id={database['id']}", version=VERSIONS[1])["results"]
    query = office.ok("POST", f"views/{view['id']}/queries", {}, version=VERSIONS[1])
    upload = office.ok("POST", "file_uploads", {"filename": "a.txt"})
    return {
        "page_id": row["id"],
        "block_id": block["id"],
        "database_id": database["id"],
        "data_source_id": source["id"],
        "comment_id": comment["id"],
        "view_id": view["id"],
        "query_id": query["id"],
        "file_upload_id": upload["id"],
        "upload_id": upload["id"],
        "user_id": office.ok("GET", "users/me")["id"],
        "property_id": "N",
        "workspace_id": office.root,
        "task_id": "task_" + "0" * 32,
        "name": "a.txt",
    }


@pytest.mark.parametrize("version", VERSIONS)
@settings(
    max_examples=EXAMPLES or 150,
    deadline=None,
    derandomize=not EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(asked=st.lists(requests(), min_size=1, max_size=4))
def test_any_request_is_answered(new_office: Any, version: str, asked: list[Any]) -> None:
    office = new_office(version=VERSIONS[0])
    ids = furnished(office)
    known = list(ids.values())
    for route, body, turn, picks in asked:
        path = route.path
        for number, (name, id_) in enumerate(ids.items()):
            wrong = known[picks[0] % len(known)] if turn == number else id_
            path = path.replace(f"<{name}>", wrong)
        text = json.dumps(body)
        for pick in picks:
            text = text.replace(ID, known[pick % len(known)], 1)
        before = office.service.freeze()
        response = office.http.open(
            path,
            method=route.method,
            data=text,
            headers={"Authorization": f"Bearer {office.token}", "Notion-Version": version},
            content_type="application/json",
        )
        assert response.status_code < 500
        if response.status_code >= 400:
            assert office.service.freeze() == before, (route.name, text)
    state = office.service.freeze()
    office.service.restore(json.loads(json.dumps(state)))
    assert office.service.freeze() == state
    ask = {"Authorization": f"Bearer {office.token}", "Notion-Version": VERSIONS[1]}
    for each in office.http.post("/v1/search", json={}, headers=ask).json["results"]:
        assert office.http.get(f"/v1/{each['object']}s/{each['id']}", headers=ask).status_code == 200
