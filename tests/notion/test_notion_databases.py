from __future__ import annotations

import pytest

NEW = "2025-09-03"


def test_the_old_version_shows_columns_and_the_new_one_data_sources(office):
    made = office.database("Staff", Score={"number": {}})
    old = office.ok("GET", f"databases/{made['id']}")
    new = office.ok("GET", f"databases/{made['id']}", version=NEW)
    assert set(old["properties"]) == {"Name", "Score"}
    assert "data_sources" not in old
    assert "properties" not in new
    (source,) = new["data_sources"]
    assert source["name"] == "Staff"
    assert source["id"] != made["id"]
    assert new["created_time"].endswith("+00:00")
    shown = office.ok("GET", f"data_sources/{source['id']}", version=NEW)
    assert shown["parent"] == {"type": "database_id", "database_id": made["id"]}
    assert shown["database_parent"] == {"type": "page_id", "page_id": office.root}
    assert set(shown["properties"]) == {"Name", "Score"}


def test_rows_name_their_parent_as_the_version_does(office):
    staff = office.database()
    page = office.row(staff)
    assert page["parent"] == {"type": "database_id", "database_id": staff["id"]}
    new = office.ok("GET", f"pages/{page['id']}", version=NEW)
    assert new["parent"]["type"] == "data_source_id"
    assert new["parent"]["database_id"] == staff["id"]


def test_the_new_version_drops_top_level_columns_in_silence(office, spell):
    body = {
        "parent": {"type": "page_id", "page_id": office.root},
        "title": spell.words("A"),
        "properties": {"Lost": {"number": {}}},
    }
    made = office.ok("POST", "databases", body, version=NEW)
    source = office.ok("GET", f"data_sources/{made['data_sources'][0]['id']}", version=NEW)
    assert list(source["properties"]) == ["Name"]
    body["initial_data_source"] = {"properties": {"Title": {"title": {}}, "Kept": {"number": {}}}}
    made = office.ok("POST", "databases", body, version=NEW)
    source = office.ok("GET", f"data_sources/{made['data_sources'][0]['id']}", version=NEW)
    assert list(source["properties"]) == ["Title", "Kept"]


def test_each_version_queries_in_its_own_place(office):
    staff = office.database()
    office.row(staff, "Ada")
    source = office.ok("GET", f"databases/{staff['id']}", version=NEW)["data_sources"][0]["id"]
    old = office.ok("POST", f"databases/{staff['id']}/query", {})
    new = office.ok("POST", f"data_sources/{source}/query", {}, version=NEW)
    assert old["type"] == "page_or_database"
    assert new["type"] == "page_or_data_source"
    assert [page["id"] for page in old["results"]] == [page["id"] for page in new["results"]]
    for path, version in (
        (f"databases/{staff['id']}/query", NEW),
        (f"data_sources/{source}/query", "2022-06-28"),
    ):
        status, answer = office.send("POST", path, {}, version=version)
        assert (status, answer["code"]) == (400, "invalid_request_url")


def test_the_new_version_takes_rows_for_a_source_or_a_database_with_one(office, spell):
    staff = office.database()
    source = office.ok("GET", f"databases/{staff['id']}", version=NEW)["data_sources"][0]["id"]
    for parent in ({"data_source_id": source}, {"database_id": staff["id"]}):
        office.ok("POST", "pages", {"parent": parent, "properties": {"Name": spell.title("x")}}, version=NEW)
    assert office.names(staff) == ["x", "x"]
    status, answer = office.send("POST", "pages", {"parent": {"data_source_id": source}, "properties": {}})
    assert (status, answer["code"]) == (400, "validation_error")


def test_several_data_sources_are_too_many_for_the_old_version(office, spell):
    staff = office.database()
    body = {
        "parent": {"type": "database_id", "database_id": staff["id"]},
        "properties": {"Name": {"title": {}}},
        "title": spell.words("Second"),
    }
    second = office.ok("POST", "data_sources", body, version=NEW)
    named = office.ok("GET", f"databases/{staff['id']}", version=NEW)["data_sources"]
    assert [each["name"] for each in named] == ["Staff", "Second"]
    status, answer = office.send("GET", f"databases/{staff['id']}")
    assert (status, answer["code"]) == (400, "validation_error")
    assert answer["additional_data"]["error_type"] == "multiple_data_sources_for_database"
    gone = office.ok("PATCH", f"data_sources/{second['id']}", {"archived": True}, version=NEW)
    assert gone["archived"] is gone["in_trash"] is True


def test_columns_are_added_renamed_and_removed(office):
    staff = office.database("Staff", Score={"number": {}}, Old={"rich_text": {}})
    office.row(staff, Score={"number": 4}, Old={"rich_text": [{"text": {"content": "x"}}]})
    body = {
        "properties": {
            "Score": {"name": "Points", "number": {"format": "percent"}},
            "Old": None,
            "New": {"checkbox": {}},
        }
    }
    changed = office.ok("PATCH", f"databases/{staff['id']}", body)
    assert list(changed["properties"]) == ["Name", "Points", "New"]
    assert changed["properties"]["Points"]["number"] == {"format": "percent"}
    (row,) = office.ok("POST", f"databases/{staff['id']}/query", {})["results"]
    assert row["properties"]["Points"]["number"] == 4
    assert "Old" not in row["properties"]


def test_a_column_that_changes_its_type_keeps_what_it_can(office):
    staff = office.database("Staff", Score={"rich_text": {}})
    for text in ("12.5", "many"):
        office.row(staff, text, Score={"rich_text": [{"text": {"content": text}}]})
    office.ok("PATCH", f"databases/{staff['id']}", {"properties": {"Score": {"number": {}}}})
    rows = office.ok("POST", f"databases/{staff['id']}/query", {})["results"]
    assert [row["properties"]["Score"]["number"] for row in rows] == [None, 12.5]


def test_options_left_out_of_an_update_are_gone_from_the_rows_too(office):
    staff = office.database("Staff", Tags={"multi_select": {"options": [{"name": "a"}, {"name": "b"}]}})
    row = office.row(staff, Tags={"multi_select": [{"name": "a"}, {"name": "b"}]})
    kept = staff["properties"]["Tags"]["multi_select"]["options"][1]
    update = {
        "properties": {
            "Tags": {"multi_select": {"options": [{"id": kept["id"], "name": "bee"}, {"name": "c"}]}}
        }
    }
    changed = office.ok("PATCH", f"databases/{staff['id']}", update)
    options = changed["properties"]["Tags"]["multi_select"]["options"]
    assert [option["name"] for option in options] == ["bee", "c"]
    assert options[0]["id"] == kept["id"]
    held = office.ok("GET", f"pages/{row['id']}")["properties"]["Tags"]["multi_select"]
    assert [option["name"] for option in held] == ["bee"]


def test_statuses_have_groups_and_defaults(office):
    staff = office.database("Staff", State={"status": {}}, Own={"status": {"options": [{"name": "x"}]}})
    state = staff["properties"]["State"]["status"]
    assert [option["name"] for option in state["options"]] == ["Not started", "In progress", "Done"]
    assert [group["name"] for group in state["groups"]] == ["To-do", "In progress", "Complete"]
    assert state["groups"][2]["option_ids"] == [state["options"][2]["id"]]
    assert [option["name"] for option in staff["properties"]["Own"]["status"]["options"]] == ["x"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"Score": {"number": {}}}, "Title is not provided."),
        ({"A": {"title": {}}, "B": {"title": {}}}, "Cannot create more than one title property."),
        ({"A": {"title": {}}, "B": {"formula": {"expression": "nope("}}}, "Type error with formula"),
        ({"A": {"title": {}}, "B": {"rollup": {}}}, "body.properties.B.rollup.function should be"),
        ({"A": {"title": {}}, "B": {}}, "body failed validation. Fix one:"),
        ({"A": {"title": {}}, "B": {"type": ["x"]}}, "body.properties.B.type should be a string"),
        ({"A": {"title": {}}, "B": {"select": {"options": [{"name": "a,b"}]}}}, "commas not allowed: a,b"),
        ({"A": {"title": {}}, "B": {"select": {"options": [{"name": "a"}] * 2}}}, "the same name"),
        (
            {"A": {"title": {}}, "B": {"select": {"options": [{"name": "a", "color": "mauve"}]}}},
            "color should be",
        ),
    ],
)
def test_schemas_that_notion_refuses(office, columns, message):
    before = office.service.freeze()
    body = {"parent": {"page_id": office.root}, "properties": columns}
    assert message in office.refused("POST", "databases", body)
    assert office.service.freeze() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Name": None}, "Cannot delete title property."),
        ({"Nope": None}, "Nope is not a property that exists."),
        ({"Nope": {"name": "Other"}}, "Nope is not a property that exists."),
        ({"Score": {"name": "Name"}}, "already exists"),
        ({"Name": {"number": {}}}, "title property"),
        (
            {"Level": {"select": {"options": [{"name": "low", "color": "blue"}]}}},
            "Cannot update color of select",
        ),
    ],
)
def test_schema_changes_that_notion_refuses(office, change, message):
    staff = office.database("Staff", Score={"number": {}}, Level={"select": {"options": [{"name": "low"}]}})
    assert message in office.refused("PATCH", f"databases/{staff['id']}", {"properties": change})


def test_a_database_is_retitled_trashed_and_restored(office, spell):
    staff = office.database("Staff")
    row = office.row(staff)
    assert (
        spell.said(office.ok("PATCH", f"databases/{staff['id']}", {"title": spell.words("Team")})["title"])
        == "Team"
    )
    assert office.ok("GET", f"databases/{staff['id']}", version=NEW)["data_sources"][0]["name"] == "Team"
    assert office.ok("PATCH", f"databases/{staff['id']}", {"archived": True})["in_trash"] is True
    assert "archived ancestor" in office.refused("PATCH", f"pages/{row['id']}", {"icon": None})
    assert office.ok("PATCH", f"databases/{staff['id']}", {"archived": False})["in_trash"] is False
    block = office.ok("GET", f"blocks/{staff['id']}")
    assert (block["type"], block["child_database"]) == ("child_database", {"title": "Team"})


def test_a_page_is_no_database_and_the_other_way_round(office):
    staff = office.database()
    assert "is a page, not a database" in office.refused("GET", f"databases/{office.root}")
    assert "is a database, not a page" in office.refused("GET", f"pages/{staff['id']}")


def test_unique_ids_count_on_even_after_a_row_is_gone(office):
    staff = office.database("Staff")
    office.row(staff)
    changed = {"properties": {"No": {"unique_id": {"prefix": "T"}}}}
    office.ok("PATCH", f"databases/{staff['id']}", changed)
    second = office.row(staff)
    office.ok("DELETE", f"blocks/{second['id']}")
    third = office.row(staff)
    rows = office.ok("POST", f"databases/{staff['id']}/query", {})["results"]
    assert [row["properties"]["No"]["unique_id"]["number"] for row in rows] == [3, 1]
    assert third["properties"]["No"]["unique_id"] == {"prefix": "T", "number": 3}
