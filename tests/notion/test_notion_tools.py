from __future__ import annotations

import json

import jsonschema
import pytest

from clawmark_services import ToolError, acting_as


@pytest.fixture
def tool(office):
    """Calls a tool by name, with arguments checked as an agent's are."""
    tools = {each.name: each for each in office.service.tools()}

    def call(name: str, **arguments):
        jsonschema.validate(arguments, tools[name].parameters)
        with acting_as("agent"):
            answer = tools[name].call(**arguments)
        return json.loads(json.dumps(answer))

    return call


@pytest.fixture
def interns(author):
    columns = {
        "ID": "title",
        "Score": "number",
        "State": {"status": ["Open", "Done"]},
        "Tags": "multi_select",
    }
    return author.create_database("interns", columns=columns, rows=[{"ID": "I01", "Score": 3}, {"ID": "I02"}])


def test_every_tool_declares_a_valid_schema(office):
    for tool in office.service.tools():
        jsonschema.Draft202012Validator.check_schema(dict(tool.parameters))
        assert tool.name.startswith("notion_")
        assert tool.description


def test_searching_shows_columns_and_where_rows_belong(tool, interns):
    found = tool("notion_search", query="i")["results"]
    assert [(each["object"], each["title"]) for each in found] == [
        ("row", "I02"),
        ("row", "I01"),
        ("database", "interns"),
        ("page", "Office"),
    ]
    assert found[2]["columns"] == {
        "ID": "title",
        "Score": "number",
        "State": {"status": ["Open", "Done"]},
        "Tags": {"multi_select": []},
    }
    assert found[0]["database"] == "interns"
    assert [each["title"] for each in tool("notion_search", kind="database")["results"]] == ["interns"]


def test_rows_are_read_as_plain_values(tool, interns):
    answer = tool("notion_query_database", database="interns")
    assert [row["ID"] for row in answer["rows"]] == ["I02", "I01"]
    assert answer["more"] == 0
    assert [
        row["ID"] for row in tool("notion_query_database", database=interns.id, where={"Score": 3})["rows"]
    ] == ["I01"]
    narrowed = tool(
        "notion_query_database",
        database="interns",
        filter={"property": "Score", "number": {"is_empty": True}},
        sorts=[{"property": "ID", "direction": "ascending"}],
    )
    assert [row["ID"] for row in narrowed["rows"]] == ["I02"]
    assert [row["ID"] for row in tool("notion_query_database", database="interns", offset=1)["rows"]] == [
        "I01"
    ]


def test_rows_and_pages_are_created_changed_and_commented(tool, interns, office):
    row = tool(
        "notion_create_page",
        database="interns",
        title="I03",
        properties={"Score": 4.0, "Tags": ["x", "y"]},
        text="# Why\nGood",
    )
    assert row["properties"] == {"ID": "I03", "Score": 4, "State": "Open", "Tags": ["x", "y"]}
    changed = tool("notion_update_page", page=row["id"], properties={"State": "Done", "Score": None})
    assert (changed["properties"]["State"], changed["properties"]["Score"]) == ("Done", None)
    tool("notion_add_comment", page="I03", text="Done today")
    assert tool("notion_append_text", page=row["id"], text="More")["text"] == "Why\nGood\nMore"
    read = tool("notion_get_page", page="I03")
    assert read["text"] == "Why\nGood\nMore"
    assert [(comment["by"], comment["text"]) for comment in read["comments"]] == [
        ("Office Assistant", "Done today")
    ]
    page = tool("notion_create_page", title="Report", text="All well")
    assert tool("notion_create_page", title="Annex", parent=page["id"])["object"] == "page"
    tool("notion_update_page", page="Annex", properties={"title": "Appendix"})
    assert office.view.pages == ("Office", "Report", "Appendix")
    assert tool("notion_update_page", page="I01", archived=True)["archived"] is True
    assert [row["ID"] for row in office.view.database("interns").rows] == ["I02", "I03"]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("notion_get_page", {"page": "nope"}, "no page is called 'nope'"),
        ("notion_query_database", {"database": "nope"}, "no database is called 'nope': there are 'interns'"),
        ("notion_query_database", {"database": "interns", "where": {"Nope": 1}}, "there is no column 'Nope'"),
        (
            "notion_query_database",
            {"database": "interns", "filter": {"property": "Nope", "number": {"equals": 1}}},
            "Could not find property with name or id: Nope",
        ),
        ("notion_update_page", {"page": "I01", "properties": {"State": "Odd"}}, "use one of 'Open', 'Done'"),
        ("notion_update_page", {"page": "I01", "properties": {"Score": "x"}}, "takes a number, not 'x'"),
        ("notion_update_page", {"page": "Office", "archived": True}, "Archiving workspace level pages"),
        ("notion_update_page", {"page": "Office", "properties": {"Score": 1}}, "there is no column 'Score'"),
        ("notion_create_page", {"title": "x", "properties": {"A": 1}}, "only rows have properties"),
        ("notion_create_page", {"database": "interns", "parent": "Office"}, "not both"),
        (
            "notion_create_page",
            {"database": "interns", "title": "x" * 200_001},
            "too long for one Notion text",
        ),
    ],
)
def test_refusals_tell_the_agent_what_to_do_and_change_nothing(
    tool, interns, office, name, arguments, message
):
    before = office.service.freeze()
    with pytest.raises(ToolError) as caught:
        tool(name, **arguments)
    assert message in str(caught.value)
    assert office.service.freeze() == before
    assert office.audit[-1]["status"] in (400, 404)


def test_tools_appear_in_the_audit_as_the_operations_they_are(tool, office):
    tool("notion_search")
    tool("notion_create_page", title="A")
    assert [line["operation"] for line in office.audit] == ["search", "pages.create"]
    assert office.audit[1]["request"] == {"title": "A"}
