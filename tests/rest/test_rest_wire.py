"""The API over HTTP."""

import threading

import pytest


@pytest.fixture
def staff(desk):
    """Ann, Bob and Cy."""
    people = [
        {"id": "ann", "name": "Ann", "hours": 8, "active": True, "tags": ["a", "b"], "status": "open"},
        {"id": "bob", "name": "Bob", "hours": 3.5, "active": False, "status": "closed"},
        {"id": "cy", "name": "Çy", "hours": None, "tags": []},
    ]
    for person in people:
        desk.ok("POST", "/employees", person, 201)
    return desk


def found(desk, query):
    return [person["id"] for person in desk.ok("GET", f"/employees?{query}")["items"]]


def test_the_root_lists_what_there_is(desk):
    told = desk.ok("GET", "/")
    assert told["name"] == "hr"
    assert [(r["name"], r["url"], r["key"]) for r in told["resources"]] == [
        ("employees", "/employees", "id"),
        ("tickets", "/tickets", "no"),
    ]


def test_a_record_is_made_read_changed_replaced_and_deleted(desk):
    made = desk.http.post("/employees", json={"name": "Ann", "hours": 8})
    assert made.status_code == 201
    key = made.json["id"]
    assert made.headers["Location"] == f"/employees/{key}"
    assert desk.ok("GET", f"/employees/{key}") == {"id": key, "name": "Ann", "hours": 8}
    assert desk.ok("PATCH", f"/employees/{key}", {"hours": 9})["hours"] == 9
    assert desk.ok("PUT", f"/employees/{key}", {"name": "Bo"}) == {"id": key, "name": "Bo"}
    assert desk.ok("DELETE", f"/employees/{key}", status=204) is None
    assert desk.refused("GET", f"/employees/{key}")[0] == 404


def test_numbers_go_on_after_the_last_one_used(desk):
    assert desk.ok("POST", "/tickets", {"title": "a"}, 201)["no"] == 1
    assert desk.ok("POST", "/tickets", {"no": 7, "title": "b"}, 201)["no"] == 7
    desk.ok("DELETE", "/tickets/7", status=204)
    assert desk.ok("POST", "/tickets", {"title": "c"}, 201)["no"] == 8


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["ann", "bob", "cy"]),
        ("status=open", ["ann"]),
        ("name=Ann&name=Bob", ["ann", "bob"]),
        ("name=Ann&status=closed", []),
        ("hours=8", ["ann"]),
        ("hours=8.0", ["ann"]),
        ("hours__gt=3.5", ["ann"]),
        ("hours__gte=3.5", ["ann", "bob"]),
        ("hours__lt=8", ["bob"]),
        ("hours__lte=8&hours__gt=1", ["ann", "bob"]),
        ("hours=null", ["cy"]),
        ("hours__ne=8", ["bob", "cy"]),
        ("active=true", ["ann"]),
        ("active__ne=true", ["bob", "cy"]),
        ("status__ne=open", ["bob", "cy"]),
        ("tags=a", ["ann"]),
        ("tags__contains=b", ["ann"]),
        ("tags__ne=a", ["bob", "cy"]),
        ("name__contains=%C3%A7", ["cy"]),
        ("name__contains=%25", []),
        ("name=%27%20OR%201%3D1--", []),
        ("sort=-name", ["cy", "bob", "ann"]),
        ("sort=hours", ["bob", "ann", "cy"]),
        ("sort=-hours", ["ann", "bob", "cy"]),
        ("sort=active,-name", ["bob", "ann", "cy"]),
        ("sort=name&limit=1&offset=1", ["bob"]),
    ],
)
def test_lists_are_filtered_sorted_and_paged(staff, query, expected):
    assert found(staff, query) == expected


def test_a_page_says_how_much_there_is(staff):
    page = staff.ok("GET", "/employees?limit=1&offset=2")
    assert (page["total"], page["limit"], page["offset"], len(page["items"])) == (3, 1, 2, 1)
    assert staff.ok("GET", "/employees?offset=9")["items"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("nope=1", "nope"),
        ("hours=x", "hours"),
        ("hours=nan", "hours"),
        ("active=maybe", "active"),
        ("hours__near=1", "hours__near"),
        ("tags__gt=a", "tags__gt"),
        ("address=x", "address"),
        ("sort=nope", "sort"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("offset=-1", "offset"),
        ("&".join(["name=x"] * 300), "query"),
    ],
)
def test_a_parameter_that_means_nothing_is_400(staff, query, field):
    status, error = staff.refused("GET", f"/employees?{query}")
    assert (status, error["code"], error["details"][0]["field"]) == (400, "invalid_parameter", field)


def test_a_record_that_does_not_fit_is_422_with_every_problem(desk):
    status, error = desk.refused("POST", "/employees", {"hours": -1, "extra": 1, "tags": [1]})
    assert (status, error["code"]) == (422, "validation_failed")
    fields = {detail["field"] for detail in error["details"]}
    assert fields == {"name", "hours", "tags.0", "(the whole)"}
    assert "extra" in str(error["details"])
    assert desk.refused("POST", "/employees", {"name": "x", "start": "soon"})[0] == 422
    assert desk.refused("POST", "/employees", {"name": "x", "id": ""})[0] == 422
    assert desk.ok("GET", "/employees")["total"] == 0


def test_a_change_that_does_not_fit_changes_nothing(staff):
    assert staff.refused("PATCH", "/employees/ann", {"hours": "many"})[0] == 422
    assert staff.refused("PUT", "/employees/ann", {"hours": 1})[0] == 422
    status, error = staff.refused("PATCH", "/employees/ann", {"id": "eve"})
    assert (status, error["details"][0]["field"]) == (422, "id")
    assert staff.ok("GET", "/employees/ann")["hours"] == 8


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nope", 404),
        ("POST", "/nope", 404),
        ("GET", "/employees/nope", 404),
        ("PATCH", "/employees/nope", 404),
        ("PUT", "/employees/nope", 404),
        ("DELETE", "/employees/nope", 404),
        ("GET", "/employees/a/b", 404),
        ("DELETE", "/employees", 405),
        ("POST", "/employees/ann", 405),
        ("POST", "/", 405),
    ],
)
def test_what_is_not_there_is_404_and_what_cannot_be_done_405(staff, method, path, status):
    body = {"name": "x"} if method in ("POST", "PUT", "PATCH") else None
    assert staff.refused(method, path, body)[0] == status


def test_405_names_what_can_be_done(desk):
    allowed = desk.http.delete("/employees").headers["Allow"]
    assert {"GET", "POST"} <= set(allowed.split(", "))


def test_a_key_in_use_is_409(staff):
    status, error = staff.refused("POST", "/employees", {"id": "ann", "name": "Other"})
    assert (status, error["code"]) == (409, "conflict")
    assert staff.ok("GET", "/employees/ann")["name"] == "Ann"


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_what_is_not_json_is_415(desk, kind):
    status, error = desk.refused("POST", "/employees", data=b'{"name": "x"}', content_type=kind)
    assert (status, error["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b'{"name": NaN}',
        b'{"name": "\\ud800"}',
        b'{"hours": 1e999}',
        b"\xff",
        b'{"name": ' + b"[" * 100_000,
    ],
)
def test_broken_json_is_400(desk, body):
    status, error = desk.refused("POST", "/employees", data=body, content_type="application/json")
    assert (status, error["code"]) == (400, "invalid_json")


def test_a_record_may_not_nest_without_end(desk):
    deep = b'{"title": "x", "more": ' + b"[" * 200 + b"]" * 200 + b"}"
    status, _ = desk.refused("POST", "/tickets", data=deep, content_type="application/json")
    assert status == 422


def test_numbers_beyond_sqlites_integers_do_no_harm(desk):
    desk.ok("POST", "/employees", {"id": "big", "name": "x", "hours": 10**25}, 201)
    assert found(desk, f"hours__gte={10**25}") == ["big"]
    assert desk.refused("POST", "/tickets", {"no": 10**25})[0] == 422


def test_every_request_is_one_line_of_the_audit(desk):
    desk.ok("POST", "/employees", {"name": "Ann", "id": "ann"}, 201)
    desk.ok("GET", "/employees?status=open")
    desk.refused("GET", "/employees/x")
    desk.ok("DELETE", "/employees/ann", status=204)
    desk.refused("GET", "/nope")
    desk.http.options("/employees")
    lines = [(line["operation"], line["request"], line["status"]) for line in desk.audit]
    assert lines == [
        ("employees.create", {"body": {"name": "Ann", "id": "ann"}}, 201),
        ("employees.list", {"query": [["status", "open"]]}, 200),
        ("employees.get", {"id": "x"}, 404),
        ("employees.delete", {"id": "ann"}, 204),
        ("unknown", {"method": "GET", "path": "/nope"}, 404),
        ("unknown", {"method": "OPTIONS", "path": "/employees"}, 200),
    ]


def test_sixteen_writers_lose_nothing(desk):
    def write(writer):
        client = type(desk.http)(desk.service.door("http").app)
        for number in range(5):
            assert client.post("/tickets", json={"title": f"{writer}-{number}"}).status_code == 201

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tickets = desk.ok("GET", "/tickets?limit=500")["items"]
    assert {t["title"] for t in tickets} == {f"{w}-{n}" for w in range(16) for n in range(5)}
    assert sorted(t["no"] for t in tickets) == list(range(1, 81))
