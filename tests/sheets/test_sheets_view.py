"""The author's door, the agent's tools, and what checkers see."""

from datetime import UTC, date, datetime

import pytest

from clawmark_services import EvidenceError, ToolError, acting_as

TABS = {
    "Staff": [["Name", "Pay day", "Pay"], ["Ann", "2024-03-28", "$1,200.50"], ["Bob", "", 800]],
    "Totals": [["Sum", "=SUM(Staff!C2:C9)"]],
}


@pytest.fixture
def staff(office):
    return office.service.author.create("Payroll", tabs=TABS)


def test_an_author_makes_a_spreadsheet_with_tabs(office, staff):
    assert staff.tabs == ["Staff", "Totals"]
    assert staff.tab("Staff").rows()[0] == {"Name": "Ann", "Pay day": "2024-03-28", "Pay": "$1,200.50"}
    assert staff.tab("Totals").cell("B1") == "$2,000.50"
    assert office.service.author.titles == ["Payroll"]
    assert office.service.author.spreadsheet("Payroll").id == staff.id


def test_an_author_changes_rows_cells_and_appends(staff):
    tab = staff.tab("Staff")
    row = tab.row(Name="Bob")
    row.update(**{"Pay day": "2024-03-29", "Pay": 900})
    assert tab.row(Name="Bob")["Pay day"] == "2024-03-29"
    tab.append("Cy", "", 5)
    tab.append(Name="Di", Pay=6)
    tab.write("B2", "soon")
    assert tab.values() == [
        ["Name", "Pay day", "Pay"],
        ["Ann", "soon", "$1,200.50"],
        ["Bob", "2024-03-29", "900"],
        ["Cy", "", "5"],
        ["Di", "", "6"],
    ]
    staff.add_tab("Notes", [["x"]])
    assert staff.tab("Notes").values() == [["x"]]


def test_what_an_author_writes_is_what_is_shown(staff):
    texts = ["0042", "2024-03-28", "$5.00", "1.50", "true", "'x", "5%", "3-4", "=1+1", "=", " a ", "", "1e3"]
    tab = staff.add_tab(
        "New", [texts, [5, 1.5, True, None, date(2024, 3, 1), datetime(2024, 3, 1, 8, tzinfo=UTC)]]
    )
    shown = [*texts]
    shown[shown.index("=1+1")] = "2"
    assert tab.values() == [shown, ["5", "1.5", "TRUE", "", "2024-03-01", "2024-03-01 8:00:00"]]
    tab.write("A9", "=B1+1")
    assert tab.cell("A9") == "2024-03-29"


def test_an_authors_mistakes_name_what_there_is(office, staff):
    author = office.service.author
    with pytest.raises(LookupError, match=r"no spreadsheet is called 'X'; there are \['Payroll'\]"):
        author.spreadsheet("X")
    with pytest.raises(LookupError, match=r"no tab 'X'; its tabs are \['Staff', 'Totals'\]"):
        staff.tab("X")
    with pytest.raises(LookupError, match="no column 'Nope'"):
        staff.tab("Staff").row(Nope=1)
    with pytest.raises(LookupError, match="no row with Name='Zed'"):
        staff.tab("Staff").row(Name="Zed")
    with pytest.raises(LookupError, match="no column 'Nope'"):
        staff.tab("Staff").append(Nope=1)
    with pytest.raises(ValueError, match="Unable to parse range"):
        staff.tab("Staff").write("??", 1)


def test_the_audit_tells_the_task_from_the_agent(office):
    with acting_as("task", silently=True):
        office.service.author.create("Payroll", tabs=TABS)
    office.ok("GET", "/drive/v3/files")
    made, *_, listed = office.audit
    assert (made["operation"], made["actor"], made["silent"], made["turn"]) == (
        "spreadsheets.create",
        "task",
        True,
        "tuesday",
    )
    assert (listed["operation"], listed["actor"], listed["status"]) == ("files.list", "agent", 200)


def test_a_view_shows_what_cells_show(office, staff):
    tab = office.view.spreadsheet("Payroll").tab("Staff")
    assert office.view.titles == ("Payroll",)
    assert tab.values[1] == ("Ann", "2024-03-28", "$1,200.50")
    assert tab.row(Name="Ann").number("Pay") == 1200.5
    assert tab.row(Name="Bob")["Pay"] == "800"
    assert tab.row(Pay=800)["Name"] == "Bob"
    assert [row["Name"] for row in tab.rows] == ["Ann", "Bob"]
    assert (tab.cell("A2"), tab.cell("Z9"), tab.value("C3")) == ("Ann", "", 800)
    totals = office.view.spreadsheet(staff.id).tab("Totals")
    assert (totals.formula("B1"), totals.formula("A1"), totals.cell("B1")) == (
        "=SUM(Staff!C2:C9)",
        None,
        "$2,000.50",
    )


def test_missing_evidence_is_named_with_what_there_is(office, staff):
    view = office.view
    with pytest.raises(EvidenceError, match=r"no spreadsheet is called 'X'; there are \['Payroll'\]"):
        view.spreadsheet("X")
    with pytest.raises(EvidenceError, match=r"no tab 'X'; its tabs are \['Staff', 'Totals'\]"):
        view.spreadsheet("Payroll").tab("X")
    tab = view.spreadsheet("Payroll").tab("Staff")
    with pytest.raises(EvidenceError, match="no row with Name='Zed'"):
        tab.row(Name="Zed")
    with pytest.raises(EvidenceError, match="2 rows with"):
        tab.row()
    with pytest.raises(EvidenceError, match="no column 'Wage'"):
        tab.row(Name="Ann")["Wage"]
    with pytest.raises(EvidenceError, match="shows '', which is no number"):
        tab.row(Name="Bob").number("Pay day")
    office.service.author.create("Payroll")
    with pytest.raises(EvidenceError, match="2 spreadsheets are called"):
        office.view.spreadsheet("Payroll")


def test_nothing_done_to_a_view_changes_it(office, staff):
    view = office.view.spreadsheet("Payroll").tab("Staff")
    row = view.row(Name="Ann")
    with pytest.raises(TypeError):
        row["Name"] = "Eve"
    with pytest.raises(AttributeError):
        view.values = ()
    staff.tab("Staff").write("A2", "Eve")
    assert view.row(Name="Ann") == row


def test_a_trashed_spreadsheet_is_no_evidence(office, staff):
    office.ok("PATCH", f"/drive/v3/files/{staff.id}", {"trashed": True})
    assert office.view.titles == ()


def test_the_agents_tools_do_what_the_api_does(office, staff):
    tools = {tool.name: tool.call for tool in office.service.tools()}
    assert set(tools) == {"sheets_list", "sheets_read", "sheets_write", "sheets_append", "sheets_create"}
    assert tools["sheets_list"]()[0]["tabs"] == ["Staff", "Totals"]
    assert tools["sheets_read"](spreadsheet="Payroll", range="Staff!A2:A3")["values"] == [["Ann"], ["Bob"]]
    tools["sheets_write"](spreadsheet=staff.id, range="Staff!B3", values=[["=1+1"]])
    tools["sheets_append"](spreadsheet="Payroll", range="Staff", rows=[["Cy", None, "7"]])
    assert staff.tab("Staff").values()[2:] == [["Bob", "2", "800"], ["Cy", "", "7"]]
    made = tools["sheets_create"](title="New")
    assert office.view.spreadsheet("New").id == made["id"]
    with pytest.raises(ToolError, match=r"No spreadsheet has the id or title 'X'. There are: 'Payroll'"):
        tools["sheets_read"](spreadsheet="X", range="A1")
    with pytest.raises(ToolError, match="Unable to parse range: Nope!A1"):
        tools["sheets_read"](spreadsheet="Payroll", range="Nope!A1")
    assert office.audit[-1]["status"] == 400


def test_a_row_is_written_as_one_row_and_appended_value_by_value(staff):
    tab = staff.tab("Staff")
    tab.write("A6", ["Sat", "Ivo"])
    tab.write("A7", [["Sun", "Ada"], ["Mon", "Eve"]])
    assert [tab.values("A6:B6"), tab.values("A7:B8")] == [[["Sat", "Ivo"]], [["Sun", "Ada"], ["Mon", "Eve"]]]
    with pytest.raises(TypeError, match="write append"):
        tab.append(["Fri", "Ivo"])
