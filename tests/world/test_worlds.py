"""What a world promises: isolation from other worlds, clocks, freezing, and files of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_clawmark.snapshots.store import BlobStore

POST = "curl -s -H 'Content-Type: application/json' -d '{\"title\": \"late\"}' $CLAWMARK_DESK_URL/tickets"


def test_worlds_side_by_side_share_nothing(open_office, tmp_path: Path) -> None:
    one, two = open_office(seed=1), open_office(seed=2)
    one.shell(f"echo secret > file; {POST}")
    assert two.shell("ls; curl -s $CLAWMARK_DESK_URL/tickets | grep -c late") == "0"
    assert two.audit[-1]["operation"] == "tickets.list"


def test_freezing_kills_what_the_agent_left_running(office, tmp_path: Path) -> None:
    office.shell("(while true; do date +%N > ticking; sleep 0.01; done) >/dev/null 2>&1 &")
    store = BlobStore(tmp_path / "blobs")
    first = office.world.freeze(store)
    second = office.world.freeze(store)
    assert [entry.digest for entry in first.files] == [entry.digest for entry in second.files]


def test_a_request_sent_just_before_the_freeze_is_in_it(office, tmp_path: Path) -> None:
    office.shell(f"for n in 1 2 3 4 5; do ({POST} >/dev/null &); done; sleep 0.1")
    office.world.freeze(BlobStore(tmp_path / "blobs"))
    posted = [entry for entry in office.audit if entry["operation"] == "tickets.create"]
    assert len(office.world.services["desk"].author.tickets.all()) == len(posted)


def test_the_clock_of_each_service_counts_its_own_requests(office) -> None:
    office.shell(
        "curl -s $CLAWMARK_DESK_URL/tickets >/dev/null; curl -s $CLAWMARK_DESK_URL/tickets >/dev/null"
    )
    assert office.world.clocks["desk"].ticks == 2
    assert office.world.clocks["notion"].ticks == 0


def test_links_in_the_workspace_lead_the_host_nowhere(office, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("host only")
    office.shell(f"ln -s {secret} link; ln -s {tmp_path} folder; mkfifo pipe; mkdir -p a/b; echo x > a/b/c")
    files = office.world.files
    with pytest.raises(OSError):
        files.read("link")
    with pytest.raises(OSError):
        files.read("pipe")
    with pytest.raises(OSError):
        files.read("folder/secret")
    store = BlobStore(tmp_path / "blobs")
    entries = {entry.path: entry for entry in office.world.freeze(store).files}
    assert (entries["link"].type, entries["link"].target, entries["link"].digest) == (
        "symlink",
        str(secret),
        None,
    )
    assert entries["pipe"].type == "other"
    assert store.get(entries["a/b/c"].digest) == b"x\n"


def test_odd_names_and_modes_are_frozen(office, tmp_path: Path) -> None:
    office.python("import os; open(b'bad\\xff name', 'w').close(); open('new\\nline', 'w').close()")
    office.shell(
        "echo hidden > locked; chmod 000 locked; mkdir closed; echo in > closed/file; chmod 000 closed"
    )
    store = BlobStore(tmp_path / "blobs")
    entries = {entry.path: entry for entry in office.world.freeze(store).files}
    assert {"bad\udcff name", "new\nline", "locked", "closed", "closed/file"} <= entries.keys()
    assert store.get(entries["locked"].digest) == b"hidden\n"
    assert (entries["locked"].mode, entries["closed"].mode) == (0, 0)
    assert "Permission denied" in office.shell("cat locked; true") or office.shell("id -u") == "0"


def test_a_sparse_file_does_not_fill_the_store(office, tmp_path: Path) -> None:
    office.shell("truncate -s 400M sparse; dd if=/dev/urandom of=real bs=1M count=3 2>/dev/null")
    store = BlobStore(tmp_path / "blobs")
    entries = {entry.path: entry for entry in office.world.freeze(store).files}
    assert entries["real"].size == 3 * 1024 * 1024
    assert entries["sparse"].size == 400 * 1024 * 1024


def test_a_deep_tree_is_frozen_without_running_out_of_anything(office, tmp_path: Path) -> None:
    office.python("import os\nfor _ in range(600):\n    os.mkdir('d'); os.chdir('d')\n")
    entries = office.world.freeze(BlobStore(tmp_path / "blobs")).files
    assert entries[-1].note == "nested too deeply to be read"


def test_the_authors_files_are_the_agents_to_change(office, tmp_path: Path) -> None:
    (tmp_path / "assets" / "in").mkdir(parents=True)
    (tmp_path / "assets" / "in" / "cv.txt").write_text("first")
    files = office.world.files
    files.upload("assets")
    files.write("made/by.txt", "hand")
    assert office.shell("cat in/cv.txt made/by.txt; echo more >> in/cv.txt; rm -r made; ls") == "firsthandin"
    assert files.read("in/cv.txt") == "firstmore\n"
    assert not files.exists("made/by.txt")
    files.delete("in")
    assert office.shell("ls") == ""


def test_nothing_that_an_agent_puts_in_the_way_keeps_the_task_from_writing(office, tmp_path: Path) -> None:
    office.shell(
        f"ln -s {tmp_path} a; mkfifo b; mkdir -p c/d/e && touch c/d/e/f && chmod 000 c/d/e c/d c;"
        "mkdir g && touch g/h && chmod 000 g/h g; touch i; ln -s nowhere j"
    )
    files = office.world.files
    for path in ("a/planted", "b", "c", "g/h", "i/below", "j"):
        files.write(path, f"news of {path}")
        assert files.read(path) == f"news of {path}"
    assert list(tmp_path.iterdir()) == []
    assert office.shell("cat a/planted i/below") == "news of a/plantednews of i/below"


def test_a_tree_too_deep_to_remove_is_put_aside(office) -> None:
    office.python(
        "import os\nos.mkdir('f'); os.chdir('f')\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')\n"
    )
    office.world.files.write("f", "news")
    assert office.world.files.read("f") == "news"


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../up", ""])
def test_the_authors_paths_stay_in_the_workspace(office, path: str) -> None:
    with pytest.raises(ValueError, match="not a path inside the workspace"):
        office.world.files.write(path, "x")


def test_only_the_tasks_own_files_are_uploaded(office, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="outside the task's folder"):
        office.world.files.upload("../../etc")
    with pytest.raises(FileNotFoundError, match="no such file"):
        office.world.files.upload("assets/none.txt")
