"""The author's door, the agent's tools, frozen state, and what checkers see."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_office import HR, Desk

from clawmark_services import EvidenceError, ToolError, acting_as
from clawmark_services.rest import RestApi


@pytest.fixture
def staff(desk):
    employees = desk.service.author.employees
    employees.add(id="ann", name="Ann", status="open", tags=["a"])
    employees.add(id="bob", name="Bob", status="open")
    return desk


def test_an_author_works_with_records(desk):
    employees = desk.service.author.resource("employees")
    ann = employees.add(name="Ann", hours=8)
    assert employees.get(ann["id"]) == ann
    assert employees.update(ann["id"], hours=9)["hours"] == 9
    assert employees.find(name="Ann", hours=9) == employees.all()
    employees.delete(ann["id"])
    assert employees.all() == []


def test_an_authors_mistakes_are_told(staff):
    author = staff.service.author
    with pytest.raises(ValueError, match="hr: The record does not fit employees: name"):
        author.employees.add(hours=1)
    with pytest.raises(ValueError, match="already has a record with id 'ann'"):
        author.employees.add(id="ann", name="x")
    with pytest.raises(LookupError, match="no record 'zed'"):
        author.employees.get("zed")
    with pytest.raises(LookupError, match=r"no resource 'staff'; it has \['employees', 'tickets'\]"):
        author.resource("staff")
    with pytest.raises(AttributeError, match="no resource 'staff'"):
        author.staff  # noqa: B018 - the look is the test


def test_the_audit_tells_the_task_from_the_agent(desk):
    with acting_as("task", silently=True):
        desk.service.author.employees.add(name="Ann")
        with pytest.raises(LookupError):
            desk.service.author.employees.delete("zed")
    desk.ok("GET", "/employees")
    told = [(line["operation"], line["actor"], line["silent"], line["status"]) for line in desk.audit]
    assert told == [
        ("employees.create", "task", True, 201),
        ("employees.delete", "task", True, 404),
        ("employees.list", "agent", False, 200),
    ]


def test_a_view_finds_records(staff):
    view = staff.view
    assert [record["name"] for record in view.employees.all] == ["Ann", "Bob"]
    assert view.resource("employees").get("ann")["status"] == "open"
    assert view.employees.one(name="Bob") == {"id": "bob", "name": "Bob", "status": "open"}
    assert len(view.employees.find(status="open")) == 2
    assert view.tickets.all == ()


def test_missing_evidence_is_named_with_what_there_is(staff):
    employees = staff.view.employees
    with pytest.raises(EvidenceError, match=r"no record 'zed'; its keys are \['ann', 'bob'\]"):
        employees.get("zed")
    with pytest.raises(EvidenceError, match=r"no records with name='Zed'.*'Ann'"):
        employees.one(name="Zed")
    with pytest.raises(EvidenceError, match="2 records with status='open'"):
        employees.one(status="open")
    with pytest.raises(EvidenceError, match="has no 'hours'"):
        employees.get("ann")["hours"]


def test_a_checkers_own_mistake_is_no_evidence(staff):
    with pytest.raises(LookupError, match="no field 'wage'"):
        staff.view.employees.find(wage=1)
    with pytest.raises(LookupError, match="no resource 'staff'"):
        staff.view.resource("staff")


def test_nothing_done_to_a_view_changes_it(staff):
    record = staff.view.employees.get("ann")
    record["tags"].append("b")
    record.get("tags").append("c")
    with pytest.raises(TypeError):
        record["name"] = "Eve"
    assert record["tags"] == ["a"]


def test_the_agents_tools_do_what_the_api_does(staff):
    tools = {tool.name: tool for tool in staff.service.tools()}
    assert set(tools) == {f"hr_{verb}" for verb in ("list", "get", "create", "update", "delete")}
    for tool in tools.values():
        assert tool.parameters["properties"]["resource"]["enum"] == ["employees", "tickets"]
    page = tools["hr_list"].call(resource="employees", filters={"status": "open"}, sort="-name", limit=1)
    assert ([r["id"] for r in page["items"]], page["total"]) == (["bob"], 2)
    made = tools["hr_create"].call(resource="tickets", values={"title": "x"})
    tools["hr_update"].call(resource="tickets", id=made["no"], values={"title": "y"})
    assert tools["hr_get"].call(resource="tickets", id=made["no"])["title"] == "y"
    assert "deleted" in tools["hr_delete"].call(resource="tickets", id=made["no"])
    with pytest.raises(ToolError, match="tickets has no record '1'"):
        tools["hr_get"].call(resource="tickets", id=1)
    assert staff.audit[-1]["status"] == 404
    with pytest.raises(ToolError, match=r"hours: .*; name: "):
        tools["hr_create"].call(resource="employees", values={"hours": "x"})


def test_tools_of_a_dashed_name_can_be_called():
    desk = Desk(RestApi("ticket-desk", {"things": {"properties": {"a": {}}}}))
    assert next(iter(desk.service.tools())).name == "ticket_desk_list"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)
FREE = RestApi("crm", {"notes": {"properties": {"b": {}, "a": {}}}, **json.loads(HR.declaration)})
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.dictionaries(st.sampled_from(["a", "b", "z", "c"]), JSON)),
        st.tuples(st.just("ticket"), st.integers(1, 9) | st.none()),
        st.tuples(st.just("drop"), st.integers(1, 9)),
    ),
    max_size=8,
)


def play(desk, steps):
    for kind, value in steps:
        if kind == "add":
            desk.http.post("/notes", json=value)
        elif kind == "ticket":
            desk.http.post("/tickets", json={"title": "t"} | ({} if value is None else {"no": value}))
        else:
            desk.http.delete(f"/tickets/{value}")


@settings(max_examples=30, deadline=None)
@given(STEPS)
def test_a_frozen_api_is_restored_exactly(steps):
    desk, other = Desk(FREE), Desk(FREE)
    play(desk, steps)
    frozen = json.dumps(desk.service.freeze(), sort_keys=True)
    play(other, [("add", {"a": 1}), ("ticket", None)])
    other.service.restore(json.loads(frozen))
    assert json.dumps(other.service.freeze(), sort_keys=True) == frozen
    for path in ("/notes?limit=500", "/tickets"):
        assert other.http.get(path).data == desk.http.get(path).data
    for path in ("/notes", "/tickets"):
        assert other.http.post(path, json={}).data == desk.http.post(path, json={}).data


def test_the_order_in_which_fields_were_sent_leaves_no_trace():
    first, second = Desk(FREE), Desk(FREE)
    first.http.post(
        "/notes", data=b'{"z": {"y": 1, "x": 2}, "a": 1, "b": 2}', content_type="application/json"
    )
    second.http.post(
        "/notes", data=b'{"b": 2, "a": 1, "z": {"x": 2, "y": 1}}', content_type="application/json"
    )
    assert first.http.get("/notes").data == second.http.get("/notes").data


def test_reading_and_refused_requests_change_no_state(staff):
    before = staff.service.freeze()
    staff.ok("GET", "/employees")
    staff.refused("POST", "/employees", {"hours": 1})
    staff.refused("GET", "/nope")
    assert staff.service.freeze() == before
