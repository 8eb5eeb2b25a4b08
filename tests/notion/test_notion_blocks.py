from __future__ import annotations

import pytest


@pytest.fixture
def page(office, spell):
    return office.ok(
        "POST", "pages", {"parent": {"page_id": office.root}, "properties": {"title": spell.words("P")}}
    )


@pytest.fixture
def texts(office, spell):
    def read(id_: str) -> list[str]:
        return [
            spell.said(block["paragraph"]["rich_text"])
            for block in office.ok("GET", f"blocks/{id_}/children")["results"]
        ]

    return read


def test_a_block_comes_back_with_every_field(office, page, spell):
    answer = office.ok("PATCH", f"blocks/{page['id']}/children", {"children": [spell.paragraph("hi")]})
    (block,) = answer["results"]
    assert answer["type"] == "block"
    assert block["parent"] == {"type": "page_id", "page_id": page["id"]}
    assert block["has_children"] is block["archived"] is block["in_trash"] is False
    assert block["paragraph"]["color"] == "default"
    assert block["paragraph"]["icon"] is None
    assert office.ok("GET", f"blocks/{block['id']}").items() >= block.items()


@pytest.mark.parametrize(
    ("block", "shown"),
    [
        ({"heading_1": {"rich_text": []}}, {"rich_text": [], "is_toggleable": False, "color": "default"}),
        (
            {"to_do": {"rich_text": [], "checked": True}},
            {"rich_text": [], "checked": True, "color": "default"},
        ),
        ({"divider": {}}, {}),
        ({"equation": {"expression": "E"}}, {"expression": "E"}),
        ({"bookmark": {"url": "https://a.example"}}, {"caption": [], "url": "https://a.example"}),
        (
            {"image": {"type": "external", "external": {"url": "https://a.example/i.png"}}},
            {"caption": [], "type": "external", "external": {"url": "https://a.example/i.png"}},
        ),
        (
            {"file": {"external": {"url": "https://a.example/f"}, "name": "f"}},
            {"caption": [], "type": "external", "external": {"url": "https://a.example/f"}, "name": "f"},
        ),
        (
            {"code": {"rich_text": [], "language": "python"}},
            {"caption": [], "rich_text": [], "language": "python"},
        ),
        (
            {"callout": {"rich_text": [], "icon": {"emoji": "💡"}, "color": "red_background"}},
            {"rich_text": [], "icon": {"type": "emoji", "emoji": "💡"}, "color": "red_background"},
        ),
        ({"synced_block": {"synced_from": None}}, {"synced_from": None}),
        ({"table_of_contents": {}}, {"color": "default"}),
    ],
)
def test_types_of_blocks(office, page, block, shown):
    (made,) = office.ok("PATCH", f"blocks/{page['id']}/children", {"children": [block]})["results"]
    (kind,) = block
    assert made["type"] == kind
    assert made[kind] == shown


def test_a_link_to_a_page_keeps_its_target(office, page):
    block = {"link_to_page": {"page_id": page["id"].replace("-", "")}}
    (made,) = office.ok("PATCH", f"blocks/{page['id']}/children", {"children": [block]})["results"]
    assert made["link_to_page"] == {"type": "page_id", "page_id": page["id"]}


def test_tables_hold_rows_of_their_width(office, page, spell):
    def table(*rows):
        return {"table": {"table_width": 2, "children": [{"table_row": {"cells": row}} for row in rows]}}

    cells = [spell.words("a"), spell.words("b")]
    (made,) = office.ok("PATCH", f"blocks/{page['id']}/children", {"children": [table(cells)]})["results"]
    assert made["table"] == {"table_width": 2, "has_column_header": False, "has_row_header": False}
    (row,) = office.ok("GET", f"blocks/{made['id']}/children")["results"]
    assert [spell.said(cell) for cell in row["table_row"]["cells"]] == ["a", "b"]
    assert "Number of cells" in office.refused(
        "PATCH", f"blocks/{page['id']}/children", {"children": [table(cells[:1])]}
    )
    assert "children should be defined" in office.refused(
        "PATCH", f"blocks/{page['id']}/children", {"children": [{"table": {"table_width": 1}}]}
    )


def test_children_may_nest_two_deep_in_one_request(office, page, spell):
    deep = spell.paragraph("1", children=[spell.paragraph("2", children=[spell.paragraph("3")])])
    office.ok("PATCH", f"blocks/{page['id']}/children", {"children": [deep]})
    deeper = spell.paragraph("0", children=[deep])
    message = office.refused("PATCH", f"blocks/{page['id']}/children", {"children": [deeper]})
    assert "children should be not present" in message


def test_blocks_are_placed_after_at_the_start_or_at_the_end(office, page, spell, texts):
    where = f"blocks/{page['id']}/children"
    first, _second = office.ok("PATCH", where, {"children": [spell.paragraph("a"), spell.paragraph("d")]})[
        "results"
    ]
    office.ok("PATCH", where, {"children": [spell.paragraph("b")], "after": first["id"]})
    place = {"type": "after_block", "after_block": {"id": first["id"]}}
    office.ok("PATCH", where, {"children": [spell.paragraph("ab")], "position": place})
    office.ok("PATCH", where, {"children": [spell.paragraph("0")], "position": {"type": "start"}})
    office.ok("PATCH", where, {"children": [spell.paragraph("z")], "position": {"type": "end"}})
    assert texts(page["id"]) == ["0", "a", "ab", "b", "d", "z"]
    assert "is not a child" in office.refused(
        "PATCH", where, {"children": [spell.paragraph("x")], "after": office.root}
    )


def test_children_are_listed_in_pages(office, page, spell):
    where = f"blocks/{page['id']}/children"
    office.ok("PATCH", where, {"children": [spell.paragraph(str(number)) for number in range(5)]})
    seen, cursor = [], ""
    for _ in range(3):
        answer = office.ok("GET", f"{where}?page_size=2{cursor}")
        seen += [spell.said(block["paragraph"]["rich_text"]) for block in answer["results"]]
        cursor = f"&start_cursor={answer['next_cursor']}"
    assert seen == list("01234")
    assert answer["has_more"] is False


def test_at_most_100_blocks_are_appended_at_once(office, page, spell):
    body = {"children": [spell.paragraph("x")] * 101}
    message = office.refused("PATCH", f"blocks/{page['id']}/children", body)
    assert message == "body failed validation: body.children.length should be ≤ `100`, instead was `101`."


def test_an_update_changes_what_it_names(office, page, spell):
    todo = {"to_do": {"rich_text": spell.words("ship"), "checked": False, "color": "red"}}
    (block,) = office.ok("PATCH", f"blocks/{page['id']}/children", {"children": [todo]})["results"]
    changed = office.ok("PATCH", f"blocks/{block['id']}", {"to_do": {"checked": True}})["to_do"]
    assert (changed["checked"], changed["color"], spell.said(changed["rich_text"])) == (True, "red", "ship")
    assert "should be not present" in office.refused("PATCH", f"blocks/{block['id']}", {"nonsense": {}})
    assert "Cannot update block type" in office.refused(
        "PATCH", f"blocks/{block['id']}", {"paragraph": {"rich_text": []}}
    )


def test_a_deleted_block_keeps_its_place_for_when_it_is_restored(office, page, spell, texts):
    where = f"blocks/{page['id']}/children"
    made = office.ok("PATCH", where, {"children": [spell.paragraph(each) for each in "abc"]})["results"]
    gone = office.ok("DELETE", f"blocks/{made[1]['id']}")
    assert gone["in_trash"] is gone["archived"] is True
    assert texts(page["id"]) == ["a", "c"]
    assert office.ok("GET", f"blocks/{made[1]['id']}")["archived"] is True
    office.ok("PATCH", f"blocks/{made[1]['id']}", {"archived": False})
    assert texts(page["id"]) == ["a", "b", "c"]


def test_deleting_twice_succeeds_in_the_old_version_alone(office, page, spell):
    office.ok("DELETE", f"blocks/{page['id']}")
    assert office.ok("DELETE", f"blocks/{page['id']}")["archived"] is True
    assert "archived" in office.refused("DELETE", f"blocks/{page['id']}", version="2025-09-03")


def test_pages_and_databases_appear_among_the_children(office, page, spell):
    office.ok(
        "POST", "pages", {"parent": {"page_id": page["id"]}, "properties": {"title": spell.words("Sub")}}
    )
    body = {"parent": {"page_id": page["id"]}, "title": spell.words("DB"), "properties": {"N": {"title": {}}}}
    database = office.ok("POST", "databases", body)
    sub, shown = office.ok("GET", f"blocks/{page['id']}/children")["results"]
    assert (sub["type"], sub["child_page"]) == ("child_page", {"title": "Sub"})
    assert (shown["type"], shown["child_database"], shown["id"]) == (
        "child_database",
        {"title": "DB"},
        database["id"],
    )
    office.ok("PATCH", f"blocks/{sub['id']}", {"child_page": {"title": "New"}})
    assert office.ok("GET", f"blocks/{sub['id']}")["child_page"] == {"title": "New"}


def test_only_containers_hold_children(office, page, spell):
    blocks = [
        {"divider": {}},
        {"heading_1": {"rich_text": []}},
        {"heading_2": {"rich_text": [], "is_toggleable": True}},
    ]
    divider, plain, toggle = office.ok("PATCH", f"blocks/{page['id']}/children", {"children": blocks})[
        "results"
    ]
    body = {"children": [spell.paragraph("x")]}
    for block in (divider, plain):
        assert "does not support children" in office.refused("PATCH", f"blocks/{block['id']}/children", body)
    office.ok("PATCH", f"blocks/{toggle['id']}/children", body)
    assert "should be not present" in office.refused(
        "PATCH", f"blocks/{page['id']}/children", {"children": [{"divider": {"children": []}}]}
    )


def test_mentions_and_equations_come_back_whole(office, page):
    person = office.ok("GET", "users")["results"][1]
    runs = [
        {"mention": {"type": "date", "date": {"start": "2022-12-16", "end": None}}},
        {"mention": {"user": {"id": person["id"]}}},
        {"mention": {"page": {"id": page["id"]}}},
        {"equation": {"expression": "E = mc^2"}},
        {"text": {"content": "link", "link": {"url": "https://a.example"}}},
    ]
    body = {"children": [{"paragraph": {"rich_text": runs}}]}
    (block,) = office.ok("PATCH", f"blocks/{page['id']}/children", body)["results"]
    shown = block["paragraph"]["rich_text"]
    assert [run["plain_text"] for run in shown] == ["2022-12-16", "@hrbp", "P", "E = mc^2", "link"]
    assert shown[0]["mention"] == {
        "type": "date",
        "date": {"start": "2022-12-16", "end": None, "time_zone": None},
    }
    assert shown[1]["mention"]["user"] == person
    assert shown[4]["href"] == "https://a.example"
    assert shown[4]["text"]["link"] == {"url": "https://a.example"}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({}, "body.children[0].paragraph should be defined, instead was `undefined`."),
        (
            {"paragraph": {}},
            "body.children[0].paragraph.rich_text should be defined, instead was `undefined`.",
        ),
        ({"paragraph": {"rich_text": [], "odd": 1}}, "body.children[0].paragraph.odd should be not present"),
        ({"type": "paragraph"}, "body.children[0].paragraph should be defined"),
        ({"type": 5}, "body.children[0].type should be a string"),
        ({"paragraph": {"rich_text": [{}]}}, "rich_text[0].text should be defined"),
        ({"paragraph": {"rich_text": [{"type": ["text"]}]}}, "rich_text[0].type should be a string"),
        (
            {"paragraph": {"rich_text": [{"text": {"content": 5}}]}},
            "content should be a string, instead was `5`.",
        ),
        ({"paragraph": {"rich_text": [], "color": "mauve"}}, "color should be"),
        ({"image": {"external": {}}}, "external.url should be defined"),
        ({"column_list": {"children": [{"column": {"children": []}}]}}, "≥ `2`"),
        ({"table_row": {"cells": []}}, "cannot be placed here"),
        ("text", "should be an object"),
    ],
)
def test_blocks_that_notion_refuses_change_nothing(office, page, block, message):
    before = office.service.freeze()
    assert message in office.refused("PATCH", f"blocks/{page['id']}/children", {"children": [block]})
    assert office.service.freeze() == before


def test_writing_into_a_page_edits_the_page(office, page, spell):
    (block,) = office.ok("PATCH", f"blocks/{page['id']}/children", {"children": [spell.paragraph("a")]})[
        "results"
    ]
    from datetime import datetime

    office.clock.set(datetime.fromisoformat("2024-03-20T09:00+08:00"), "wednesday")
    office.ok("PATCH", f"blocks/{block['id']}", {"paragraph": {"rich_text": spell.words("b")}})
    assert office.ok("GET", f"pages/{page['id']}")["last_edited_time"] == "2024-03-20T01:00:00.000Z"
    assert office.ok("GET", f"pages/{page['id']}")["created_time"] == "2024-03-19T01:00:00.000Z"
