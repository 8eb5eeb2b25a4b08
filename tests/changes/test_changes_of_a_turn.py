"""The changes of a turn: two phases, each explained by what was asked and done in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clawmark_services.rest import RestApi
from pytest_clawmark.changes import Changes, TurnRecord, turn_changes
from pytest_clawmark.snapshots.manifest import Entry, Manifest
from pytest_clawmark.snapshots.store import BlobStore, canonical_json

HR = RestApi("hr", resources={"staff": {"properties": {"name": {"type": "string"}}}})
NINE = "2024-03-19T09:00:00+08:00"


def file(path: str, digest: str = "a" * 64, **more: Any) -> Entry:
    return Entry(
        **{"path": path, "type": "file", "mode": 0o644, "rank": 0, "size": 1, "digest": digest, **more}
    )


def folder(path: str) -> Entry:
    return Entry(path=path, type="directory", mode=0o755, rank=0)


def asked(operation: str, request: Any, seconds: int, actor: str = "agent", **more: Any) -> dict[str, Any]:
    time = f"2024-03-19T09:00:{seconds:02}+08:00"
    line = {"time": time, "turn": "tuesday", "service": "hr", "operation": operation, "request": request}
    return {**line, "status": 200, "actor": actor, "silent": False, **more}


def tool(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool", "name": name, "arguments": arguments, "output": "", "error": False}


class Turn:
    """A turn of the tests: what was frozen at its three moments, and what is on record of it."""

    def __init__(self, root: Path) -> None:
        self.store = BlobStore(root)
        self.specs: Sequence[Any] = (HR,)
        self.audit: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.read: list[str] = []
        empty = self.manifest()
        self.before: Manifest | None = empty
        self.wake = self.after = empty

    def manifest(self, *files: Entry, ticks: int = 0, **staff: str) -> Manifest:
        records = [{"id": id_, "name": name} for id_, name in staff.items()]
        state = {"ids": 0, "resources": {"staff": {"records": records, "last": 0}}}
        digest = self.store.put(canonical_json(state))
        services, clocks = {"hr": digest}, {"hr": ticks}
        return Manifest(task="t", turn="tuesday", time=NINE, files=files, services=services, clocks=clocks)

    @property
    def changes(self) -> Changes:
        def audit() -> list[dict[str, Any]]:
            self.read.append("audit")
            return self.audit

        def steps() -> list[dict[str, Any]]:
            self.read.append("trajectory")
            return self.steps

        record = TurnRecord(
            before=self.before, wake=self.wake, after=self.after, audit=audit, trajectory=steps
        )
        return turn_changes(record, self.specs, self.store)


@pytest.fixture
def turn(tmp_path: Path) -> Turn:
    return Turn(tmp_path)


def test_a_turn_without_changes_reads_no_state_and_no_record(
    turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BlobStore, "get", lambda *_: pytest.fail("a state was read"))
    assert list(turn.changes) == []
    assert turn.read == []


def test_each_phase_is_explained_by_its_own_requests_only(turn: Turn) -> None:
    """The same operation before and after the wake-up: the clock at the wake-up tells them apart."""
    turn.before = turn.manifest(E1="Ada", E2="Bo")
    turn.wake = turn.manifest(E1="Ann", E2="Bo", ticks=1)
    turn.after = turn.manifest(E1="Ann", E2="Ben", ticks=2)
    turn.audit = [
        asked("staff.update", {"id": "E1"}, 1, "task", silent=True),
        asked("staff.update", {"id": "E2"}, 2),
    ]
    first, second = turn.changes
    assert (first.label, first.phase, first.by, first.silent) == ("E1 (Ann)", "task", "task", True)
    assert (second.label, second.phase, second.by, second.silent) == ("E2 (Ben)", "agent", "agent", False)
    turn.audit[1]["time"] = turn.audit[0]["time"]
    assert [c.by for c in turn.changes] == ["task", "unexplained"]


def test_what_a_command_of_the_task_asks_before_the_wake_up_is_the_task_s(turn: Turn) -> None:
    turn.wake = turn.after = turn.manifest(E1="Ada", ticks=1)
    turn.audit = [asked("staff.create", {"body": {"id": "E1"}}, 1, "agent")]
    assert [c.by for c in turn.changes] == ["task"]


def test_a_request_that_was_only_counted_may_have_named_anything(turn: Turn) -> None:
    turn.before = turn.wake = turn.manifest(E1="Ada")
    turn.after = turn.manifest(E1="Ann")
    turn.audit = [asked("audit.left_out", {"requests": 9, "operations": {"staff.update": 9}}, 30)]
    (change,) = turn.changes
    assert (change.by, change.named) == ("agent", False)
    turn.audit[0]["request"]["operations"] = {"staff.list": 9}
    assert turn.changes[0].by == "unexplained"


def test_a_request_that_was_cut_may_have_named_anything(turn: Turn) -> None:
    turn.before = turn.wake = turn.manifest(E1="Ada")
    turn.after = turn.manifest(E1="Ann")
    turn.audit = [asked("staff.update", {"id": "E2", "body": "x... (9000 characters)"}, 3)]
    assert (turn.changes[0].by, turn.changes[0].named) == ("agent", False)
    turn.audit = [asked("staff.update", {"id": "E2", "body": "x"}, 3)]
    assert turn.changes[0].by == "unexplained"


def test_files_that_the_task_wrote_are_the_task_s_and_silent_where_it_was(turn: Turn) -> None:
    turn.wake = turn.after = turn.manifest(file("loud"), file("quiet/a"), folder("quiet"))
    turn.audit = [asked("author.write", {"path": "quiet/a"}, 0, "task", service="files", silent=True)]
    loud, quiet = turn.changes
    assert (loud.label, loud.by, loud.requests, loud.silent) == ("loud", "task", ("turn function",), False)
    assert (quiet.label, quiet.by, quiet.requests, quiet.silent) == (
        "quiet/a",
        "task",
        ("author.write",),
        True,
    )


def test_a_folder_that_the_task_deleted_took_its_files_along(turn: Turn) -> None:
    turn.before = turn.manifest(folder("d"), file("d/a"))
    turn.audit = [asked("author.delete", {"path": "d"}, 0, "task", service="files", silent=True)]
    (change,) = turn.changes
    assert (change.kind, change.label, change.silent) == ("deleted", "d/a", True)


@pytest.mark.parametrize(
    "step", [tool("shell", command="cp a b"), tool("write_file", path="/workspace/b"), {"type": "command"}]
)
def test_a_command_or_a_writing_tool_explains_files_of_the_agent_s_phase(turn: Turn, step: Any) -> None:
    turn.after = turn.manifest(file("b"))
    turn.steps = [step]
    assert [(c.label, c.by) for c in turn.changes] == [("b", "agent")]


@pytest.mark.parametrize(
    "steps", [[], [tool("read_file", path="b")], [tool("hr_update", resource="staff")], [{"type": "stop"}]]
)
def test_a_file_that_changed_without_command_or_writing_tool_is_unexplained(turn: Turn, steps: Any) -> None:
    turn.after = turn.manifest(file("b"))
    turn.steps = steps
    assert [(c.label, c.by) for c in turn.changes] == [("b", "unexplained")]


def test_files_tell_kinds_modes_and_links_but_no_times(turn: Turn) -> None:
    link = Entry(path="l", type="symlink", mode=0o777, rank=0, target="a")
    turn.before = turn.manifest(file("a"), file("m"), file("same"))
    turn.wake = turn.after = turn.manifest(
        file("a", "b" * 64), file("m", mode=0o755), file("same", rank=9), link, folder("empty")
    )
    told = {c.label: (c.item, c.kind, set(c.fields)) for c in turn.changes}
    assert told == {
        "a": ("file", "updated", {"content"}),
        "m": ("file", "updated", {"mode"}),
        "l": ("link", "created", {"type", "mode", "target"}),
        "empty": ("folder", "created", {"type", "mode"}),
    }


def test_the_first_turn_begins_with_a_fresh_world(turn: Turn) -> None:
    turn.before = None
    turn.wake = turn.after = turn.manifest(file("a"), E1="Ada", ticks=1)
    turn.audit = [asked("staff.create", {"body": {"id": "E1", "name": "Ada"}}, 1, "task")]
    assert [(c.service, c.by) for c in turn.changes] == [("hr", "task"), ("files", "task")]


def test_a_service_that_cannot_tell_its_items_apart_shows_as_a_whole(turn: Turn) -> None:
    class Plain:
        name = "hr"

    turn.specs = (Plain(),)
    turn.after = turn.manifest(E1="Ada")
    assert [(c.item, c.by) for c in turn.changes] == [("state", "unexplained")]
    turn.audit = [asked("anything", {}, 5)]
    assert [(c.item, c.by) for c in turn.changes] == [("state", "agent")]


def test_a_damaged_state_is_a_change_and_no_fault(turn: Turn) -> None:
    damaged = turn.store.put(b'{"resources": 7}')
    turn.after = replace(turn.after, services={"hr": damaged})
    (change,) = turn.changes
    assert (change.item, change.by) == ("state", "unexplained")
    assert "cannot be told apart (AttributeError" in change.label


def test_counters_alone_are_a_change_too(turn: Turn) -> None:
    state = {"ids": 5, "resources": {"staff": {"records": [], "last": 0}}}
    turn.after = replace(turn.after, services={"hr": turn.store.put(canonical_json(state))})
    assert [(c.item, c.by) for c in turn.changes] == [("state", "unexplained")]


def test_checkers_select_by_service_kind_words_and_fields(turn: Turn) -> None:
    turn.before = turn.wake = turn.manifest(E1="Ada", E2="Bo")
    turn.after = turn.manifest(file("b"), E1="Ann", E3="Cy")
    turn.audit = [asked("staff.update", {"id": "E1"}, 1), asked("staff.delete", {"id": "E2"}, 2)]
    changes = turn.changes
    assert [c.label for c in changes.of("hr").updated(item="record", field="name")] == ["E1 (Ann)"]
    assert changes.updated(field="hours") == changes.of("nothing")
    assert [c.label for c in changes.deleted("bo", place="STAFF")] == ["E2 (Bo)"]
    assert [c.label for c in changes.created().by("unexplained")] == ["E3 (Cy)", "b"]
    assert (changes[0].before("name"), changes[0].after("name")) == ("Ada", "Ann")
    assert changes[0].after("unchanged") is None
    assert (len(changes), len(changes[:2]), bool(changes.of("email"))) == (4, 2, False)
    assert repr(changes.of("hr")[0:1]) == "<1 changes: hr: record 'E1 (Ann)' in staff updated: name [agent]>"


@pytest.mark.parametrize("name", ["Bash", "exec_command", "exec", "terminal"])
def test_files_that_a_harness_changed_by_tools_of_its_own_are_the_agent_s(turn: Turn, name: str) -> None:
    turn.after = turn.manifest(file("out"))
    assert [c.by for c in turn.changes] == ["unexplained"]
    turn.steps = [{"type": "tool", "name": name, "arguments": {"command": "true > out"}, "output": ""}]
    (change,) = turn.changes
    assert (change.by, change.requests) == ("agent", (f"command {name}",))


def test_files_that_changed_while_a_harness_ran_are_the_agent_s(turn: Turn) -> None:
    turn.after = turn.manifest(file("out"))
    turn.steps = [{"type": "harness", "command": ["mine"], "exit_code": 0, "stdout": "", "stderr": ""}]
    assert [(c.by, c.requests) for c in turn.changes] == [("agent", ("command",))]


def test_what_the_model_said_or_could_not_see_explains_no_change(turn: Turn) -> None:
    turn.after = turn.manifest(file("out"))
    turn.steps = [{"type": "unread", "what": "a.wav", "why": "deaf"}, {"type": "context", "left_out": 1}]
    assert [c.by for c in turn.changes] == ["unexplained"]
