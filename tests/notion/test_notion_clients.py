"""The vendor's own Python client, in both versions, with the workspace in place of the network."""

from __future__ import annotations

import pytest
from notion_client import APIErrorCode, APIResponseError
from notion_client.helpers import collect_paginated_api, is_full_page, iterate_paginated_api


def test_a_days_work_in_the_new_version(office, author, spell):
    author.create_database(
        "interns", columns={"ID": "title", "Score": "number"}, rows=[{"ID": "I01", "Score": 1}]
    )
    notion = office.client()
    (source,) = notion.search(query="interns", filter={"property": "object", "value": "data_source"})[
        "results"
    ]
    (row,) = notion.data_sources.query(data_source_id=source["id"])["results"]
    assert is_full_page(row)
    notion.pages.update(page_id=row["id"], properties={"Score": {"number": 2}})
    notion.pages.create(
        parent={"type": "data_source_id", "data_source_id": source["id"]},
        properties={"ID": spell.title("I02")},
        children=[spell.paragraph("hired")],
    )
    notion.comments.create(parent={"page_id": row["id"]}, rich_text=spell.words("raised"))
    table = office.view.database("interns")
    assert table.row(ID="I01")["Score"] == 2
    assert table.row(ID="I02").text == "hired"
    assert [comment.by for comment in table.row(ID="I01").comments] == ["agent"]


def test_a_days_work_in_the_old_version(office, spell):
    notion = office.client(notion_version="2022-06-28")
    # The client's own methods for databases send only what the new version knows.
    columns = {"Name": {"title": {}}, "Kind": {"select": {}}}
    body = {"parent": {"page_id": office.root}, "title": spell.words("Log"), "properties": columns}
    database = notion.request(path="databases", method="POST", body=body)
    page = notion.pages.create(
        parent={"database_id": database["id"]},
        properties={"Name": spell.title("first"), "Kind": {"select": {"name": "note"}}},
    )
    found = notion.request(
        path=f"databases/{database['id']}/query",
        method="POST",
        body={"filter": {"property": "Kind", "select": {"equals": "note"}}},
    )
    assert [each["id"] for each in found["results"]] == [page["id"]]
    (block,) = notion.blocks.children.append(block_id=page["id"], children=[spell.paragraph("body")])[
        "results"
    ]
    notion.blocks.update(block_id=block["id"], paragraph={"rich_text": spell.words("changed")})
    assert office.view.database("Log").row(Name="first").text == "changed"
    notion.blocks.delete(block_id=block["id"])
    assert notion.blocks.children.list(block_id=page["id"])["results"] == []
    assert (
        notion.pages.properties.retrieve(page_id=page["id"], property_id="title")["results"][0]["type"]
        == "title"
    )
    assert notion.users.me()["type"] == "bot"
    assert len(notion.users.list()["results"]) == 5


def test_the_clients_pagination_walks_everything(office, spell):
    notion = office.client()
    for start in (0, 100):
        children = [spell.paragraph(str(number)) for number in range(start, start + 100)]
        notion.blocks.children.append(block_id=office.root, children=children)
    blocks = collect_paginated_api(notion.blocks.children.list, block_id=office.root)
    assert [block["paragraph"]["rich_text"][0]["plain_text"] for block in blocks] == [
        str(each) for each in range(200)
    ]
    assert len(list(iterate_paginated_api(notion.search, page_size=1))) == 1


def test_the_client_recognises_refusals(office):
    notion = office.client(log_level=50)
    with pytest.raises(APIResponseError) as caught:
        notion.pages.retrieve(page_id="00000000-0000-0000-0000-000000000000")
    assert caught.value.code == APIErrorCode.ObjectNotFound
    assert caught.value.status == 404
    with pytest.raises(APIResponseError) as caught:
        notion.data_sources.query(data_source_id="not an id")
    assert caught.value.code in (APIErrorCode.ValidationError, APIErrorCode.InvalidRequestURL)
    with pytest.raises(APIResponseError) as caught:
        notion.request(path="nowhere", method="GET")
    assert caught.value.code == APIErrorCode.InvalidRequestURL
