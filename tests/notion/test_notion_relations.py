"""Relations with two sides, and rollups over them."""

from __future__ import annotations

import pytest


@pytest.fixture
def plan(office):
    """A project with three tasks: the relation shows on both sides."""
    tasks = office.database(
        "Tasks",
        Hours={"number": {}},
        Done={"checkbox": {}},
        Due={"date": {}},
        Kind={"select": {}},
    )
    projects = office.database(
        "Projects",
        Tasks={"relation": {"database_id": tasks["id"], "type": "dual_property", "dual_property": {}}},
    )
    rows = [
        office.row(tasks, "a", Hours={"number": 1}, Done={"checkbox": True}, Kind={"select": {"name": "x"}}),
        office.row(tasks, "b", Hours={"number": 4}, Due={"date": {"start": "2024-03-20"}}),
        office.row(tasks, "c", Due={"date": {"start": "2024-03-10", "end": "2024-03-30"}}),
    ]
    related = {"relation": [{"id": row["id"]} for row in rows]}
    project = office.row(projects, "p", Tasks=related)
    return {"tasks": tasks, "projects": projects, "rows": rows, "project": project}


def test_the_other_side_of_a_relation_shows_what_this_one_says(office, plan):
    name = "Related to Projects (Tasks)"
    schema = office.ok("GET", f"databases/{plan['tasks']['id']}")["properties"]
    assert schema[name]["relation"]["type"] == "dual_property"
    assert schema[name]["relation"]["dual_property"]["synced_property_name"] == "Tasks"
    first = plan["rows"][0]["id"]
    held = office.ok("GET", f"pages/{first}")["properties"][name]["relation"]
    assert held == [{"id": plan["project"]["id"]}]
    office.ok("PATCH", f"pages/{first}", {"properties": {name: {"relation": []}}})
    project = office.ok("GET", f"pages/{plan['project']['id']}")["properties"]["Tasks"]["relation"]
    assert first not in [each["id"] for each in project]
    assert len(project) == 2


def test_a_side_that_is_removed_takes_the_other_with_it(office, plan):
    office.ok("PATCH", f"databases/{plan['projects']['id']}", {"properties": {"Tasks": None}})
    schema = office.ok("GET", f"databases/{plan['tasks']['id']}")["properties"]
    assert not any(column["type"] == "relation" for column in schema.values())
    page = office.ok("GET", f"pages/{plan['rows'][0]['id']}")
    assert not any(value["type"] == "relation" for value in page["properties"].values())


def test_a_relation_that_becomes_one_sided_keeps_its_values(office, plan):
    change = {"relation": {"database_id": plan["tasks"]["id"], "single_property": {}}}
    office.ok("PATCH", f"databases/{plan['projects']['id']}", {"properties": {"Tasks": change}})
    project = office.ok("GET", f"pages/{plan['project']['id']}")["properties"]["Tasks"]
    assert len(project["relation"]) == 3
    schema = office.ok("GET", f"databases/{plan['tasks']['id']}")["properties"]
    assert not any(column["type"] == "relation" for column in schema.values())


def rolled_up(office, plan, target, function):
    rollup = {
        "relation_property_name": "Tasks",
        "rollup_property_name": target,
        "function": function,
    }
    office.ok("PATCH", f"databases/{plan['projects']['id']}", {"properties": {"R": {"rollup": rollup}}})
    value = office.ok("GET", f"pages/{plan['project']['id']}")["properties"]["R"]["rollup"]
    assert value.pop("function") == function
    return value


@pytest.mark.parametrize(
    ("target", "function", "number"),
    [
        ("Hours", "sum", 5),
        ("Hours", "average", 2.5),
        ("Hours", "median", 2.5),
        ("Hours", "min", 1),
        ("Hours", "max", 4),
        ("Hours", "range", 3),
        ("Hours", "count", 3),
        ("Hours", "count_values", 2),
        ("Hours", "empty", 1),
        ("Hours", "not_empty", 2),
        ("Hours", "percent_not_empty", 2 / 3),
        ("Hours", "percent_empty", 1 / 3),
        ("Hours", "unique", 2),
        ("Done", "checked", 1),
        ("Done", "unchecked", 2),
        ("Done", "percent_checked", 1 / 3),
        ("Done", "percent_unchecked", 2 / 3),
    ],
)
def test_what_a_rollup_counts(office, plan, target, function, number):
    assert rolled_up(office, plan, target, function) == {"type": "number", "number": pytest.approx(number)}


def test_rollups_of_dates_and_of_everything(office, plan):
    earliest = rolled_up(office, plan, "Due", "earliest_date")
    assert earliest["date"]["start"] == "2024-03-10"
    assert rolled_up(office, plan, "Due", "latest_date")["date"]["start"] == "2024-03-30"
    assert rolled_up(office, plan, "Due", "date_range")["date"]["end"] == "2024-03-30"
    shown = rolled_up(office, plan, "Name", "show_original")["array"]
    assert [each["title"][0]["plain_text"] for each in shown] == ["a", "b", "c"]
    assert len(rolled_up(office, plan, "Done", "show_unique")["array"]) == 2
    assert rolled_up(office, plan, "Kind", "count_per_group")["type"] == "unsupported"
    schema = office.ok("GET", f"databases/{plan['projects']['id']}")["properties"]["R"]["rollup"]
    assert schema["relation_property_name"] == "Tasks"
    assert schema["rollup_property_name"] == "Kind"


def test_rollups_are_filtered_sorted_and_read_one_by_one(office, plan):
    office.row(plan["projects"], "none")
    rolled_up(office, plan, "Hours", "sum")
    query = f"databases/{plan['projects']['id']}/query"
    large = {"property": "R", "rollup": {"number": {"greater_than": 1}}}
    assert office.names(plan["projects"], filter=large) == ["p"]
    some = {"property": "R", "rollup": {"any": {"number": {"equals": 4}}}}
    assert office.names(plan["projects"], filter=some) == ["p"]
    every = {"property": "R", "rollup": {"every": {"number": {"equals": 4}}}}
    assert office.names(plan["projects"], filter=every) == ["none"]
    assert office.names(plan["projects"], sorts=[{"property": "R", "direction": "ascending"}]) == [
        "none",
        "p",
    ]
    wrong = {"property": "R", "rollup": {"any": {"checkbox": {"equals": True}}}}
    assert "does not match filter" in office.refused("POST", query, {"filter": wrong})
    rolled_up(office, plan, "Name", "show_original")
    items = office.ok("GET", f"pages/{plan['project']['id']}/properties/R?page_size=2")
    assert [item["type"] for item in items["results"]] == ["title", "title"]
    assert items["property_item"]["rollup"]["function"] == "show_original"
    assert office.view.database("Projects").row(Name="p")["R"] == ["a", "b", "c"]


def test_a_rollup_needs_what_it_rolls_up(office, plan):
    path = f"databases/{plan['projects']['id']}"
    said = {"relation_property_name": "Nothing", "rollup_property_name": "Hours", "function": "sum"}
    assert "Nothing" in office.refused("PATCH", path, {"properties": {"R": {"rollup": said}}})
    said = {"relation_property_name": "Tasks", "rollup_property_name": "Nothing", "function": "sum"}
    assert "Nothing" in office.refused("PATCH", path, {"properties": {"R": {"rollup": said}}})


def test_rollups_and_formulas_that_go_in_circles_end(office, plan):
    rolled_up(office, plan, "Hours", "sum")
    back = {
        "relation_property_name": "Related to Projects (Tasks)",
        "rollup_property_name": "R",
        "function": "sum",
    }
    office.ok("PATCH", f"databases/{plan['tasks']['id']}", {"properties": {"Back": {"rollup": back}}})
    rolled_up(office, plan, "Back", "sum")
    answer = office.ok("GET", f"pages/{plan['rows'][0]['id']}")["properties"]["Back"]["rollup"]
    assert answer["type"] == "number"


def test_verification_place_and_button(office):
    table = office.database("t", V={"verification": {}}, P={"place": {}}, B={"button": {}})
    until = {"start": "2024-03-01", "end": "2024-03-10"}
    place = {"lat": 52.5, "lon": 13.4, "name": "Berlin"}
    row = office.row(table, "r", V={"verification": {"state": "verified", "date": until}}, P={"place": place})
    shown = row["properties"]
    assert shown["V"]["verification"]["state"] == "expired"
    assert shown["V"]["verification"]["verified_by"]["type"] == "bot"
    assert shown["P"]["place"]["lat"] == 52.5
    assert shown["B"]["button"] == {}
    plain = office.row(table, "other")["properties"]
    assert plain["V"]["verification"] == {"state": "unverified", "verified_by": None, "date": None}
    assert plain["P"]["place"] is None
    expired = {"property": "V", "verification": {"status": "expired"}}
    assert office.names(table, filter=expired) == ["r"]
    pressed = {"parent": {"database_id": table["id"]}, "properties": {"B": {"button": {}}}}
    assert "body.properties.B.button should be not present" in office.refused("POST", "pages", pressed)
