"""What a checker may do with frozen files: a folder of its own, commands, questions."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.plain_sandbox import PlainSandbox

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.grading.answers import Answers, NotRecorded
from pytest_clawmark.grading.copies import Copies, as_in_the_world
from pytest_clawmark.grading.desk import Desk, Frozen, Grading
from pytest_clawmark.snapshots.manifest import Entry, Manifest
from pytest_clawmark.snapshots.store import BlobStore


class Rig:
    """A run with one snapshot, and the desk of a process that grades it."""

    def __init__(self, root: Path) -> None:
        self.root, self.store = root, BlobStore(root / "blobs")
        self.entries: list[Entry] = []
        self.opened: list[PlainSandbox] = []
        self.desk = self.another_desk()

    def another_desk(self, *, asking: bool = True) -> Desk:
        """As another process has it."""
        return Desk(
            answers=Answers(self.root / "answers", asking=asking), sandbox=self.open, copies=Copies(kept=3)
        )

    def open(self) -> PlainSandbox:
        self.opened.append(PlainSandbox(self.root / f"sandbox-{len(self.opened)}"))
        return self.opened[-1]

    def file(self, path: str, content: str = "text", rank: int = 0, mode: int = 0o644) -> None:
        digest = self.store.put(content.encode())
        self.add(Entry(path=path, type="file", mode=mode, rank=rank, size=len(content), digest=digest))

    def folder(self, path: str, rank: int = 0, mode: int = 0o755) -> None:
        self.add(Entry(path=path, type="directory", mode=mode, rank=rank))

    def link(self, path: str, target: str) -> None:
        self.add(Entry(path=path, type="symlink", mode=0o777, rank=0, target=target))

    def add(self, entry: Entry) -> None:
        self.entries = sorted([*self.entries, entry], key=lambda e: e.path.encode(errors="surrogateescape"))

    def grading(self, desk: Desk | None = None) -> Grading:
        return Grading(
            Frozen(key=("hr/letter", "golden", 1), store=self.store, manifest=self.manifest),
            desk or self.desk,
        )

    def manifest(self, turn: str) -> Manifest:
        return Manifest(
            task="hr/letter",
            turn=turn,
            time="2024-03-19T09:00:00+08:00",
            files=tuple(self.entries),
            services={},
            clocks={},
        )


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.desk.close()


def test_the_folder_holds_what_was_frozen_in_the_frozen_order(rig: Rig) -> None:
    rig.folder("out", rank=1)
    rig.file("out/late.txt", "late", rank=7)
    rig.file("a.txt", "first", rank=3)
    rig.file("hidden", "secret", rank=4, mode=0)
    rig.file("na\udcffme", "odd")
    folder = rig.grading().workspace("monday")
    found = sorted((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.stat().st_mtime)
    assert [p.name for p in found] == ["na\udcffme", "a.txt", "hidden", "late.txt"]
    assert [p.read_text() for p in found] == ["odd", "first", "secret", "late"]
    assert stat.S_IMODE((folder / "hidden").stat().st_mode) == 0o600
    assert (folder / "out/late.txt").stat().st_mtime == 1710810000
    assert (folder / "out").stat().st_mtime < (folder / "a.txt").stat().st_mtime


def test_the_folder_is_no_part_of_the_store(rig: Rig) -> None:
    rig.file("a.txt")
    file = rig.grading().workspace("monday") / "a.txt"
    assert file.stat().st_nlink == 1
    file.write_text("changed")
    assert rig.store.get(rig.entries[0].digest) == b"text"


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "a.txt").write_text("tex!"),
        lambda folder: (folder / "new").mkdir(),
        lambda folder: (folder / "out/b.txt").unlink(),
        lambda folder: (folder / "a.txt").chmod(0o600),
        lambda folder: os.utime(folder / "a.txt", (1, 1)),
        lambda folder: (folder / "out").chmod(0),
    ],
)
def test_what_a_checker_wrote_no_other_sees_and_the_checker_itself_does(rig: Rig, damage) -> None:
    rig.file("a.txt")
    rig.folder("out")
    rig.file("out/b.txt")
    first = rig.grading()
    folder = first.workspace("monday")
    before = {p: p.stat().st_mtime for p in folder.rglob("*")}
    damage(folder)
    damaged = folder.stat().st_ctime_ns
    assert first.workspace("monday").stat().st_ctime_ns == damaged
    again = rig.grading().workspace("monday")
    assert {p: p.stat().st_mtime for p in again.rglob("*")} == before
    assert (again / "a.txt").read_text() == "text"


def test_a_folder_that_was_only_read_serves_the_next_checker(rig: Rig) -> None:
    rig.file("a.txt")
    first = rig.grading().workspace("monday")
    inode = (first / "a.txt").stat().st_ino
    assert (first / "a.txt").read_text() == "text"
    assert (rig.grading().workspace("monday") / "a.txt").stat().st_ino == inode


def test_turns_have_folders_of_their_own_and_few_are_kept(rig: Rig) -> None:
    rig.file("a.txt")
    folders = [rig.grading().workspace(f"turn{number}") for number in range(5)]
    assert len(set(folders)) == 5
    assert [folder.exists() for folder in folders] == [False, False, True, True, True]


def test_links_are_kept_where_they_lead_inside(rig: Rig) -> None:
    rig.folder("out")
    rig.file("out/b.txt", "inside")
    rig.link("out/absolute", "/workspace/out/b.txt")
    rig.link("relative", "out/../out/absolute")
    rig.link("around", "../workspace/out/b.txt")
    rig.link("door", "out")
    outside = {"passwd": "/etc/passwd", "up": "../x", "dangling": "out/none", "below": "out/b.txt/c"}
    for name, target in {**outside, "circle": "circle", "self": "."}.items():
        rig.link(name, target)
    folder = rig.grading().workspace("monday")
    assert {p.name for p in folder.iterdir()} == {"out", "relative", "around", "door"}
    for name in ("out/absolute", "relative", "around", "door/b.txt"):
        assert (folder / name).read_text() == "inside"
        assert (folder / name).resolve().is_relative_to(folder.resolve())


def test_no_program_that_follows_links_goes_in_circles(rig: Rig) -> None:
    rig.folder("a")
    rig.folder("b")
    rig.link("a/x", "../b")
    rig.link("b/y", "../a")
    rig.link("b/z", "../a/x")
    folder = rig.grading().workspace("monday")
    assert sum(1 for _ in os.walk(folder, followlinks=True)) < 6


def test_a_hostile_workspace_takes_no_time(rig: Rig) -> None:
    for number in range(200):
        rig.link(f"l{number:03}", "/".join([f"l{(number + 1) % 200:03}/."] * 300))
    rig.add(Entry(path="/".join(["x" * 250] * 14), type="directory", mode=0o755, rank=0))
    rig.add(Entry(path="fifo", type="other", mode=0o644, rank=0))
    rig.add(Entry(path="sparse", type="file", mode=0o644, rank=0, size=1 << 60, note="too large"))
    assert list(rig.grading().workspace("monday").iterdir()) == []


def test_a_blob_that_the_run_lost_is_the_world_s_fault(rig: Rig) -> None:
    rig.file("a.txt")
    rig.store.path(rig.entries[0].digest).unlink()
    with pytest.raises(WorldFailure, match="the run lacks the blob"):
        rig.grading().workspace("monday")


def test_a_blob_that_somebody_changed_is_not_graded(rig: Rig) -> None:
    rig.file("a.txt")
    rig.store.path(rig.entries[0].digest).write_text("tex!")
    with pytest.raises(WorldFailure, match="is not what was recorded"):
        rig.grading().workspace("monday")


def test_nothing_is_left_after_the_end(rig: Rig) -> None:
    rig.file("a.txt")
    folder = rig.grading().workspace("monday")
    folder.chmod(0)
    rig.desk.close()
    assert not folder.parent.parent.exists()


def test_a_process_that_was_killed_is_cleaned_up_after(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(rig.root))
    monkeypatch.setattr("pytest_clawmark.grading.copies._IN_MEMORY", rig.root / "none")
    dead, alive = rig.root / "clawmark-grading-dead", Copies()
    (dead / "0123456789abcdef" / "workspace").mkdir(parents=True)
    (dead / "lock").touch()
    rig.file("a.txt")
    mine = alive.hand_out(("mine",), object(), lambda root: None)
    assert not dead.exists()
    rig.grading().workspace("monday")
    assert mine.exists()
    alive.close()


def test_places_of_copies_read_as_the_agent_knew_them(rig: Rig) -> None:
    rig.file("a.txt")
    folder = rig.grading().workspace("monday")
    text = f"no '{folder}/x' in {folder} ({folder / 'a.txt'})"
    assert as_in_the_world(text) == "no '/workspace/x' in /workspace (/workspace/a.txt)"


def test_copies_are_as_long_of_name_wherever_they_lie(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.file("a.txt")
    lengths = set()
    for base in ("a", "b" * 9):
        (rig.root / base).mkdir()
        monkeypatch.setattr("pytest_clawmark.grading.copies._base", lambda base=base: rig.root / base)
        monkeypatch.setattr("pytest_clawmark.grading.copies._LENGTH", len(str(rig.root)) + 60)
        desk = rig.another_desk()
        lengths.add(len(str(rig.grading(desk).workspace("monday"))))
        desk.close()
    assert len(lengths) == 1


def test_a_command_sees_the_frozen_files_and_is_run_once_for_ever(rig: Rig) -> None:
    rig.folder("out")
    rig.file("out/b.txt", "frozen")
    first = rig.grading()
    found = first.run("monday", ["sh", "-c", "cat out/b.txt; printf '\\377' >&2; exit 3"])
    assert (found.exit_code, found.stdout, found.stderr) == (3, b"frozen", b"\xff")
    first.close()
    graded = rig.grading(rig.another_desk(asking=False))
    assert graded.run("monday", ["sh", "-c", "cat out/b.txt; printf '\\377' >&2; exit 3"]) == found
    assert len(rig.opened) == 1


def test_what_was_not_recorded_is_void_when_only_grading(rig: Rig) -> None:
    rig.file("a.txt")
    rig.grading().run("monday", ["true"])
    graded = rig.grading(rig.another_desk(asking=False))
    with pytest.raises(NotRecorded, match=r"no recorded answer to cat a.txt;"):
        graded.run("monday", ["cat", "a.txt"])
    with pytest.raises(NotRecorded):
        rig.grading(rig.another_desk(asking=False)).run("monday", ["true"], env={"A": "1"})
    rig.file("b.txt")
    with pytest.raises(NotRecorded):
        rig.grading(rig.another_desk(asking=False)).run("monday", ["true"])


def test_commands_of_a_checker_share_a_sandbox_and_those_of_another_do_not(rig: Rig) -> None:
    rig.file("a.txt", "0")
    add, show = ["sh", "-c", "printf 1 >> a.txt"], ["cat", "a.txt"]
    grading = rig.grading()
    grading.run("monday", add)
    assert grading.run("monday", show).stdout == b"01"
    other = rig.grading()
    assert other.run("monday", show).stdout == b"0"
    assert other.run("tuesday", show).stdout == b"0"
    assert [len(sandbox.commands) for sandbox in rig.opened] == [2, 1, 1]


def test_a_further_command_after_answers_from_the_record_meets_the_same_sandbox(rig: Rig) -> None:
    rig.file("a.txt", "0")
    add, show = ["sh", "-c", "printf 1 >> a.txt"], ["cat", "a.txt"]
    rig.grading().run("monday", add)
    grading = rig.grading()
    grading.run("monday", add)
    assert len(rig.opened) == 1
    grading.run("monday", add)
    assert grading.run("monday", show).stdout == b"011"


def test_a_sandbox_that_breaks_leaves_no_answer(rig: Rig) -> None:
    grading = rig.grading()
    grading.run("monday", ["true"])
    rig.opened[0].broken = True
    with pytest.raises(WorldFailure):
        grading.run("monday", ["false"])
    assert rig.grading().run("monday", ["true"]).exit_code == 0
    with pytest.raises(NotRecorded):
        rig.grading(rig.another_desk(asking=False)).run("monday", ["false"])


def test_a_question_is_asked_once_and_its_first_answer_stays(rig: Rig) -> None:
    asked: list[int] = []

    def answer() -> dict[str, int]:
        asked.append(1)
        return {"score": len(asked)}

    assert rig.grading().ask({"rubric": 1}, answer) == {"score": 1}
    assert rig.grading().ask({"rubric": 1}, answer) == {"score": 1}
    assert rig.grading().ask({"rubric": 2}, answer) == {"score": 2}
    with pytest.raises(NotRecorded):
        rig.grading(rig.another_desk(asking=False)).ask({"rubric": 3}, answer)


def test_all_who_ask_at_once_get_one_answer(tmp_path: Path) -> None:
    gate, got = threading.Barrier(4), []

    def ask(number: int) -> None:
        def answer() -> int:
            gate.wait(10)
            return number

        got.append(Answers(tmp_path).ask("what?", answer))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 1
    assert Answers(tmp_path).find("what?") == got[0]
    assert [p.suffix for p in tmp_path.rglob("*") if p.is_file()] == [".json"]


def test_an_answer_that_fails_is_not_recorded(tmp_path: Path) -> None:
    def fail() -> int:
        raise RuntimeError("no judge")

    with pytest.raises(RuntimeError):
        Answers(tmp_path).ask("what?", fail)
    with pytest.raises(ValueError, match="not null"):
        Answers(tmp_path).ask("what?", lambda: None)
    assert Answers(tmp_path).ask("what?", lambda: 5) == 5


def test_a_damaged_answer_is_void(tmp_path: Path) -> None:
    Answers(tmp_path).ask("what?", lambda: 5)
    next(p for p in tmp_path.rglob("*.json")).write_text("{")
    with pytest.raises(NotRecorded, match="cannot be read"):
        Answers(tmp_path).ask("what?", lambda: 5)
