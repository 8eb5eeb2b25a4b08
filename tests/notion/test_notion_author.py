from __future__ import annotations

from datetime import date

import pytest

from clawmark_services import acting_as

COLUMNS = {
    "ID": "title",
    "Notes": "text",
    "Score": "number",
    "Level": {"select": ["low", "high"]},
    "Tags": {"multi_select": ["a"]},
    "State": {"status": ["Open", "Done"]},
    "Due date": "date",
    "Ready": "checkbox",
    "Who": "people",
    "Site": "url",
    "No": {"unique_id": "HR"},
    "Papers": "files",
}


@pytest.fixture
def interns(author):
    rows = [
        {"ID": "I01", "Score": 3, "Tags": ["a", "b"], "Due date": "2024-03-20", "Who": "hrbp"},
        {"ID": "I02", "Ready": True, "Level": "low", "State": "Done"},
    ]
    return author.create_database("interns", columns=COLUMNS, rows=rows)


def test_rows_hold_plain_values(interns):
    assert interns.row(ID="I01").values == {
        "ID": "I01",
        "Notes": "",
        "Score": 3,
        "Level": None,
        "Tags": ["a", "b"],
        "State": "Open",
        "Due date": "2024-03-20",
        "Ready": False,
        "Who": ["hrbp"],
        "Site": None,
        "No": "HR-1",
        "Papers": [],
    }


def test_the_agent_sees_what_the_author_wrote(interns, office, spell):
    rows = office.ok("POST", f"databases/{interns.id}/query", {})["results"]
    assert [spell.said(row["properties"]["ID"]["title"]) for row in rows] == ["I02", "I01"]
    assert rows[1]["properties"]["Who"]["people"][0]["person"]["email"] == "hrbp@company.example"


def test_rows_are_found_updated_added_commented_and_deleted(interns, author, office):
    row = interns.row({"ID": "I01"}, Score=3)
    row.update({"Due date": date(2024, 4, 1)}, Tags="core", Score=None, Notes="x" * 4500)
    assert (row["Due date"], row["Tags"], row["Score"], len(row["Notes"])) == (
        "2024-04-01",
        ["core"],
        None,
        4500,
    )
    added = interns.add(ID="I03", Score=4.0, body="# Summary\n- good\n[x] paid")
    assert added["Score"] == 4
    assert added.text == "Summary\ngood\npaid"
    added.append("More")
    added.comment("Please check", by="hrbp@company.example")
    assert [each["ID"] for each in interns.rows()] == ["I01", "I02", "I03"]
    interns.row(ID="I02").delete()
    assert [each["ID"] for each in interns.rows()] == ["I01", "I03"]
    assert len(interns.rows(Tags="core")) == 1
    view = office.view.database("interns").row(ID="I03")
    assert [(comment.text, comment.by) for comment in view.comments] == [("Please check", "hrbp")]
    assert author.database("interns").row(ID="I03").title == "I03"


def test_values_of_every_shape_are_understood(interns):
    row = interns.row(ID="I01")
    row.update(
        {"Due date": ("2024-03-01", "2024-03-05")},
        Notes=12.0,
        Score="7.5",
        Papers=["https://x.example/cv.pdf"],
    )
    assert row["Due date"] == "2024-03-01/2024-03-05"
    assert row["Notes"] == "12"
    assert row["Score"] == 7.5
    assert row["Papers"] == ["https://x.example/cv.pdf"]


def test_relations_are_given_by_title_or_handle(author, interns):
    tasks = author.create_database("tasks", columns={"What": "title", "For": {"relation": "interns"}})
    tasks.add(What="one", For="I01")
    tasks.add(What="two", For=[interns.row(ID="I02")])
    assert [row["For"] for row in tasks.rows()] == [["I01"], ["I02"]]


def test_pages_nest_and_take_text(author):
    above = author.create_page("Handbook", body="Welcome\n\n1. Read\n2. Sign")
    author.create_page("Leave", parent=above, body="> 20 days")
    author.create_page("Sick leave", parent="Leave")
    assert author.page("Handbook").text == "Welcome\nRead\nSign\nLeave"
    assert author.page("Leave").text == "20 days\nSick leave"
    author.page("Leave").append("\n".join(f"line {number}" for number in range(150)))
    assert author.page("Leave").text.count("line") == 150


@pytest.mark.parametrize(
    ("columns", "rows", "message"),
    [
        ({"A": "number"}, [], 'exactly one column of type "title", here is none'),
        ({"A": "title", "B": "title"}, [], "2 of them (A, B)"),
        (
            {"A": "title", "B": "nmber"},
            [],
            "column 'B' has no type 'nmber': use one of title, rich_text, number",
        ),
        ({"A": "title", "B": {"select": "ab"}}, [], "give its options as a list of names, not 'ab'"),
        ({"A": "title", "B": {"checkbox": True}}, [], "checkbox has no setting"),
        ({"A": "title", "B": ["select"]}, [], "one type with its setting"),
        ({"A": "title", "B": {"relation": "nowhere"}}, [], "no database is called 'nowhere': there are none"),
        ({"A": "title"}, [{"B": 1}], "there is no column 'B': the columns are 'A' (title)"),
        ({"A": "title", "B": "number"}, [{"B": "many"}], "column 'B' (number) takes a number, not 'many'"),
        ({"A": "title", "B": "number"}, [{"B": True}], "takes a number, not True"),
        ({"A": "title", "B": "checkbox"}, [{"B": "yes"}], "takes True or False, not 'yes'"),
        ({"A": "title", "B": "date"}, [{"B": "soon"}], "takes an ISO 8601 date"),
        ({"A": "title", "B": "people"}, [{"B": "bob"}], "nobody is called 'bob': use one of 'mia', 'hrbp'"),
        (
            {"A": "title", "B": {"status": ["x"]}},
            [{"B": "y"}],
            "column 'B' has no status 'y': use one of 'x'",
        ),
        ({"A": "title", "B": "select"}, [{"B": "a,b"}], "without a comma, not 'a,b'"),
        ({"A": "title", "B": "created_time"}, [{"B": "2024-01-01"}], "is computed by Notion: leave it out"),
    ],
)
def test_mistakes_name_the_value_and_the_remedy_and_leave_nothing(author, office, columns, rows, message):
    before = office.service.freeze()
    with pytest.raises((ValueError, LookupError)) as caught:
        author.create_database("x", columns=columns, rows=rows)
    assert message in str(caught.value)
    assert office.service.freeze() == before


def test_what_notion_refuses_is_a_value_error(author, interns):
    row = interns.row(ID="I01")
    row.delete()
    with pytest.raises(ValueError, match=r"Notion refuses pages\.update: Can't edit block that is archived"):
        row.update(Score=1)
    with pytest.raises(ValueError, match=r"Notion refuses pages\.update: Archiving workspace level pages"):
        author.root.delete()


def test_lookups_that_fail_list_what_there_is(interns, author):
    with pytest.raises(LookupError, match="no database is called 'intern': there are 'interns'"):
        author.database("intern")
    with pytest.raises(LookupError, match="no page is called 'x': there are 'Office'"):
        author.page("x")
    with pytest.raises(
        LookupError, match=r"database 'interns': no row has ID='I09'; there are: ID='I01'; ID='I02'"
    ):
        interns.row(ID="I09")
    with pytest.raises(LookupError, match="2 rows have nothing asked for"):
        interns.row()
    with pytest.raises(LookupError, match="there is no column 'Nope'"):
        interns.rows(Nope=1)
    with pytest.raises(LookupError, match="there is no column 'Nope'"):
        interns.row(ID="I01")["Nope"]
    author.create_database("interns")
    with pytest.raises(LookupError, match=r"2 databases are called 'interns'.*give its id instead"):
        author.database("interns")
    assert author.database(interns.id).id == interns.id


def test_a_long_list_of_what_there_is_is_cut(author):
    table = author.create_database("long", rows=[{"Name": f"r{number}"} for number in range(30)])
    with pytest.raises(LookupError, match=r"Name='r0'; .*Name='r19'; and 10 more$"):
        table.row(Name="x")


def test_each_call_is_one_line_of_the_audit_with_its_actor(author, office):
    database = author.create_database("d", rows=[{"Name": "a"}, {"Name": "b"}])
    with acting_as("task", silently=True):
        database.row(Name="a").update(Name="c")
    with pytest.raises(LookupError):
        author.database("e")
    lines = [(line["operation"], line["status"], line["actor"], line["silent"]) for line in office.audit]
    assert lines == [
        ("databases.create", 200, "task", False),
        ("databases.query", 200, "task", True),
        ("pages.update", 200, "task", True),
        ("search", 404, "task", False),
    ]
    assert office.audit[2]["request"]["properties"] == {"Name": "c"}


def test_the_task_and_the_agent_leave_different_names(author, office, spell):
    author.create_database("d", rows=[{"Name": "a"}, {"Name": "b"}])
    row = office.view.database("d").row(Name="a")
    assert (row.created_by, row.last_edited_by) == ("task", "task")
    office.ok("PATCH", f"pages/{row.id}", {"properties": {"Name": spell.title("z")}})
    row = office.view.database("d").row(Name="z")
    assert (row.created_by, row.last_edited_by) == ("task", "agent")
    admin = office.ok("GET", f"pages/{row.id}")["created_by"]["id"]
    assert office.ok("GET", f"users/{admin}")["type"] == "person"


def test_columns_that_notion_computes_are_declared_in_a_few_words(author):
    tasks = author.create_database("Tasks", columns={"Task": "title", "Hours": "number"})
    tasks.add(Task="a", Hours=2)
    tasks.add(Task="b", Hours=3)
    columns = {
        "Name": "title",
        "Tasks": {"relation": tasks},
        "Total": {"rollup": ["Tasks", "Hours", "sum"]},
        "Double": {"formula": 'prop("Total") * 2'},
    }
    row = author.create_database("Projects", columns=columns).add(Name="p", Tasks=["a", "b"])
    assert (row["Total"], row["Double"]) == (5, 10)
    with pytest.raises(ValueError, match='such as \\["Tasks", "Hours", "sum"\\]'):
        author.create_database("Bad", columns={"Name": "title", "R": {"rollup": "Tasks"}})
    with pytest.raises(ValueError, match="Undefined property"):
        author.create_database("Bad", columns={"Name": "title", "F": {"formula": 'prop("Nothing")'}})
