"""Views and their queries, moving pages, single comments, OAuth, versions, and how numbers are printed."""

from __future__ import annotations

import base64
import json
from datetime import datetime

import pytest

from clawmark_services.notion.javascript import js_json, js_text

NEW = "2025-09-03"
NEWEST = "2026-03-11"


@pytest.fixture
def table(office):
    """A table with a few rows, its only data source, and its default view."""
    table = office.database("t", N={"number": {}})
    for number in range(5):
        office.row(table, f"r{number}", N={"number": number})
    (source,) = office.ok("GET", f"databases/{table['id']}", version=NEW)["data_sources"]
    (view,) = office.ok("GET", f"views?database_id={table['id']}", version=NEW)["results"]
    return {**table, "source": source["id"], "view": view["id"]}


def viewed(office, table, **more):
    body = {"data_source_id": table["source"], "name": "V", "type": "table", **more}
    return office.ok("POST", "views", body, version=NEW)


def test_a_view_shows_what_its_filter_and_sorts_say(office, table):
    large = {"property": "N", "number": {"greater_than": 1}}
    sorts = [{"property": "N", "direction": "descending"}]
    view = viewed(office, table, filter=large, sorts=sorts)
    assert (view["filter"], view["sorts"], view["configuration"]) == (large, sorts, {"type": "table"})
    query = office.ok("POST", f"views/{view['id']}/queries", {"page_size": 2}, version=NEW)
    assert (query["total_count"], query["has_more"], len(query["results"])) == (3, True, 2)
    path = f"views/{view['id']}/queries/{query['id']}"
    rest = office.ok("GET", f"{path}?start_cursor={query['next_cursor']}", version=NEW)
    shown = [page["id"] for page in query["results"] + rest["results"]]
    titles = [office.ok("GET", f"pages/{id_}")["properties"]["N"]["number"] for id_ in shown]
    assert titles == [4, 3, 2]
    assert office.ok("DELETE", path, version=NEW)["deleted"] is True
    assert office.send("GET", path, version=NEW)[0] == 404


def test_a_query_of_a_view_expires(office, table):
    query = office.ok("POST", f"views/{table['view']}/queries", {}, version=NEW)
    path = f"views/{table['view']}/queries/{query['id']}"
    assert len(office.ok("GET", path, version=NEW)["results"]) == 5
    office.clock.set(datetime.fromisoformat("2024-03-19T09:30+08:00"), "tuesday")
    assert office.send("GET", path, version=NEW)[0] == 404


def test_a_view_outlives_the_columns_that_it_names(office, table):
    view = viewed(
        office,
        table,
        filter={"property": "N", "number": {"equals": 1}},
        sorts=[{"property": "N", "direction": "ascending"}],
        quick_filters={"Name": {"title": {"is_not_empty": True}}},
    )
    office.ok("PATCH", f"databases/{table['id']}", {"properties": {"N": None}})
    query = office.ok("POST", f"views/{view['id']}/queries", {}, version=NEW)
    assert query["total_count"] == 5
    changed = office.ok("PATCH", f"views/{view['id']}", {"quick_filters": {"Name": None}}, version=NEW)
    assert changed["quick_filters"] is None


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"type": "mirror"}, "body.type"),
        ({"filter": {"property": "X", "number": {"equals": 1}}}, "Could not find property"),
        ({"sorts": [{"property": "X", "direction": "ascending"}]}, "Could not find property"),
        ({"configuration": {"type": "board"}}, "body.configuration.type"),
        ({"quick_filters": {"N": {"number": 3}}}, "body.quick_filters.N"),
        ({"name": None}, "body.name"),
    ],
)
def test_views_that_are_refused(office, table, body, complaint):
    whole = {"data_source_id": table["source"], "name": "V", "type": "table", **body}
    assert complaint in office.refused("POST", "views", whole, version=NEW)


def test_views_do_not_exist_in_the_old_version(office, table):
    assert office.send("GET", f"views/{table['view']}")[1]["code"] == "invalid_request_url"


def test_a_page_moves_with_all_it_contains(office, table, spell):
    root = {"page_id": office.root}
    one = office.ok("POST", "pages", {"parent": root, "properties": spell.title("one")})
    two = office.ok("POST", "pages", {"parent": root, "properties": spell.title("two")})
    office.ok("PATCH", f"blocks/{one['id']}/children", {"children": [spell.paragraph("inside")]})
    moved = office.ok("POST", f"pages/{one['id']}/move", {"parent": {"page_id": two["id"]}}, version=NEW)
    assert moved["parent"]["page_id"] == two["id"]
    assert one["id"] not in [
        each["id"] for each in office.ok("GET", f"blocks/{office.root}/children")["results"]
    ]
    assert office.view.page("one").text == "inside"
    into_itself = {"parent": {"page_id": one["id"]}}
    assert "into itself" in office.refused("POST", f"pages/{two['id']}/move", into_itself)
    assert office.send("POST", f"pages/{office.root}/move", {"parent": {"page_id": two["id"]}})[0] == 400


def test_a_page_becomes_a_row_and_a_row_a_page(office, table, spell, new_office):
    page = office.ok(
        "POST", "pages", {"parent": {"page_id": office.root}, "properties": spell.title("early")}
    )
    office.row(table, "late")
    into = {"parent": {"data_source_id": table["source"]}}
    row = office.ok("POST", f"pages/{page['id']}/move", into, version=NEW)
    assert spell.said(row["properties"]["Name"]["title"]) == "early"
    assert "early" in office.names(table)
    twin = new_office(seed=office.seed)
    twin.service.restore(office.service.freeze())
    assert twin.names(table) == office.names(table)
    back = office.ok("POST", f"pages/{page['id']}/move", {"parent": {"page_id": office.root}}, version=NEW)
    assert list(back["properties"]) == ["title"]
    assert "early" not in office.names(table)


def test_a_single_comment_is_read_changed_and_deleted(office, spell):
    body = {"parent": {"page_id": office.root}, "markdown": "is **important**"}
    custom = {"display_name": {"type": "custom", "custom": {"name": "Bot 7"}}}
    made = office.ok("POST", "comments", body | custom)
    assert [run["annotations"]["bold"] for run in made["rich_text"]] == [False, True]
    assert made["display_name"] == {"type": "custom", "resolved_name": "Bot 7"}
    path = f"comments/{made['id']}"
    office.ok("PATCH", path, {"rich_text": spell.words("changed")})
    assert spell.said(office.ok("GET", path)["rich_text"]) == "changed"
    office.ok("DELETE", path)
    status, answer = office.send("GET", path)
    assert (status, answer["code"]) == (404, "object_not_found")
    assert office.ok("GET", f"comments?block_id={office.root}")["results"] == []


def test_oauth_refuses_in_its_own_words(office):
    basic = {"Authorization": "Basic " + base64.b64encode(b"id:secret").decode()}
    grant = {"grant_type": "authorization_code", "code": "x"}
    assert office.send("POST", "oauth/token", grant, headers=basic)[1]["error"] == "invalid_grant"
    assert office.send("POST", "oauth/token", grant, headers={"Authorization": "Basic x"})[0] == 401
    assert office.send("POST", "oauth/token", {}, headers=basic)[0] == 400
    known = office.send("POST", "oauth/introspect", {"token": office.token}, headers=basic)[1]
    assert known["active"] is True
    assert office.send("POST", "oauth/introspect", {"token": "x"}, headers=basic)[1]["active"] is False
    assert office.send("POST", "oauth/revoke", {"token": "x"}, headers=basic)[0] == 200
    assert office.send("POST", "oauth/revoke", {"token": office.token}, headers=basic)[0] == 400


def test_the_newest_version_knows_the_trash_by_one_name(office, table, spell):
    page = office.ok("POST", "pages", {"parent": {"page_id": office.root}, "properties": {}}, version=NEWEST)
    assert "archived" not in page
    assert page["in_trash"] is False
    path = f"pages/{page['id']}"
    refused = office.refused("PATCH", path, {"archived": True}, version=NEWEST)
    assert "body.archived should be not present" in refused
    block = f"blocks/{page['id']}"
    assert "body.archived should be not present" in office.refused(
        "PATCH", block, {"archived": True}, version=NEWEST
    )
    assert office.ok("PATCH", path, {"in_trash": True}, version=NEWEST)["in_trash"] is True
    for each in ("databases/" + table["id"], "data_sources/" + table["source"], "blocks/" + office.root):
        assert "archived" not in office.ok("GET", each, version=NEWEST)
    rows = office.ok("POST", f"data_sources/{table['source']}/query", {}, version=NEWEST)["results"]
    assert all("archived" not in row for row in rows)
    after = {"children": [spell.paragraph("x")], "after": office.root}
    assert "body.after should be not present" in office.refused(
        "PATCH", f"blocks/{office.root}/children", after, version=NEWEST
    )


def test_templates_and_custom_emoji_are_lists_of_nothing(office, table):
    answer = office.ok("GET", f"data_sources/{table['source']}/templates", version=NEW)
    assert answer == {"templates": [], "has_more": False, "next_cursor": None}
    assert office.ok("GET", "custom_emojis", version=NEW)["results"] == []


@pytest.mark.parametrize(
    ("number", "printed"),
    [
        (189.0, "189"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (-0.00001, "-0.00001"),
        (5e-324, "5e-324"),
    ],
)
def test_numbers_print_as_javascript_prints_them(office, number, printed):
    assert js_text(number) == printed
    assert (
        js_json({"text": "1e-07", "n": [number]}) == '{"text":"1e-07","n":[' + printed + "]}" or number >= 1
    )
    table = office.database("t", N={"number": {}})
    row = office.row(table, "r", N={"number": number})
    headers = {"Authorization": f"Bearer {office.token}", "Notion-Version": office.version}
    text = office.http.get(f"/v1/pages/{row['id']}", headers=headers).text
    assert f'"number":{printed}' in text
    assert json.loads(text)["properties"]["N"]["number"] == pytest.approx(number)
