"""What changed in calendars, spreadsheets and business APIs, and which request was behind it."""

from __future__ import annotations

from typing import Any

import pytest

from clawmark_services import acting_as
from clawmark_services.calendar import CalendarSpec
from clawmark_services.rest import RestApi
from clawmark_services.sheets import SheetsSpec
from clawmark_services.sheets.a1 import Box
from clawmark_services.sheets.changes import rectangles

HR = RestApi(
    "hr", resources={"employees": {"properties": {"name": {"type": "string"}, "hours": {"type": "number"}}}}
)


@pytest.fixture
def calendar(desk: Any) -> Any:
    opened = desk(CalendarSpec())
    with acting_as("task"):
        opened.author.create("Team")
        for name in ("Standup", "Retro"):
            opened.author.add(
                "Team", name, "2024-03-20T09:00+08:00", "2024-03-20T10:00+08:00", uid=name.lower()
            )
    opened.look()
    return opened


def test_an_event_tells_its_times_and_guests(calendar: Any) -> None:
    calendar.tool(
        "calendar_update_event",
        uid="retro",
        start="2024-03-20T14:00:00+08:00",
        attendees=["hrbp@company.example"],
    )
    (change,) = calendar.look()
    assert (change.item, change.label, change.place, change.by) == ("event", "Retro", "Team", "agent")
    assert change.before("start").startswith("2024-03-20T")
    assert change.after("attendees") == ["hrbp@company.example (NEEDS-ACTION)"]


def test_moving_one_event_does_not_explain_that_another_is_gone(calendar: Any) -> None:
    calendar.tool("calendar_update_event", uid="retro", summary="Review")
    changes = calendar.look(
        spoilt=lambda state: state["collections"]["benchmark/team"]["items"].pop("standup.ics")
    )
    assert [(c.label, c.kind) for c in changes.unexplained] == [("Standup", "deleted")]
    assert changes.by("agent")[0].fields["summary"] == ("Retro", "Review")


def test_events_made_and_deleted_by_the_agent_are_its_own(calendar: Any) -> None:
    calendar.tool("calendar_create_event", summary="New", start="2024-03-21", end="2024-03-21")
    calendar.tool("calendar_delete_event", uid="standup")
    changes = calendar.look()
    assert {(c.label, c.kind, c.by) for c in changes} == {
        ("New", "created", "agent"),
        ("Standup", "deleted", "agent"),
    }


def test_a_damaged_event_is_told_by_its_text(calendar: Any) -> None:
    def damage(state: Any) -> None:
        state["collections"]["benchmark/team"]["items"]["retro.ics"]["text"] = "BEGIN:NONSENSE"

    (change,) = calendar.look(spoilt=damage)
    assert change.by == "unexplained"
    assert change.after("text") == "BEGIN:NONSENSE"


@pytest.fixture
def hr(desk: Any) -> Any:
    opened = desk(HR)
    with acting_as("task"):
        opened.author.employees.add(id="E1", name="Ada", hours=8)
        opened.author.employees.add(id="E2", name="Bo", hours=6)
    opened.look()
    return opened


def test_a_record_tells_its_fields(hr: Any) -> None:
    hr.tool("hr_update", resource="employees", id="E1", values={"hours": 9})
    (change,) = hr.look()
    assert (change.item, change.label, change.place) == ("record", "E1 (Ada)", "employees")
    assert (dict(change.fields), change.by, change.named) == ({"hours": (8, 9)}, "agent", True)


def test_writing_one_record_does_not_explain_another(hr: Any) -> None:
    hr.tool("hr_update", resource="employees", id="E1", values={"hours": 9})

    def trick(state: Any) -> None:
        state["resources"]["employees"]["records"][1]["hours"] = 99

    assert [c.label for c in hr.look(spoilt=trick).unexplained] == ["E2 (Bo)"]


def test_a_made_record_is_known_by_what_it_says_where_the_api_chose_its_key(hr: Any) -> None:
    hr.tool("hr_create", resource="employees", values={"name": "Cy", "hours": 1})

    def forge(state: Any) -> None:
        state["resources"]["employees"]["records"].append({"id": "x", "name": "Mallory", "hours": 40})

    changes = hr.look(spoilt=forge)
    assert [c.by for c in changes.created("Cy")] == ["agent"]
    assert [c.label for c in changes.unexplained] == ["x (Mallory)"]


def test_silence_is_told(hr: Any) -> None:
    with acting_as("task", silently=True):
        hr.author.employees.update("E1", hours=1)
    with acting_as("task"):
        hr.author.employees.update("E2", hours=1)
    assert [c.label for c in hr.look().silent] == ["E1 (Ada)"]


@pytest.fixture
def sheets(desk: Any) -> Any:
    opened = desk(SheetsSpec())
    with acting_as("task"):
        book = opened.author.create("Pay", {"First": [["a", 1], ["b", 2]], "Second": [["x"]]})
        opened.author.create("Other", {"Only": [["z"]]})
    opened.look()
    assert book.title == "Pay"
    return opened


def test_cells_that_touch_are_one_range_with_old_and_new(sheets: Any) -> None:
    sheets.tool("sheets_write", spreadsheet="Pay", range="First!A2:B3", values=[["bb", 2], ["c", "=B1+1"]])
    changes = sheets.look().of("sheets")
    assert [c.label for c in changes.where(item="cells")] == ["First!A2", "First!A3:B3"]
    first, second = changes
    assert first.fields == {"A2": ("b", "bb")}
    assert second.fields == {"A3": (None, "c"), "B3": (None, "=B1+1")}
    assert (second.place, second.kind, second.by) == ("Pay", "created", "agent")


def test_writing_one_file_or_tab_does_not_explain_another(sheets: Any) -> None:
    sheets.tool("sheets_write", spreadsheet="Pay", range="First!A1", values=[["new"]])

    def trick(state: Any) -> None:
        pay, other = state["drive"]["files"]
        pay["spreadsheet"]["sheets"][1]["cells"]["A1"] = {"value": "spoilt"}
        other["spreadsheet"]["sheets"][0]["cells"]["A1"] = {"value": "spoilt"}

    changes = sheets.look(spoilt=trick)
    assert [c.label for c in changes.unexplained] == ["Second!A1", "Only!A1"]
    assert [c.label for c in changes.by("agent")] == ["First!A1"]


def test_renamed_files_new_tabs_and_locked_out_accounts_are_told(sheets: Any) -> None:
    with acting_as("task"):
        sheets.author.spreadsheet("Pay").add_tab("Third", [["q"]])
        sheets.author.revoke_access("user")
    changes = sheets.look()
    assert changes.created(item="tab")[0].label == "Third"
    assert changes.updated(item="access")[0].fields == {"revoked": ([], ["user"])}
    assert not changes.unexplained


def test_rectangles_are_as_large_as_their_neighbours_allow() -> None:
    assert rectangles([(0, 0), (0, 1), (1, 0), (1, 1), (3, 2)]) == [Box(0, 0, 2, 2), Box(3, 2, 4, 3)]
    assert rectangles([(0, 0), (1, 1)]) == [Box(0, 0, 1, 1), Box(1, 1, 2, 2)]
    assert rectangles([]) == []
