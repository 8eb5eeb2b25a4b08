"""Freezing, restoring, and what makes two workspaces the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawmark_services import acting_as
from clawmark_services.notion import NotionSpec


def canonical(state) -> str:
    return json.dumps(state, sort_keys=True)


def furnish(office) -> None:
    """A workspace with something of everything in it."""
    with acting_as("task"):
        columns = {
            "ID": "title",
            "S": {"select": ["a"]},
            "T": {"status": []},
            "No": "unique_id",
            "N": "number",
        }
        table = office.service.author.create_database(
            "t", columns=columns, rows=[{"ID": "1"}, {"ID": "2", "N": 3}]
        )
        table.row(ID="1").comment("hi")
        office.service.author.create_page("p", body="- a\n- b").delete()
        table.row(ID="2").append("text")


def test_restoring_what_was_frozen_changes_nothing(office):
    furnish(office)
    state = office.service.freeze()
    office.service.restore(state)
    assert canonical(office.service.freeze()) == canonical(state)


def test_another_workspace_becomes_the_frozen_one_and_goes_on_alike(office, new_office):
    furnish(office)
    twin = new_office(seed=office.seed)
    twin.service.restore(json.loads(canonical(office.service.freeze())))
    twin.clock.set(office.clock.now(), "tuesday")
    office.clock.set(office.clock.now(), "tuesday")
    for each in (office, twin):
        found = each.ok("POST", "search", {"query": "t"})["results"]
        table = next(result for result in found if result["object"] == "database")
        each.row({"id": table["id"]}, "x") if "Name" in table["properties"] else each.ok(
            "POST",
            "pages",
            {"parent": {"database_id": table["id"]}, "properties": {"S": {"select": {"name": "new"}}}},
        )
    assert canonical(office.service.freeze()) == canonical(twin.service.freeze())


def test_a_frozen_state_shares_nothing_with_the_workspace(office):
    furnish(office)
    state = office.service.freeze()
    before = canonical(state)
    for page in state["workspace"]["pages"].values():
        page["values"].clear()
        page["children"].append("x")
    assert canonical(office.service.freeze()) == before
    kept = json.loads(before)
    office.service.restore(kept)
    kept["workspace"]["pages"].clear()
    assert canonical(office.service.freeze()) == before


def test_reading_changes_no_state(office):
    furnish(office)
    before = office.service.freeze()
    table = office.service.author.database("t")
    table.rows()
    office.ok("POST", "search", {})
    office.ok("GET", "users")
    office.ok("POST", f"databases/{table.id}/query", {"sorts": [{"property": "N", "direction": "ascending"}]})
    office.send("GET", "nowhere")
    assert office.service.freeze() == before


def test_a_seed_gives_one_workspace_and_another_seed_another(new_office):
    assert new_office(seed=1).token == new_office(seed=1).token
    assert new_office(seed=1).token != new_office(seed=2).token
    assert new_office(seed=1).service.freeze() != new_office(seed=2).service.freeze()


PROGRAM = textwrap.dedent(
    """
    import hashlib, json, sys
    from datetime import datetime
    from werkzeug.test import Client
    from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock, acting_as
    from clawmark_services.notion import NotionSpec

    service = NotionSpec().open(
        Context(
            service="notion",
            clock=ServiceClock(datetime.fromisoformat("2024-03-19T09:00+08:00"), "tuesday"),
            ids=Ids(3, "notion"),
            accounts=AccountBook(Account("mia", "mia@c.example")),
            audit=lambda line: None,
        )
    )
    with acting_as("task"):
        table = service.author.create_database("t", columns={"A": "title", "B": {"multi_select": ["x"]}})
    headers = {"Authorization": "Bearer " + service.environment({})["NOTION_TOKEN"], "Notion-Version": "2022-06-28"}
    client = Client(service.door("notion").app)
    answers = []
    for number in range(5):
        values = {"A": {"title": [{"text": {"content": str(number)}}]}, "B": {"multi_select": [{"name": "n"}]}}
        body = {"parent": {"database_id": table.id}, "properties": values}
        answers.append(client.post("/v1/pages", json=body, headers=headers).text)
    answers.append(json.dumps(service.freeze(), sort_keys=True))
    print(hashlib.sha256("".join(answers).encode()).hexdigest())
    """
)


def test_the_same_requests_leave_the_same_bytes_in_any_process():
    digests = set()
    for hash_seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True, timeout=60
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_requests_from_many_threads_lose_nothing(office):
    staff = office.database("Staff", Tags={"multi_select": {}})
    failures = []

    def work(worker: int) -> None:
        for number in range(10):
            try:
                office.row(staff, f"{worker}-{number}", Tags={"multi_select": [{"name": f"w{worker}"}]})
            except BaseException as failure:
                failures.append(failure)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    rows = office.view.database("Staff").rows
    assert {row["Name"] for row in rows} == {
        f"{worker}-{number}" for worker in range(8) for number in range(10)
    }
    pages = office.service.freeze()["workspace"]["pages"]
    assert len({page["seq"] for page in pages.values()}) == len(pages)
    times = [line["time"] for line in office.audit]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_the_spec_is_a_comparable_value(office):
    import pickle

    assert pickle.loads(pickle.dumps(NotionSpec())) == NotionSpec()
    assert NotionSpec().to_json() == {"service": "notion", "name": "notion"}
    assert office.service.name == NotionSpec().name == "notion"
    (endpoint,) = office.service.endpoints
    assert (endpoint.hosts, endpoint.port, endpoint.variable) == (
        ("api.notion.com",),
        443,
        "CLAWMARK_NOTION_URL",
    )
    with pytest.raises(LookupError, match="its only one is 'notion'"):
        office.service.door("other")
    env = office.service.environment({"notion": "https://api.notion.com"})
    assert env["NOTION_TOKEN"] == env["NOTION_API_KEY"] == env["NOTION_AGENT_KEY"]
    assert env["NOTION_TOKEN"].startswith("ntn_")
    assert office.service.home_files({}) == {}
    skill = office.service.skill()
    for word in ("CLAWMARK_NOTION_URL", "NOTION_TOKEN", "NOTION_ROOT_PAGE_ID", "notion_client", "curl"):
        assert word in skill


NAMES = st.sampled_from(["", "a", "b", "ü😀", "x" * 50])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "Text": NAMES,
        "Number": st.one_of(
            st.none(), st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False)
        ),
        "Select": st.sampled_from(["low", "high", "odd"]),
        "Tags": st.lists(st.sampled_from("abc"), max_size=3),
        "Status": st.sampled_from(["Open", "Done", "Unknown"]),
        "Check": st.booleans(),
        "Date": st.sampled_from(["2024-03-19", "2024-03-19T09:00:00+08:00", "nonsense"]),
    },
)
STEPS = st.one_of(
    st.tuples(st.just("add"), NAMES, VALUES),
    st.tuples(st.just("update"), st.integers(0, 9), VALUES),
    st.tuples(st.just("archive"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("write"), st.integers(0, 9), NAMES),
    st.tuples(st.just("comment"), st.integers(0, 9), NAMES),
    st.tuples(
        st.just("column"),
        st.sampled_from(["Text", "Number", "Tags", "New"]),
        st.sampled_from(["rich_text", "number", "checkbox", "select", "unique_id"]),
    ),
    st.tuples(st.just("drop"), st.sampled_from(["Text", "New", "Date"]), st.just(None)),
)


def spelled(values):
    shapes = {
        "Text": lambda value: {"rich_text": [{"text": {"content": value}}]},
        "Number": lambda value: {"number": value},
        "Select": lambda value: {"select": {"name": value}},
        "Tags": lambda value: {"multi_select": [{"name": each} for each in value]},
        "Status": lambda value: {"status": {"name": value}},
        "Check": lambda value: {"checkbox": value},
        "Date": lambda value: {"date": {"start": value}},
    }
    return {name: shapes[name](value) for name, value in values.items()}


def take(office, table, rows, step) -> int:
    """Send one step as a request; whether it is granted or refused is Notion's business."""
    action, what, how = step
    if action == "add":
        body = {
            "parent": {"database_id": table},
            "properties": {"title": [{"text": {"content": what}}], **spelled(how)},
        }
        status, answer = office.send("POST", "pages", body)
        if status == 200:
            rows.append(answer["id"])
        return status
    if action in ("column", "drop"):
        change = None if action == "drop" else {how: {}}
        return office.send("PATCH", f"databases/{table}", {"properties": {what: change}})[0]
    if not rows:
        return 200
    row = rows[what % len(rows)]
    if action == "update":
        return office.send("PATCH", f"pages/{row}", {"properties": spelled(how)})[0]
    if action == "archive":
        return office.send("PATCH", f"pages/{row}", {"archived": how})[0]
    text = [{"text": {"content": how}}]
    if action == "write":
        return office.send(
            "PATCH", f"blocks/{row}/children", {"children": [{"paragraph": {"rich_text": text}}]}
        )[0]
    return office.send("POST", "comments", {"parent": {"page_id": row}, "rich_text": text})[0]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=25))
def test_any_history_freezes_restores_and_is_refused_without_a_trace(new_office, steps):
    office, twin = new_office(), new_office()
    columns = {
        "Text": {"rich_text": {}},
        "Number": {"number": {}},
        "Select": {"select": {"options": [{"name": "low"}]}},
        "Tags": {"multi_select": {}},
        "Status": {"status": {"options": [{"name": "Open"}, {"name": "Done"}]}},
        "Check": {"checkbox": {}},
        "Date": {"date": {}},
    }
    table = office.database("t", **columns)["id"]
    rows: list[str] = []
    for step in steps:
        before = office.service.freeze()
        status = take(office, table, rows, step)
        assert status in (200, 400)
        if status == 400:
            assert office.service.freeze() == before
    state = office.service.freeze()
    twin.service.restore(state)
    assert canonical(twin.service.freeze()) == canonical(state)
    office.service.restore(state)
    query = f"databases/{table}/query"
    assert twin.ok("POST", query, {})["results"] == office.ok("POST", query, {})["results"]
    view = NotionSpec().view(state)
    assert [row.id for row in reversed(view.database("t").rows)] == [
        page["id"] for page in office.ok("POST", query, {"page_size": 100})["results"]
    ]
