"""What all calendars of a world may hold."""

import http.client
from urllib.parse import urlsplit

import pytest

from clawmark_services.calendar import radicale_storage

EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20240319T090000Z\r\n"
    "DTSTART:20240320T090000Z\r\nDTEND:20240320T100000Z\r\nSUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def put(office):
    """Statuses of events that are put into a calendar of mia's."""
    office.service.author.create("work")
    home = next(path for path, _ in office.service._store.collections() if path.count("/") == 1)

    def send(uid, summary="Meeting", method="PUT", **headers):
        connection = http.client.HTTPConnection(urlsplit(office.url).netloc, timeout=10)
        path = f"/{home}/{uid}.ics"
        connection.request(
            method, path, EVENT.format(uid=uid, summary=summary), {"Content-Type": "text/calendar"} | headers
        )
        status = connection.getresponse().status
        connection.close()
        return status

    return send


def test_a_world_holds_so_many_events(put, office, monkeypatch):
    assert put("a") == 201
    monkeypatch.setattr(radicale_storage, "MAX_ITEMS", office.service._store.room()[0])
    before = office.service.freeze()
    assert put("b") == 507
    assert office.service.freeze() == before
    assert put("a", "Changed") in (201, 204)
    assert put("a", method="DELETE") in (200, 204)
    assert put("b") == 201


def test_a_world_holds_so_much_text(put, office, monkeypatch):
    monkeypatch.setattr(radicale_storage, "MAX_TEXT", office.service._store.room()[1] + 1000)
    assert put("a", "x" * 2000) == 507
    assert put("a") == 201


def test_the_author_of_the_task_may_add_more(put, office, monkeypatch):
    monkeypatch.setattr(radicale_storage, "MAX_ITEMS", 1)
    office.service.author.create("another")
    assert put("a") == 507


def test_in_a_full_world_events_can_still_be_renamed(put, office, monkeypatch, caplog):
    assert put("a") == 201
    monkeypatch.setattr(radicale_storage, "MAX_ITEMS", 1)
    home = next(path for path, _ in office.service._store.collections() if path.count("/") == 1)
    assert put("a", method="MOVE", Destination=f"{office.url}/{home}/b.ics") == 201
    assert put("c") == 507
    whole = http.client.HTTPConnection(urlsplit(office.url).netloc, timeout=10)
    whole.request(
        "PUT", "/benchmark/whole/", EVENT.format(uid="w", summary="x"), {"Content-Type": "text/calendar"}
    )
    assert whole.getresponse().status == 507
    whole.close()
    assert not caplog.records
