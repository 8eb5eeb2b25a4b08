"""What one request and one workspace may hold."""

from clawmark_services import acting_as
from clawmark_services.notion import quota


def paragraph(text="x", children=()):
    content = {"rich_text": [{"text": {"content": text}}]}
    return {"paragraph": content | ({"children": list(children)} if children else {})}


def append(office, *children):
    """Status and code of a request that appends blocks to the root page."""
    status, answer = office.send("PATCH", f"blocks/{office.root}/children", {"children": list(children)})
    return status, answer.get("code")


def test_a_request_holds_at_most_a_thousand_blocks_nested_ones_among_them(office):
    hundreds = [paragraph(children=[paragraph() for _ in range(99)]) for _ in range(10)]
    assert append(office, *hundreds) == (200, None)
    assert append(office, *hundreds, paragraph()) == (400, "validation_error")


def test_a_workspace_holds_so_many_records_and_a_refused_request_leaves_no_trace(office, monkeypatch):
    monkeypatch.setattr(quota, "MAX_RECORDS", 4)
    assert append(office, paragraph(), paragraph(), paragraph()) == (200, None)
    before = office.service.freeze()
    assert append(office, paragraph()) == (403, "restricted_resource")
    assert office.service.freeze() == before
    with acting_as("task"):
        office.service.author.create_page("By the author", body="More.")
    assert append(office, paragraph()) == (403, "restricted_resource")
    renamed = {"properties": {"title": {"title": [{"text": {"content": "New"}}]}}}
    office.ok("PATCH", f"pages/{office.root}", renamed)


def test_a_workspace_into_which_too_much_was_written_can_still_be_read(office, monkeypatch):
    monkeypatch.setattr(quota, "MAX_SENT", 2000)
    assert append(office, paragraph("x" * 1500)) == (200, None)
    assert append(office, paragraph("x" * 1500)) == (403, "restricted_resource")
    assert office.ok("POST", "search", {"query": "y" * 1500})["results"] == []
    office.ok("DELETE", f"blocks/{office.ok('GET', f'blocks/{office.root}/children')['results'][0]['id']}")
