"""The views that checkers read, over snapshots made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clawmark_services import EvidenceError
from clawmark_services.rest import RestApi
from pytest_clawmark.snapshots.files import Files
from pytest_clawmark.snapshots.manifest import Entry, Manifest
from pytest_clawmark.snapshots.records import Audit, Trajectory, read_lines
from pytest_clawmark.snapshots.store import BlobStore, canonical_json
from pytest_clawmark.snapshots.view import Snapshot

DESK = RestApi(
    "ticket-desk", resources={"tickets": {"type": "object", "properties": {"title": {"type": "string"}}}}
)


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def files(store: BlobStore, **contents: bytes) -> Files:
    names = {name.replace("__", "/").replace("_", "."): content for name, content in contents.items()}
    entries = [
        Entry(path=name, type="file", mode=0o644, rank=0, size=len(content), digest=store.put(content))
        for name, content in names.items()
    ]
    return Files(entries, store)


def test_text_json_and_csv_are_read(store: BlobStore) -> None:
    found = files(
        store, a_txt="\ufeffGrüße".encode(), b_json=b'{"x": [1]}', out__c_csv=b"name,n\r\nAda,3\r\n"
    )
    assert found.text("a.txt") == "Grüße"
    assert found.json("b.json") == {"x": [1]}
    assert found.csv("out/c.csv") == [{"name": "Ada", "n": "3"}]
    assert found.open("a.txt").read() == found.bytes("a.txt")
    assert found.glob("*.csv") == ("out/c.csv",)
    assert found.one("out/*") == "out/c.csv"
    assert ("a.txt" in found, "z.txt" in found, len(found)) == (True, False, 3)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda found: found.text("none.txt"), "there is no file 'none.txt'; there are: a.txt, b.txt"),
        (lambda found: found.text("a.txt"), "'a.txt' is no UTF-8 text"),
        (lambda found: found.json("b.txt"), "'b.txt' is no valid JSON"),
        (lambda found: found.one("*.txt"), "2 files match: a.txt, b.txt"),
        (lambda found: found.one("*.md"), "no file matches '[*].md'"),
    ],
)
def test_missing_or_unreadable_files_are_the_agents_failure(store: BlobStore, read, expected: str) -> None:
    found = files(store, a_txt=b"\xff\xfe\x00", b_txt=b"[" * 100_000)
    with pytest.raises(EvidenceError, match=expected):
        read(found)


def test_what_is_no_file_cannot_be_read(store: BlobStore) -> None:
    found = Files(
        [
            Entry(path="link", type="symlink", mode=0o777, rank=0, target="/etc/passwd"),
            Entry(path="big", type="file", mode=0o644, rank=0, size=10**12, note="larger than 5 bytes"),
        ],
        store,
    )
    with pytest.raises(EvidenceError, match="'link' cannot be read: it is a symlink"):
        found.text("link")
    with pytest.raises(EvidenceError, match="'big' cannot be read: larger than 5 bytes"):
        found.text("big")
    assert found.paths == ("big",)


def test_private_copies_leave_out_links_and_names_that_lead_out(store: BlobStore, tmp_path: Path) -> None:
    digest = store.put(b"x")
    entries = [
        Entry(path=path, type="file", mode=0o644, rank=0, size=1, digest=digest)
        for path in ("in/a.txt", "../out.txt", "b.md")
    ]
    link = Entry(path="link", type="symlink", mode=0o777, rank=0, target="/")
    folder = Files([*entries, link], store).copy_to(tmp_path / "copy", "*.txt")
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["a.txt"]
    assert not (tmp_path / "out.txt").exists()


def manifest(store: BlobStore, **changes) -> Manifest:
    fields = {
        "task": "hr/x",
        "turn": "monday",
        "time": "2024-03-19T09:00:00+08:00",
        "files": (Entry(path="a", type="file", mode=0o644, rank=3, size=0, digest=store.put(b"")),),
        "services": {},
        "clocks": {},
    }
    return Manifest(**{**fields, **changes})


def test_a_manifest_survives_json(store: BlobStore) -> None:
    one = manifest(store)
    assert Manifest.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_the_digest_ignores_the_order_of_writing_and_nothing_else(store: BlobStore) -> None:
    one = manifest(store)
    entry = one.files[0]
    later = Entry(**{**entry.to_json(), "rank": 9})
    other_mode = Entry(**{**entry.to_json(), "mode": 0o600})
    assert manifest(store, files=(later,)).digest == one.digest
    assert manifest(store, files=(other_mode,)).digest != one.digest
    assert manifest(store, services={"email": "0" * 64}).digest != one.digest


def test_a_manifest_of_another_schema_is_refused(store: BlobStore) -> None:
    with pytest.raises(ValueError, match="schema 99"):
        Manifest.from_json({**manifest(store).to_json(), "schema": 99})


def test_a_business_api_is_found_by_name_and_attribute(store: BlobStore) -> None:
    from datetime import UTC, datetime

    from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock

    service = DESK.open(
        Context(
            service="ticket-desk",
            clock=ServiceClock(datetime(2024, 3, 19, tzinfo=UTC)),
            ids=Ids(0, "ticket-desk"),
            accounts=AccountBook(Account("mia", "mia@company.example")),
            audit=lambda _: None,
        )
    )
    service.author.tickets.add(title="Toner")
    state = store.put(canonical_json(service.freeze()))
    snapshot = Snapshot(
        manifest(store, services={"ticket-desk": state}),
        store,
        (DESK,),
        audit=lambda: Audit([]),
        trajectory=lambda: Trajectory([]),
    )
    for view in (snapshot.rest["ticket-desk"], snapshot.rest.ticket_desk, snapshot.ticket_desk):
        assert [ticket["title"] for ticket in view.tickets.all] == ["Toner"]
    with pytest.raises(AttributeError, match=r"no service 'crm': it has ticket-desk .*files, audit"):
        _ = snapshot.crm
    with pytest.raises(AttributeError, match="no business API 'crm': it has ticket-desk"):
        _ = snapshot.rest.crm


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n{"a"')
    assert read_lines(path) == [{"a": 1}, {"a": 2}]
    assert read_lines(tmp_path / "none.jsonl") == []


def test_a_trajectory_tells_calls_commands_answers_and_the_end() -> None:
    steps = Trajectory(
        [
            {"type": "wakeup", "message": "go"},
            {"type": "tool", "name": "shell", "arguments": {"command": "ls"}, "output": "", "error": False},
            {"type": "tool", "name": "email_send", "arguments": "{broken", "output": "", "error": True},
            {"type": "model", "message": {"content": "Done."}},
            {"type": "stop", "kind": "done", "reason": ""},
        ]
    )
    assert steps.commands == ["ls"]
    assert [call["name"] for call in steps.tool_calls()] == ["shell", "email_send"]
    assert steps.answers == ["Done."]
    assert steps.stop["kind"] == "done"


@pytest.mark.parametrize("size", [0, 10, 1024 * 1024, 3 * 1024 * 1024 + 5])
def test_streams_of_any_size_are_stored_under_their_digest(store: BlobStore, size: int) -> None:
    import hashlib
    import io

    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    digest, stored = store.put_stream(io.BytesIO(content).read, limit=size)
    assert (digest, stored) == (hashlib.sha256(content).hexdigest(), size)
    assert store.get(digest) == content == store.get(store.put(content))


def test_a_stream_over_the_limit_leaves_nothing(store: BlobStore, tmp_path: Path) -> None:
    import io

    with pytest.raises(OverflowError):
        store.put_stream(io.BytesIO(b"x" * 100).read, limit=99)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_record_nested_too_deeply_is_recorded_without_its_depth(tmp_path: Path) -> None:
    from pytest_clawmark.runs.lines import JsonLines

    deep: list = []
    for _ in range(5000):
        deep = [deep]
    lines = JsonLines()
    lines.open(tmp_path / "audit.jsonl")
    lines({"operation": "delete", "request": deep})
    lines.close()
    assert read_lines(tmp_path / "audit.jsonl") == [
        {"operation": "delete", "request": "not recorded: nested too deeply"}
    ]
