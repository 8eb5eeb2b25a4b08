"""How large a resource may grow."""

import pytest

from clawmark_services import acting_as
from clawmark_services.rest import store


def fill(desk, title="x"):
    return desk.refused("POST", "/tickets", {"title": title})


def test_a_resource_holds_so_many_records(desk, monkeypatch):
    monkeypatch.setattr(store, "MAX_RECORDS", 2)
    keys = [desk.ok("POST", "/tickets", {"title": "x"}, 201)["no"] for _ in range(2)]
    before = desk.service.freeze()
    status, error = fill(desk)
    assert (status, error["code"]) == (507, "insufficient_storage")
    assert error["message"] == "tickets is full: it may have at most 2 records."
    assert desk.service.freeze() == before
    desk.ok("POST", "/employees", {"name": "somebody in another resource"}, 201)
    desk.ok("DELETE", f"/tickets/{keys[0]}", status=204)
    desk.ok("POST", "/tickets", {"title": "x"}, 201)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_resource_holds_so_much_text_however_it_comes(desk, monkeypatch, method):
    monkeypatch.setattr(store, "MAX_BYTES", 1000)
    path = f"/tickets/{desk.ok('POST', '/tickets', {'title': 'x'}, 201)['no']}"
    assert desk.refused(method, path, {"title": "x" * 1000})[0] == 507
    assert fill(desk, "x" * 1000)[0] == 507
    assert desk.ok(method, path, {"title": "x" * 900})["title"] == "x" * 900
    assert fill(desk, "x" * 100)[0] == 507
    assert desk.ok(method, path, {"title": "y"})["title"] == "y"
    desk.ok("POST", "/tickets", {"title": "x" * 100}, 201)


def test_the_author_of_the_task_may_add_more_and_all_of_it_counts_after_a_restore(desk, monkeypatch):
    monkeypatch.setattr(store, "MAX_RECORDS", 1)
    with acting_as("task"):
        for _ in range(3):
            desk.service.author.tickets.add(title="x")
    desk.service.restore(desk.service.freeze())
    assert fill(desk)[0] == 507
