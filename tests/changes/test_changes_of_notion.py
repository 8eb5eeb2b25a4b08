"""What changed in a Notion workspace, and which request was behind it."""

from __future__ import annotations

from typing import Any

import pytest

from clawmark_services import acting_as
from clawmark_services.notion import NotionSpec


@pytest.fixture
def notion(desk: Any) -> Any:
    opened = desk(NotionSpec())
    with acting_as("task"):
        columns = {"Name": "title", "Status": {"select": ["open"]}, "Score": "number"}
        rows = [{"Name": "Ada", "Status": "open", "Score": 1}, {"Name": "Bo", "Score": 2}]
        opened.author.create_database("Interns", columns, rows)
        opened.author.create_page("Notes", body="one\ntwo")
    opened.look()
    return opened


def _row(state: Any, title: str) -> Any:
    pages = state["workspace"]["pages"].values()
    return next(page for page in pages if page["values"].get("title") == [{"text": title}])


def test_a_fresh_workspace_has_nothing_that_changed(desk: Any) -> None:
    assert list(desk(NotionSpec()).look()) == []


def test_everything_that_the_task_makes_is_named_in_its_requests(desk: Any) -> None:
    opened = desk(NotionSpec())
    with acting_as("task"):
        opened.author.create_database("Interns", {"Name": "title"}, [{"Name": "Ada"}])
    changes = opened.look()
    assert {c.item for c in changes} == {"table", "database", "row", "view"}
    assert {c.by for c in changes} == {"task"}


def test_a_row_tells_its_columns_before_and_after(notion: Any) -> None:
    notion.tool("notion_update_page", page="Ada", properties={"Status": "hired", "Score": 5})
    changes = notion.look()
    (row,) = changes.updated(item="row")
    assert (row.label, row.place, row.by, row.named) == ("Ada", "Interns", "agent", True)
    assert row.fields == {"Status": ("open", "hired"), "Score": (1, 5)}
    # The option that the value named was made with it.
    (table,) = changes.updated(item="table")
    assert table.by == "agent"
    assert set(table.fields) == {"columns"}


def test_writing_one_row_does_not_explain_another(notion: Any) -> None:
    notion.tool("notion_update_page", page="Ada", properties={"Score": 5})

    def trick(state: Any) -> None:
        values = _row(state, "Bo")["values"]
        values.update({key: 99 for key, value in values.items() if value == 2})

    changes = notion.look(spoilt=trick)
    assert [(c.label, dict(c.fields)) for c in changes.unexplained] == [("Bo", {"Score": (2, 99)})]
    assert [c.label for c in changes.by("agent")] == ["Ada"]


def test_reading_explains_no_change(notion: Any) -> None:
    notion.tool("notion_get_page", page="Bo")

    def trick(state: Any) -> None:
        _row(state, "Bo")["trashed"] = True

    (change,) = notion.look(spoilt=trick)
    assert (change.kind, change.by) == ("deleted", "unexplained")


def test_blocks_tell_their_text_and_the_page_they_are_on(notion: Any) -> None:
    notion.tool("notion_append_text", page="Notes", text="three")
    (change,) = notion.look()
    assert (change.item, change.label, change.place, change.kind) == ("block", "three", "Notes", "created")

    def edit(state: Any) -> None:
        blocks = state["workspace"]["blocks"].values()
        block = next(b for b in blocks if b["content"].get("rich_text") == [{"text": "one"}])
        block["content"]["rich_text"] = [{"text": "won"}]

    (edited,) = notion.look(spoilt=edit)
    assert (edited.fields["text"], edited.by) == (("one", "won"), "unexplained")


def test_a_row_that_nobody_asked_for_is_unexplained_beside_one_that_was(notion: Any) -> None:
    notion.tool("notion_create_page", database="Interns", properties={"Name": "Cy"})

    def trick(state: Any) -> None:
        pages = state["workspace"]["pages"]
        forged = dict(_row(state, "Cy"), values={"title": [{"text": "Mallory"}]}, seq=10_000)
        pages["00000000-0000-4000-8000-000000000000"] = forged

    changes = notion.look(spoilt=trick)
    assert [c.label for c in changes.unexplained] == ["Mallory"]
    assert [c.label for c in changes.created(item="row").by("agent")] == ["Cy"]


def test_the_other_side_of_a_relation_is_explained_by_the_side_that_was_written(notion: Any) -> None:
    with acting_as("task"):
        notion.author.create_database("Teams", {"Name": "title"}, [{"Name": "Red"}])
        source = notion.author.database("Interns")
    notion.look()
    root = notion.frozen()["workspace"]["data_sources"]
    teams = next(id_ for id_, each in root.items() if each["title"] == [{"text": "Teams"}])
    interns = next(id_ for id_, each in root.items() if each["database_id"] == source.id)
    http = _http(notion)
    http.patch(
        f"/v1/data_sources/{interns}",
        {"properties": {"Team": {"relation": {"data_source_id": teams, "dual_property": {}}}}},
    )
    assert not notion.look().unexplained
    red = next(
        id_
        for id_, page in notion.frozen()["workspace"]["pages"].items()
        if page["values"].get("title") == [{"text": "Red"}]
    )
    notion.tool("notion_update_page", page="Ada", properties={"Team": [red]})
    changes = notion.look()
    assert {c.label for c in changes.updated(item="row")} == {"Ada", "Red"}
    assert not changes.unexplained


def test_secrets_and_people_are_changed_by_no_request(notion: Any) -> None:
    notion.tool("notion_update_page", page="Ada", properties={"Score": 5})
    changes = notion.look(spoilt=lambda state: state["workspace"].update(token="ntn_other"))
    assert [c.item for c in changes.unexplained] == ["workspace"]


class _http:  # noqa: N801 - reads as a function
    """The wire, with the agent's token."""

    def __init__(self, desk: Any) -> None:
        from werkzeug.test import Client

        self._client = Client(desk.service.door("notion").app)
        self._token = desk.service.environment({})["NOTION_TOKEN"]

    def patch(self, path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Notion-Version": "2025-09-03"}
        answer = self._client.patch(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json
