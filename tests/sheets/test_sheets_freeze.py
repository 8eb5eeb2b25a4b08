"""Freezing, restoring, and many clients at once."""

import json
import threading

from hypothesis import given, settings
from hypothesis import strategies as st
from sheets_office import Office

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["=A1+1", "=SUM(A:A)", "2024-03-19", "5%", "=1/0", "'x", "$3.5"]),
)
CELLS = st.sampled_from(["A1", "B2", "C3:D4", "Z1000", "Sheet1"])
STEPS = st.one_of(
    st.tuples(st.just("put"), CELLS, VALUES, st.sampled_from(["RAW", "USER_ENTERED"])),
    st.tuples(st.just("append"), CELLS, VALUES, st.sampled_from(["RAW", "USER_ENTERED"])),
    st.tuples(st.just("copy")),
    st.tuples(st.just("tab")),
    st.tuples(st.just("rows")),
    st.tuples(st.just("share")),
)


def play(office, steps):
    sheet = office.ok("POST", "/v4/spreadsheets", {})["spreadsheetId"]
    base = f"/v4/spreadsheets/{sheet}"
    for kind, *rest in steps:
        if kind in ("put", "append"):
            cells, value, option = rest
            method, tail = ("PUT", "") if kind == "put" else ("POST", ":append")
            path = f"{base}/values/{cells}{tail}?valueInputOption={option}"
            assert office.send(method, path, {"values": [[value]]}).status_code in (200, 400)
        elif kind == "copy":
            office.ok("POST", f"/drive/v3/files/{sheet}/copy", {})
        elif kind == "tab":
            office.ok("POST", f"{base}:batchUpdate", {"requests": [{"addSheet": {}}]})
        elif kind == "rows":
            span = {"sheetId": 0, "dimension": "ROWS", "startIndex": 0, "endIndex": 1}
            office.ok("POST", f"{base}:batchUpdate", {"requests": [{"insertDimension": {"range": span}}]})
        else:
            body = {"type": "user", "role": "reader", "emailAddress": "bob@company.example"}
            office.ok("POST", f"/drive/v3/files/{sheet}/permissions", body)
    return sheet


def seen(office, sheet):
    """All that a client can see, to the byte."""
    return [
        office.send("GET", path).data
        for path in (
            f"/v4/spreadsheets/{sheet}?includeGridData=true",
            "/drive/v3/files?fields=*",
            f"/v4/spreadsheets/{sheet}/values/Sheet1",
        )
    ]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(STEPS, max_size=8))
def test_a_frozen_drive_is_restored_exactly(steps):
    office, other = Office(), Office(seed=99)
    sheet = play(office, steps)
    frozen = json.dumps(office.service.freeze(), sort_keys=True)
    other.service.restore(json.loads(frozen))
    other.token = office.token
    assert json.dumps(other.service.freeze(), sort_keys=True) == frozen
    assert seen(other, sheet) == seen(office, sheet)
    assert json.dumps(other.service.freeze(), sort_keys=True) == frozen


def test_equal_requests_leave_equal_states():
    steps = [("put", "A1", "x", "RAW"), ("copy",), ("tab",), ("share",)]
    first, second = Office(), Office()
    play(first, steps)
    play(second, steps)
    assert first.service.freeze() == second.service.freeze()


def test_reading_and_refused_requests_change_no_state(book):
    before = book.office.service.freeze()
    book.values("Sheet1")
    book.office.ok("GET", "/drive/v3/files")
    book.office.send("GET", "/nonsense")
    book.batch_refused({"deleteSheet": {"sheetId": 0}})
    assert book.office.service.freeze() == before


def test_a_restored_drive_goes_on_with_fresh_ids(book):
    frozen = book.office.service.freeze()
    first = book.office.ok("POST", "/drive/v3/files", {"name": "x"})["id"]
    book.office.service.restore(frozen)
    assert book.office.ok("POST", "/drive/v3/files", {"name": "x"})["id"] == first
    assert book.values("Sheet1") == []


def test_sixteen_writers_lose_nothing(book):
    def write(writer):
        client = type(book.office.http)(book.office.service.door("google").app)
        for number in range(5):
            response = client.post(
                f"/v4/spreadsheets/{book.id}/values/Sheet1:append?valueInputOption=RAW",
                json={"values": [[f"{writer}-{number}"]]},
                headers={"Authorization": f"Bearer {book.office.token}"},
            )
            assert response.status_code == 200

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {row[0] for row in book.values("Sheet1")}
    assert found == {f"{writer}-{number}" for writer in range(16) for number in range(5)}
    times = [line["time"] for line in book.office.audit]
    assert times == sorted(set(times))
