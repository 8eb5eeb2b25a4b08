"""Which files differ between two snapshots."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_clawmark.reports.changes import MAX_BYTES, MAX_FILES, MAX_LINES, changed_files
from pytest_clawmark.snapshots.manifest import Entry

BLOBS = {
    "old": b"one\ntwo\n",
    "new": b"one\nthree\n",
    "png": b"\x89PNG\xff",
    "nul": b"a\0b",
    "long": b"x\n" * (MAX_LINES + 1),
}


def entry(path: str, digest: str | None = "old", **fields: Any) -> Entry:
    fields.setdefault("type", "file")
    fields.setdefault("mode", 0o644)
    if fields["type"] == "file":
        fields.setdefault("size", len(BLOBS.get(digest or "", b"")))
    return Entry(path=path, digest=digest, rank=fields.pop("rank", 0), **fields)


def changes(before: list[Entry], after: list[Entry]) -> list[Any]:
    return list(changed_files(before, after, BLOBS.__getitem__))


def test_added_removed_and_modified_files_are_told_with_their_difference() -> None:
    found = changes([entry("b"), entry("a")], [entry("b", "new"), entry("c")])
    assert [(change["path"], change["change"]) for change in found] == [
        ("a", "removed"),
        ("b", "modified"),
        ("c", "added"),
    ]
    assert found[0]["diff"].endswith("-one\n-two")
    assert found[1]["diff"] == "--- b\n+++ b\n@@ -1,2 +1,2 @@\n one\n-two\n+three"
    assert found[2]["diff"].endswith("+one\n+two")


def test_what_is_the_same_is_not_told_even_when_touched_again() -> None:
    assert changes([entry("a", rank=1)], [entry("a", rank=9)]) == []


def test_folders_show_by_what_is_in_them() -> None:
    folder = entry("d", None, type="directory", mode=0o755)
    assert [change["path"] for change in changes([], [folder, entry("d/f")])] == ["d/f"]


@pytest.mark.parametrize("digest", ["png", "nul", "long"])
def test_what_is_no_short_text_has_sizes_instead_of_a_difference(digest: str) -> None:
    (change,) = changes([entry("a")], [entry("a", digest)])
    assert change["diff"] == ""
    assert change["note"] == f"8 bytes -> {len(BLOBS[digest]):,} bytes, not text or too large to show"


def test_a_large_file_is_not_even_read() -> None:
    (change,) = changes([], [entry("a", "absent", size=MAX_BYTES + 1)])
    assert change["note"] == "65,537 bytes, not text or too large to show"


def test_a_file_that_could_not_be_stored_is_told() -> None:
    (change,) = changes([entry("a")], [entry("a", None, size=2**40)])
    assert "1,099,511,627,776 bytes, not text" in change["note"]


def test_links_types_and_permissions_are_told() -> None:
    link = entry("a", None, type="symlink", target="/etc/passwd")
    (became,) = changes([entry("a")], [link])
    assert (became["change"], became["note"]) == ("modified", "file -> link to /etc/passwd")
    (added,) = changes([], [link])
    assert (added["note"], added["diff"]) == ("link to /etc/passwd", "")
    (mode,) = changes([entry("a")], [entry("a", mode=0o755)])
    assert (mode["note"], mode["diff"]) == ("mode 644 -> 755", "")
    (pipe,) = changes([], [entry("p", None, type="other")])
    assert pipe["note"] == "other"


def test_beyond_a_number_of_files_only_names_are_told() -> None:
    found = changes([], [entry(f"f{number:04}") for number in range(MAX_FILES + 5)])
    assert found[MAX_FILES - 1]["diff"]
    assert (found[MAX_FILES]["diff"], found[MAX_FILES]["note"]) == ("", "not compared: too many changes")
