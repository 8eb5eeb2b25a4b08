from __future__ import annotations

import pytest

EVERY_TYPE = {
    "Text": {"rich_text": {}},
    "Score": {"number": {"format": "percent"}},
    "Level": {"select": {"options": [{"name": "low", "color": "red"}]}},
    "Tags": {"multi_select": {}},
    "State": {"status": {}},
    "Due": {"date": {}},
    "Who": {"people": {}},
    "Papers": {"files": {}},
    "Done": {"checkbox": {}},
    "Site": {"url": {}},
    "Mail": {"email": {}},
    "Phone": {"phone_number": {}},
    "Made": {"created_time": {}},
    "Maker": {"created_by": {}},
    "Edited": {"last_edited_time": {}},
    "Editor": {"last_edited_by": {}},
    "No": {"unique_id": {"prefix": "HR"}},
}


@pytest.fixture
def staff(office):
    return office.database("Staff", **EVERY_TYPE)


def test_a_row_without_values_shows_every_column_unset(office, staff):
    held = office.row(staff)["properties"]
    unset = {name: held[name][held[name]["type"]] for name in EVERY_TYPE}
    assert unset["Text"] == unset["Tags"] == unset["Who"] == unset["Papers"] == []
    assert unset["Done"] is False
    for name in ("Score", "Level", "Due", "Site", "Mail", "Phone"):
        assert unset[name] is None, name
    assert unset["State"]["name"] == "Not started"
    assert unset["No"] == {"prefix": "HR", "number": 1}
    assert unset["Made"] == "2024-03-19T01:00:00.000Z"
    assert unset["Maker"]["name"] == "Office Assistant"
    assert held["Name"]["id"] == "title"


def test_values_come_back_whole(office, staff, spell):
    person = office.ok("GET", "users")["results"][1]
    values = {
        "Text": {"rich_text": [{"text": {"content": "bold"}, "annotations": {"bold": True}}]},
        "Score": {"number": 189.0},
        "Level": {"select": {"name": "low"}},
        "Tags": {"multi_select": [{"name": "a"}, {"name": "b"}, {"name": "a"}]},
        "State": {"status": {"name": "Done"}},
        "Due": {"date": {"start": "2024-03-20", "end": "2024-03-21T10:00:00+08:00"}},
        "Who": {"people": [{"id": person["id"]}]},
        "Papers": {"files": [{"name": "cv", "external": {"url": "https://files.example/cv.pdf"}}]},
        "Done": {"checkbox": True},
        "Site": {"url": "https://example.com"},
        "Mail": {"email": "a@b.example"},
        "Phone": {"phone_number": "+1 2"},
    }
    page = office.row(staff, "Ada", **values)
    held = office.ok("GET", f"pages/{page['id']}")["properties"]
    assert held["Text"]["rich_text"] == [
        {
            "type": "text",
            "text": {"content": "bold", "link": None},
            "annotations": {
                "bold": True,
                "italic": False,
                "strikethrough": False,
                "underline": False,
                "code": False,
                "color": "default",
            },
            "plain_text": "bold",
            "href": None,
        }
    ]
    assert held["Score"]["number"] == 189
    assert held["Level"]["select"].keys() == {"id", "name", "color"}
    assert held["Level"]["select"]["color"] == "red"
    assert [option["name"] for option in held["Tags"]["multi_select"]] == ["a", "b"]
    assert held["State"]["status"]["name"] == "Done"
    assert held["Due"]["date"] == {
        "start": "2024-03-20",
        "end": "2024-03-21T10:00:00.000+08:00",
        "time_zone": None,
    }
    assert held["Who"]["people"] == [person]
    assert held["Papers"]["files"] == [
        {"name": "cv", "type": "external", "external": {"url": "https://files.example/cv.pdf"}}
    ]
    assert held["Done"]["checkbox"] is True
    assert held["Site"]["url"] == "https://example.com"
    assert spell.said(held["Name"]["title"]) == "Ada"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"start": "2024-03-19T09:00:00"}, "2024-03-19T09:00:00.000+00:00"),
        ({"start": "2024-03-19T09:00:00Z"}, "2024-03-19T09:00:00.000+00:00"),
        ({"start": "2024-03-19T09:00:00-04:00"}, "2024-03-19T09:00:00.000-04:00"),
        ({"start": "2024-03-19T09:00:00", "time_zone": "Asia/Tokyo"}, "2024-03-19T09:00:00.000+09:00"),
        ({"start": "2024-03-19"}, "2024-03-19"),
    ],
)
def test_moments_print_with_milliseconds_and_an_offset(office, staff, sent, shown):
    held = office.row(staff, Due={"date": sent})["properties"]["Due"]["date"]
    assert held == {"start": shown, "end": None, "time_zone": sent.get("time_zone")}


def test_numbers_print_as_javascript_prints_them(office, staff):
    page = office.row(staff, Score={"number": 189.0})
    answer = office.http.get(
        f"/v1/pages/{page['id']}",
        headers={"Authorization": f"Bearer {office.token}", "Notion-Version": "2022-06-28"},
    )
    assert '"number":189}' in answer.text


def test_a_page_can_be_sent_back_as_it_came(office, staff):
    person = office.ok("GET", "users")["results"][0]
    page = office.row(staff, Text={"rich_text": [{"text": {"content": "x"}}]}, Who={"people": [person]})
    writable = {
        name: value
        for name, value in page["properties"].items()
        if value["type"]
        not in ("created_time", "created_by", "last_edited_time", "last_edited_by", "unique_id")
    }
    again = office.ok("PATCH", f"pages/{page['id']}", {"properties": writable})
    assert {name: again["properties"][name] for name in writable} == writable


def test_null_and_empty_lists_clear_values(office, staff):
    page = office.row(
        staff, Score={"number": 1}, Tags={"multi_select": [{"name": "a"}]}, Done={"checkbox": True}
    )
    cleared = {
        "Score": {"number": None},
        "Tags": {"multi_select": []},
        "Done": {"checkbox": False},
        "State": {"status": None},
    }
    held = office.ok("PATCH", f"pages/{page['id']}", {"properties": cleared})["properties"]
    assert held["Score"]["number"] is None
    assert held["Tags"]["multi_select"] == []
    assert held["Done"]["checkbox"] is False
    assert held["State"]["status"]["name"] == "Not started"


def test_properties_are_addressed_by_name_or_id_and_titles_may_be_bare(office, staff, spell):
    column = office.ok("GET", f"databases/{staff['id']}")["properties"]["Score"]["id"]
    body = {
        "parent": {"database_id": staff["id"]},
        "properties": {column: {"number": 3}, "title": spell.words("Bo")},
    }
    held = office.ok("POST", "pages", body)["properties"]
    assert held["Score"]["number"] == 3
    assert spell.said(held["Name"]["title"]) == "Bo"


def test_an_unknown_option_is_made_for_select_but_refused_for_status(office, staff):
    office.row(staff, Level={"select": {"name": "high"}})
    options = office.ok("GET", f"databases/{staff['id']}")["properties"]["Level"]["select"]["options"]
    assert [option["name"] for option in options] == ["low", "high"]
    page = office.row(staff)
    message = office.refused(
        "PATCH", f"pages/{page['id']}", {"properties": {"State": {"status": {"name": "Odd"}}}}
    )
    assert message == 'Invalid status option. Status option "Odd" does not exist".'


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Nope": {"number": 1}}, "Nope is not a property that exists."),
        ({"Score": {"rich_text": []}}, "Score is expected to be number."),
        (
            {"Score": {"number": "3"}},
            'body failed validation: body.properties.Score.number should be a number, instead was `"3"`.',
        ),
        (
            {"Text": {"rich_text": "x"}},
            'body failed validation: body.properties.Text.rich_text should be an array, instead was `"x"`.',
        ),
        (
            {"Text": {"rich_text": [{"text": {"content": "x" * 2001}}]}},
            (
                "body failed validation: body.properties.Text.rich_text[0].text.content.length should be "
                "≤ `2000`, instead was `2001`."
            ),
        ),
        (
            {"Text": {"rich_text": [{"text": {"content": "x"}}] * 101}},
            "body failed validation: body.properties.Text.rich_text.length should be ≤ `100`, instead was `101`.",
        ),
        (
            {"Due": {"date": {"start": "tomorrow"}}},
            (
                "body failed validation: body.properties.Due.date.start should be a valid ISO 8601 date string, "
                'instead was `"tomorrow"`.'
            ),
        ),
        (
            {"Due": {"date": {"start": "2024-03-19T09:00", "time_zone": "Mars/Base"}}},
            (
                "body failed validation: body.properties.Due.date.time_zone should be a valid time zone, "
                'instead was `"Mars/Base"`.'
            ),
        ),
        ({"Level": {"select": {"name": "a, b"}}}, "Invalid select option, commas not allowed: a, b"),
    ],
)
def test_bad_values_are_refused_in_notions_words_and_change_nothing(office, staff, properties, message):
    before = office.service.freeze()
    body = {"parent": {"database_id": staff["id"]}, "properties": properties}
    assert office.refused("POST", "pages", body) == message
    assert office.service.freeze() == before


def test_a_length_is_counted_in_utf_16_units(office, staff):
    office.row(staff, Text={"rich_text": [{"text": {"content": "😀" * 1000}}]})
    body = {
        "parent": {"database_id": staff["id"]},
        "properties": {"Text": {"rich_text": [{"text": {"content": "😀" * 1001}}]}},
    }
    assert "instead was `2002`" in office.refused("POST", "pages", body)


@pytest.mark.parametrize("kind", ["created_time", "last_edited_by", "unique_id"])
def test_computed_values_cannot_be_written(office, staff, kind):
    name = {"created_time": "Made", "last_edited_by": "Editor", "unique_id": "No"}[kind]
    body = {"parent": {"database_id": staff["id"]}, "properties": {name: {kind: "x"}}}
    assert "should be not present" in office.refused("POST", "pages", body)


def test_a_refused_write_with_a_new_option_leaves_no_option_behind(office, staff):
    body = {
        "parent": {"database_id": staff["id"]},
        "properties": {"Level": {"select": {"name": "brand new"}}, "Nope": {"number": 1}},
    }
    office.refused("POST", "pages", body)
    options = office.ok("GET", f"databases/{staff['id']}")["properties"]["Level"]["select"]["options"]
    assert [option["name"] for option in options] == ["low"]


def test_archiving_and_restoring_a_row(office, staff):
    page = office.row(staff, "Ada")
    gone = office.ok("PATCH", f"pages/{page['id']}", {"archived": True})
    assert gone["archived"] is gone["in_trash"] is gone["is_archived"] is True
    assert office.names(staff) == []
    message = office.refused("PATCH", f"pages/{page['id']}", {"properties": {"Score": {"number": 1}}})
    assert message == "Can't edit block that is archived. You must unarchive the block before editing."
    back = office.ok("PATCH", f"pages/{page['id']}", {"in_trash": False})
    assert back["archived"] is False
    assert office.names(staff) == ["Ada"]


def test_what_lies_below_a_trashed_page_cannot_be_edited(office, spell):
    above = office.ok(
        "POST", "pages", {"parent": {"page_id": office.root}, "properties": {"title": spell.words("A")}}
    )
    below = office.ok(
        "POST", "pages", {"parent": {"page_id": above["id"]}, "properties": {"title": spell.words("B")}}
    )
    office.ok("PATCH", f"pages/{above['id']}", {"archived": True})
    assert "archived ancestor" in office.refused("PATCH", f"pages/{below['id']}", {"icon": None})


def test_the_root_page_cannot_be_trashed(office):
    message = office.refused("DELETE", f"blocks/{office.root}")
    assert message == "Archiving workspace level pages via API not supported."


def test_icons_and_covers_are_set_and_removed(office, spell):
    body = {
        "parent": {"page_id": office.root},
        "properties": {"title": spell.words("A")},
        "icon": {"emoji": "🔥"},
    }
    page = office.ok("POST", "pages", body)
    assert page["icon"] == {"type": "emoji", "emoji": "🔥"}
    cover = {"cover": {"external": {"url": "https://example.com/a.png"}}, "icon": None}
    changed = office.ok("PATCH", f"pages/{page['id']}", cover)
    assert changed["cover"] == {"type": "external", "external": {"url": "https://example.com/a.png"}}
    assert changed["icon"] is None


def test_the_property_item_endpoint_wraps_texts_in_a_list(office, staff, spell):
    values = {"Text": {"rich_text": spell.words("a") + spell.words("b")}, "Score": {"number": 2}}
    page = office.row(staff, "Ada", **values)
    number = office.ok("GET", f"pages/{page['id']}/properties/{page['properties']['Score']['id']}")
    assert (number["object"], number["type"], number["number"]) == ("property_item", "number", 2)
    where = f"pages/{page['id']}/properties/{page['properties']['Text']['id']}"
    first = office.ok("GET", f"{where}?page_size=1")
    assert first["type"] == "property_item"
    assert first["property_item"]["type"] == "rich_text"
    assert [item["rich_text"]["plain_text"] for item in first["results"]] == ["a"]
    second = office.ok("GET", f"{where}?start_cursor={first['next_cursor']}")
    assert [item["rich_text"]["plain_text"] for item in second["results"]] == ["b"]
    assert (
        office.ok("GET", f"pages/{page['id']}/properties/title")["results"][0]["title"]["plain_text"] == "Ada"
    )


def test_filter_properties_limits_a_page(office, staff):
    page = office.row(staff)
    score = page["properties"]["Score"]["id"]
    for query in (
        f"filter_properties={score}",
        f"filter_properties[]={score}",
        f"filter_properties={score}&filter_properties={score}",
    ):
        assert list(office.ok("GET", f"pages/{page['id']}?{query}")["properties"]) == ["Score"]
    assert len(office.ok("GET", f"pages/{page['id']}?filter_properties=")["properties"]) == 18


def test_ids_come_dashed_or_not_and_go_out_dashed(office, spell):
    bare = office.root.replace("-", "").upper()
    page = office.ok(
        "POST", "pages", {"parent": {"page_id": bare}, "properties": {"title": spell.words("A")}}
    )
    assert page["parent"] == {"type": "page_id", "page_id": office.root}
    assert office.ok("GET", f"pages/{page['id'].replace('-', '')}")["id"] == page["id"]


def test_relations_hold_rows_that_exist(office, staff, spell):
    ada = office.row(staff, "Ada")
    tasks = office.database("Tasks", Owner={"relation": {"database_id": staff["id"], "single_property": {}}})
    row = office.row(tasks, Owner={"relation": [{"id": ada["id"]}]})
    assert row["properties"]["Owner"]["relation"] == [{"id": ada["id"]}]
    assert row["properties"]["Owner"]["has_more"] is False
    held = {"filter": {"property": "Owner", "relation": {"contains": ada["id"]}}}
    assert len(office.ok("POST", f"databases/{tasks['id']}/query", held)["results"]) == 1
    free = {"filter": {"property": "Owner", "relation": {"does_not_contain": ada["id"]}}}
    assert office.ok("POST", f"databases/{tasks['id']}/query", free)["results"] == []
    ghost = {"relation": [{"id": "00000000-0000-0000-0000-000000000000"}]}
    status, answer = office.send("PATCH", f"pages/{row['id']}", {"properties": {"Owner": ghost}})
    assert (status, answer["code"]) == (404, "object_not_found")


@pytest.mark.parametrize(
    ("parent", "message"),
    [
        (
            {},
            "body failed validation. Fix one:\nbody.parent.page_id should be defined, instead was `undefined`.",
        ),
        ({"page_id": "x"}, 'body.parent.page_id should be a valid uuid, instead was `"x"`.'),
        ({"workspace": True}, "Internal integrations"),
        ("root", 'body.parent should be an object, instead was `"root"`.'),
    ],
)
def test_a_page_needs_a_good_parent(office, parent, message):
    assert message in office.refused("POST", "pages", {"parent": parent, "properties": {}})


def test_a_new_page_carries_its_nested_children(office, spell):
    body = {
        "parent": {"page_id": office.root},
        "properties": {"title": {"title": spell.words("Plan")}},
        "children": [spell.paragraph("outer", children=[spell.paragraph("inner")])],
    }
    page = office.ok("POST", "pages", body)
    (outer,) = office.ok("GET", f"blocks/{page['id']}/children")["results"]
    assert outer["has_children"] is True
    (inner,) = office.ok("GET", f"blocks/{outer['id']}/children")["results"]
    assert spell.said(inner["paragraph"]["rich_text"]) == "inner"
