"""Pages as Markdown: written, read, and edited without touching what stays the same."""

from __future__ import annotations

import pytest

TEXT = "\n".join(
    [
        "# Plan",
        "Some **bold**, *italic*, ~~gone~~, `code` and [a link](https://example.com/a).",
        "- one",
        "\t- nested",
        "\t\t- [x] deep",
        "1. first",
        "- [ ] open",
        "> quoted",
        "---",
        "```python",
        "print(1)",
        "",
        "\tx = 2",
        "```",
        "$$",
        "E = mc^2",
        "$$",
        'Inline $`x^2`$ and <span underline="true">under</span>',
        "<details>",
        "<summary>More</summary>",
        "\tinside",
        "</details>",
        '<callout icon="💡" color="gray_bg">',
        "\tMind this",
        "\tand this",
        "</callout>",
        '<table header-row="true">',
        "\t<tr>",
        "\t\t<td>a</td>",
        "\t\t<td>b</td>",
        "\t</tr>",
        "\t<tr>",
        "\t\t<td>1</td>",
        "\t\t<td>2</td>",
        "\t</tr>",
        "</table>",
        "<columns>",
        "\t<column>",
        "\t\tleft",
        "\t</column>",
        "\t<column>",
        "\t\tright",
        "\t</column>",
        "</columns>",
        "![a caption](https://example.com/a.png)",
        '<video src="https://example.com/a.mp4">film</video>',
        "<table_of_contents/>",
        '## Coloured {color="red"}',
        "<empty-block/>",
        "A star \\* and a \\[bracket\\]",
    ]
)


@pytest.fixture
def page(office, spell):
    return office.ok("POST", "pages", {"parent": {"page_id": office.root}, "properties": spell.title("P")})


def edited(office, page, kind, **said):
    return office.ok("PATCH", f"pages/{page['id']}/markdown", {"type": kind, kind: said})["markdown"]


def blocks(office, page):
    return office.ok("GET", f"blocks/{page['id']}/children")["results"]


def test_what_is_written_is_read_back_the_same(office, page):
    assert edited(office, page, "insert_content", content=TEXT) == TEXT
    assert office.ok("GET", f"pages/{page['id']}/markdown")["markdown"] == TEXT
    kinds = [block["type"] for block in blocks(office, page)]
    for kind in (
        "heading_1",
        "to_do",
        "quote",
        "code",
        "equation",
        "toggle",
        "callout",
        "table",
        "column_list",
    ):
        assert kind in kinds


def test_a_new_page_can_be_written_in_markdown(office):
    body = {
        "parent": {"page_id": office.root},
        "properties": {},
        "markdown": "| a | b |\n|---|---|\n| 1 | 2 |",
    }
    page = office.ok("POST", "pages", body)
    (table,) = blocks(office, page)
    assert table["table"] == {"table_width": 2, "has_column_header": True, "has_row_header": False}
    both = body | {"children": []}
    assert "body.markdown should be not present" in office.refused("POST", "pages", both)


def test_an_edit_keeps_the_blocks_that_it_leaves_alone(office, page):
    edited(office, page, "insert_content", content="one\ntwo\nthree")
    before = [block["id"] for block in blocks(office, page)]
    update = [{"old_str": "two", "new_str": "zwei\nmore"}]
    assert edited(office, page, "update_content", content_updates=update) == "one\nzwei\nmore\nthree"
    after = [block["id"] for block in blocks(office, page)]
    assert (after[0], after[-1]) == (before[0], before[2])
    assert edited(office, page, "insert_content", content="zero", position={"type": "start"}).startswith(
        "zero\none"
    )
    assert (
        edited(office, page, "insert_content", content="1.5", after="one")
        == "zero\none\n1.5\nzwei\nmore\nthree"
    )
    assert (
        edited(office, page, "replace_content_range", content="x", content_range="one...mo")
        == "zero\nxre\nthree"
    )
    assert edited(office, page, "replace_content", new_str="all new") == "all new"


def test_a_child_page_is_only_deleted_when_that_is_allowed(office, page, spell):
    child = office.ok(
        "POST", "pages", {"parent": {"page_id": page["id"]}, "properties": spell.title("Child")}
    )
    text = office.ok("GET", f"pages/{page['id']}/markdown")["markdown"]
    assert text == f'<page url="https://app.notion.com/p/{child["id"].replace("-", "")}">Child</page>'
    replace = {"type": "replace_content", "replace_content": {"new_str": "gone"}}
    path = f"pages/{page['id']}/markdown"
    assert "allow_deleting_content" in office.refused("PATCH", path, replace)
    assert edited(office, page, "replace_content", new_str=f"before\n{text}") == f"before\n{text}"
    assert edited(office, page, "replace_content", new_str="gone", allow_deleting_content=True) == "gone"
    assert office.ok("GET", f"pages/{child['id']}")["in_trash"] is True


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "body.type should be"),
        ({"type": "insert_content"}, "body.insert_content should be defined"),
        ({"type": "insert_content", "insert_content": {}}, "body.insert_content.content should be defined"),
        (
            {
                "type": "update_content",
                "update_content": {"content_updates": [{"old_str": "no", "new_str": ""}]},
            },
            "Could not find content",
        ),
        (
            {
                "type": "update_content",
                "update_content": {"content_updates": [{"old_str": "a", "new_str": ""}]},
            },
            "Found 2 matches",
        ),
        (
            {
                "type": "replace_content_range",
                "replace_content_range": {"content": "", "content_range": "x...y"},
            },
            "Could not find content",
        ),
    ],
)
def test_edits_that_are_refused(office, page, body, complaint):
    edited(office, page, "insert_content", content="a\na")
    before = office.service.freeze()
    assert complaint in office.refused("PATCH", f"pages/{page['id']}/markdown", body)
    assert office.service.freeze() == before


def test_an_edit_can_be_answered_later(office, page):
    body = {"type": "insert_content", "insert_content": {"content": "# Hello"}, "allow_async": True}
    status, task = office.send("PATCH", f"pages/{page['id']}/markdown", body)
    assert (status, task["status"]) == (202, "queued")
    done = office.ok("GET", f"async_tasks/{task['id']}")
    assert (done["status"], done["result"]["markdown"]) == ("succeeded", "# Hello")
    assert office.send("GET", f"async_tasks/task_{'0' * 32}")[0] == 404
    assert "path.task_id" in office.refused("GET", "async_tasks/x")


def test_blocks_without_a_spelling_are_named(office, page):
    bookmark = {"bookmark": {"url": "https://example.com"}}
    (made,) = office.ok("PATCH", f"blocks/{page['id']}/children", {"children": [bookmark]})["results"]
    answer = office.ok("GET", f"pages/{page['id']}/markdown")
    assert answer["unknown_block_ids"] == [made["id"]]


@pytest.mark.parametrize(
    "text",
    [
        "*" * 20000,
        "[" * 20000,
        "<" * 20000,
        "`" * 20001,
        "**a" * 90,
        "\t" * 500 + "x",
        "- " * 3000,
        "||||\n" * 90,
    ],
)
def test_text_that_is_no_markdown_is_read_in_no_time(office, page, text):
    assert isinstance(edited(office, page, "insert_content", content=text), str)
