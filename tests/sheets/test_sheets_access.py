"""Files of other people: unseen, only read, or written too."""

import pytest


@pytest.fixture
def shared(office):
    """Opens a spreadsheet of Bob's, with the role that the agent has in it."""

    def share(role):
        author = office.service.author
        return author.create("Bob's", {"Sheet1": [["a"]]}, owner="bob@company.example", role=role)

    return share


def paths(handle):
    return f"/v4/spreadsheets/{handle.id}/values/A1", f"/drive/v3/files/{handle.id}"


def test_a_file_that_is_not_shared_is_forbidden_to_sheets_and_unknown_to_drive(office, shared):
    values, file = paths(shared(None))
    assert office.refused("GET", values) == (403, "The caller does not have permission")
    assert office.refused("GET", file)[0] == 404
    assert office.ok("GET", "/drive/v3/files")["files"] == []


@pytest.mark.parametrize("role", ["reader", "commenter"])
def test_a_reader_reads_and_changes_nothing(office, shared, role):
    handle = shared(role)
    values, file = paths(handle)
    assert office.ok("GET", values)["values"] == [["a"]]
    refusal = (403, "The caller does not have permission")
    assert office.refused("PUT", values, {"values": [["b"]]}, valueInputOption="RAW") == refusal
    assert office.refused("POST", f"{values}:append", {"values": [["b"]]}, valueInputOption="RAW") == refusal
    assert office.refused("POST", f"{values}:clear", {}) == refusal
    batch = {"requests": [{"addSheet": {}}]}
    assert office.refused("POST", f"/v4/spreadsheets/{handle.id}:batchUpdate", batch) == refusal
    sufficient = (403, "The user does not have sufficient permissions for this file.")
    assert office.refused("PATCH", file, {"name": "Mine"}) == sufficient
    assert office.refused("DELETE", file) == sufficient
    assert office.refused("POST", f"{file}/permissions", {"type": "anyone", "role": "reader"}) == sufficient
    seen = office.ok("GET", file, fields="ownedByMe,owners(emailAddress),capabilities(canEdit)")
    assert seen == {
        "ownedByMe": False,
        "owners": [{"emailAddress": "bob@company.example"}],
        "capabilities": {"canEdit": False},
    }


def test_a_writer_writes_and_does_not_delete(office, shared):
    values, file = paths(shared("writer"))
    office.ok("PUT", values, {"values": [["b"]]}, valueInputOption="RAW")
    assert office.refused("DELETE", file)[0] == 403
    copied = office.ok("POST", f"{file}/copy", {})["id"]
    assert office.ok("GET", f"/drive/v3/files/{copied}", fields="ownedByMe") == {"ownedByMe": True}


def test_the_author_still_writes_to_what_the_agent_cannot_see(office, shared):
    handle = shared(None)
    handle.tab("Sheet1").write("A1", "b")
    assert handle.tab("Sheet1").cell("A1") == "b"
    assert handle.title == "Bob's"
    assert office.send("GET", paths(handle)[0]).status_code == 403
