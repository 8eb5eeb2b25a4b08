from __future__ import annotations

import copy
import json

import pytest

from clawmark_services import EvidenceError
from clawmark_services.notion import NotionSpec


@pytest.fixture
def state(author, office):
    columns = {
        "ID": "title",
        "Notes": "text",
        "Score": "number",
        "Tags": {"multi_select": ["a", "b"]},
        "Due date": "date",
    }
    rows = [
        {"ID": "I01", "Score": 2.5, "Tags": ["a", "b"]},
        {"ID": "I02", "Due date": "2024-03-20"},
        {"ID": "I03"},
    ]
    database = author.create_database("interns", columns=columns, rows=rows)
    database.row(ID="I03").delete()
    database.row(ID="I01").comment("Seen")
    author.create_page("Handbook", body="# Rules\n- one\n[x] read")
    return office.service.freeze()


@pytest.fixture
def view(state):
    return NotionSpec().view(state)


def test_a_row_is_a_mapping_of_plain_values(view):
    row = view.database("interns").row(ID="I01")
    assert dict(row) == {"ID": "I01", "Notes": "", "Score": 2.5, "Tags": ["a", "b"], "Due date": None}
    assert row["Score"] == 2.5
    assert row.get("Nope") is None
    assert len(row) == 5
    assert row.title == "I01"
    assert row.created_time == row.last_edited_time == "2024-03-19T01:00:00.000Z"
    assert row.archived is False
    assert [(comment.text, comment.by) for comment in row.comments] == [("Seen", "task")]


def test_rows_are_found_by_plain_values(view):
    table = view.database("interns")
    assert [row["ID"] for row in table.rows] == ["I01", "I02"]
    assert [row["ID"] for row in table.find(Tags="b")] == ["I01"]
    assert [row["ID"] for row in table.find(Tags=["a", "b"])] == ["I01"]
    assert table.find(Score=9) == ()
    assert table.row({"Due date": "2024-03-20"})["ID"] == "I02"
    assert [row["ID"] for row in table.archived_rows] == ["I03"]
    assert table.archived_rows[0].archived is True
    assert table.columns == {
        "ID": "title",
        "Notes": "rich_text",
        "Score": "number",
        "Tags": "multi_select",
        "Due date": "date",
    }


def test_pages_show_their_text_and_blocks(view):
    assert view.databases == ("interns",)
    assert view.pages == ("Office", "Handbook")
    page = view.page("Handbook")
    assert page.text == "Rules\none\nread"
    assert [(block.type, block.text, block.checked) for block in page.blocks] == [
        ("heading_1", "Rules", False),
        ("bulleted_list_item", "one", False),
        ("to_do", "read", True),
    ]
    assert view.page("Office").text == "interns\nHandbook"


def test_nested_blocks_are_indented(office, spell):
    outer = spell.paragraph("outer", children=[spell.paragraph("inner", children=[spell.paragraph("core")])])
    office.ok("PATCH", f"blocks/{office.root}/children", {"children": [outer]})
    page = office.view.page("Office")
    assert page.text == "outer\n  inner\n    core"
    assert page.blocks[0].children[0].children[0].text == "core"
    assert page.blocks[0].last_edited_by == "agent"


def test_comments_on_a_pages_blocks_are_among_its_comments(office, spell):
    child = spell.paragraph("outer", children=[spell.paragraph("inner")])
    (outer,) = office.ok("PATCH", f"blocks/{office.root}/children", {"children": [child]})["results"]
    (inner,) = office.ok("GET", f"blocks/{outer['id']}/children")["results"]
    office.ok("POST", "comments", {"parent": {"block_id": inner["id"]}, "rich_text": spell.words("Sure?")})
    (comment,) = office.view.page("Office").comments
    assert (comment.text, comment.by) == ("Sure?", "agent")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda view: view.database("x"), "no database is called 'x': there are 'interns'"),
        (lambda view: view.page("x"), "no page is called 'x'"),
        (lambda view: view.page("I01"), "no page is called 'I01'"),
        (
            lambda view: view.database("interns").row(ID="I09"),
            "no row has ID='I09'; there are: ID='I01'; ID='I02'",
        ),
        (lambda view: view.database("interns").row(ID="I03"), "no row has ID='I03'"),
        (lambda view: view.database("interns").row(Notes=""), "2 rows have Notes=''"),
        (
            lambda view: view.database("interns").find(Nope=1),
            "there is no column 'Nope': the columns are 'ID' (title)",
        ),
        (lambda view: view.database("interns").rows[0]["Nope"], "there is no column 'Nope'"),
    ],
)
def test_missing_and_ambiguous_evidence_is_the_agents_failure(view, ask, message):
    with pytest.raises(EvidenceError) as caught:
        ask(view)
    assert message in str(caught.value)


def test_a_trashed_database_is_gone_with_its_rows(author, office, state):
    author.database("interns").delete()
    assert office.view.databases == ()
    with pytest.raises(EvidenceError):
        office.view.database("interns")


def test_nothing_that_is_done_to_a_view_changes_the_state(state):
    before = copy.deepcopy(state)
    view = NotionSpec().view(state)
    row = view.database("interns").row(ID="I01")
    row["Tags"].append("c")
    dict(row)["Score"] = 3
    view.database("interns").columns["X"] = "y"
    assert row["Tags"] == ["a", "b"]
    assert view.database("interns").columns.keys() == {"ID", "Notes", "Score", "Tags", "Due date"}
    with pytest.raises(TypeError):
        row["Score"] = 3
    with pytest.raises(AttributeError):
        view.pages = ()
    with pytest.raises(AttributeError):
        row.title = "x"
    assert state == before


def test_a_view_reads_what_was_stored_as_json(state):
    stored = json.loads(json.dumps(state, sort_keys=True))
    assert (
        NotionSpec().view(stored).database("interns").rows
        == NotionSpec().view(state).database("interns").rows
    )
