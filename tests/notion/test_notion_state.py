"""Freezing, restoring, and what makes two workspaces the same."""

from __future__ import annotations

import io
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

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    rows = office.view.database("Staff").rows
    assert {row["Name"] for row in rows} == {
        f"{worker}-{number}" for worker in range(16) for number in range(10)
    }
    pages = office.service.freeze()["workspace"]["pages"]
    assert len({page["seq"] for page in pages.values()}) == len(pages)
    times = [line["time"] for line in office.audit]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_sixteen_clients_on_one_page_lose_no_block_no_comment_and_no_relation(office):
    hub = office.row(office.database("Hub"), "hub")
    (database,) = [
        each for each in office.ok("POST", "search", {"query": ""})["results"] if each["object"] == "database"
    ]
    dual = {"relation": {"database_id": database["id"], "dual_property": {"synced_property_name": "Back"}}}
    spokes = office.database("Spokes", Hub=dual)
    failures = []

    def work(worker: int) -> None:
        text = [{"text": {"content": f"w{worker}"}}]
        try:
            for _ in range(3):
                office.row(spokes, f"w{worker}", Hub={"relation": [{"id": hub["id"]}]})
                office.ok(
                    "PATCH",
                    f"blocks/{hub['id']}/children",
                    {"children": [{"paragraph": {"rich_text": text}}]},
                )
                office.ok("POST", "comments", {"parent": {"page_id": hub["id"]}, "rich_text": text})
                content = {"insert_content": {"content": f"- w{worker}"}, "type": "insert_content"}
                office.ok("PATCH", f"pages/{hub['id']}/markdown", content)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    page = office.ok("GET", f"pages/{hub['id']}")
    assert len(office.ok("GET", f"pages/{hub['id']}/properties/Back")["results"]) == 48
    assert len(page["properties"]["Back"]["relation"]) == 48
    view = office.view.database("Hub").row(Name="hub")
    assert len(view.blocks) == 96
    assert len(view.comments) == 48


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
FORMULAS = ('prop("Number") * 2', 'format(prop("Sum"))', 'prop("Peers").map(current.prop("Sum"))', "now()")
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
    st.tuples(st.just("drop"), st.sampled_from(["Text", "New", "Date", "Peers"]), st.just(None)),
    st.tuples(st.just("formula"), st.sampled_from(["Sum", "New"]), st.sampled_from(FORMULAS)),
    st.tuples(
        st.just("pair"),
        st.sampled_from(["Peers", "New"]),
        st.sampled_from(["single_property", "dual_property"]),
    ),
    st.tuples(st.just("relate"), st.integers(0, 9), st.lists(st.integers(0, 9), max_size=3)),
    st.tuples(
        st.just("roll"),
        st.sampled_from(["Total", "New"]),
        st.sampled_from(["sum", "show_original", "unique"]),
    ),
    st.tuples(st.just("move"), st.integers(0, 9), st.sampled_from(["root", "table", "row"])),
    st.tuples(st.just("markdown"), st.integers(0, 9), st.sampled_from(["# a", "- b\n\t- c", "", "**d**"])),
    st.tuples(st.just("upload"), st.integers(0, 9), NAMES),
    st.tuples(st.just("view"), st.sampled_from(["Number", "Text"]), st.booleans()),
    st.tuples(st.just("uncomment"), st.integers(0, 9), NAMES),
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
    if action in _TABLE_STEPS:
        return _TABLE_STEPS[action](office, table, what, how)
    if not rows:
        return 200
    row = rows[what % len(rows)]
    if action in _ROW_STEPS:
        return _ROW_STEPS[action](office, table, rows, row, how)
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


def _change_columns(office, table, columns) -> int:
    return office.send("PATCH", f"databases/{table}", {"properties": columns})[0]


def _make_view(office, table, column, query) -> int:
    (source,) = office.ok("GET", f"databases/{table}", version="2025-09-03")["data_sources"]
    sorts = [{"property": column, "direction": "descending"}]
    body = {"data_source_id": source["id"], "name": "v", "type": "list", "sorts": sorts}
    status, view = office.send("POST", "views", body, version="2025-09-03")
    if status == 200 and query:
        return office.send("POST", f"views/{view['id']}/queries", {"page_size": 1}, version="2025-09-03")[0]
    return status


_TABLE_STEPS = {
    "formula": lambda office, table, what, how: _change_columns(
        office, table, {what: {"formula": {"expression": how}}}
    ),
    "pair": lambda office, table, what, how: _change_columns(
        office, table, {what: {"relation": {"database_id": table, how: {}}}}
    ),
    "roll": lambda office, table, what, how: _change_columns(
        office,
        table,
        {
            what: {
                "rollup": {
                    "relation_property_name": "Peers",
                    "rollup_property_name": "Number",
                    "function": how,
                }
            }
        },
    ),
    "view": _make_view,
}


def _relate(office, _table, rows, row, how) -> int:
    related = {"relation": [{"id": rows[each % len(rows)]} for each in how]}
    return office.send("PATCH", f"pages/{row}", {"properties": {"Peers": related}})[0]


def _move(office, table, rows, row, how) -> int:
    (source,) = office.ok("GET", f"databases/{table}", version="2025-09-03")["data_sources"]
    parents = {
        "root": {"page_id": office.root},
        "row": {"page_id": rows[0]},
        "table": {"data_source_id": source["id"]},
    }
    return office.send("POST", f"pages/{row}/move", {"parent": parents[how]})[0]


def _write_markdown(office, _table, _rows, row, how) -> int:
    body = {"type": "replace_content", "replace_content": {"new_str": how, "allow_deleting_content": True}}
    return office.send("PATCH", f"pages/{row}/markdown", body)[0]


def _upload(office, _table, _rows, row, how) -> int:
    upload = office.ok("POST", "file_uploads", {"filename": how or "a.txt"})
    headers = {"Authorization": f"Bearer {office.token}", "Notion-Version": office.version}
    form = {"file": (io.BytesIO(how.encode()), "a.txt")}
    office.http.post(f"/v1/file_uploads/{upload['id']}/send", data=form, headers=headers)
    cover = {"cover": {"file_upload": {"id": upload["id"]}}}
    status, _ = office.send("PATCH", f"pages/{row}", cover)
    return 200 if status == 400 else status


def _uncomment(office, _table, _rows, row, how) -> int:
    text = [{"text": {"content": how}}]
    status, comment = office.send("POST", "comments", {"parent": {"page_id": row}, "rich_text": text})
    return status if status != 200 else office.send("DELETE", f"comments/{comment['id']}")[0]


_ROW_STEPS = {
    "relate": _relate,
    "move": _move,
    "markdown": _write_markdown,
    "upload": _upload,
    "uncomment": _uncomment,
}


@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
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
        "Sum": {"formula": {"expression": 'prop("Number") + 1'}},
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
    for each in (office, twin):
        # Formulas and the addresses of files tell the time, which is the world's and not in the state.
        each.clock.set(office.clock.now(), "wednesday")
    query = f"databases/{table}/query"
    assert twin.ok("POST", query, {})["results"] == office.ok("POST", query, {})["results"]
    view = NotionSpec().view(state)
    assert [row.id for row in reversed(view.database("t").rows)] == [
        page["id"] for page in office.ok("POST", query, {"page_size": 100})["results"]
    ]
