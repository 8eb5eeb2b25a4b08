"""A world that was frozen and restored is the world that it was: nothing in it can tell the difference."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.snapshots.private import PrivateState
from pytest_clawmark.snapshots.store import BlobStore, DamagedRun

WORK = """
import imaplib, json, os, smtplib, urllib.request
from email.message import EmailMessage
from urllib.parse import urlsplit

imap = urlsplit(os.environ["CLAWMARK_EMAIL_IMAP_URL"])
smtp = urlsplit(os.environ["CLAWMARK_EMAIL_SMTP_URL"])
message = EmailMessage()
message["To"], message["From"], message["Subject"] = "mia@company.example", "mia@company.example", "Note to self"
message.set_content("All done.")
with smtplib.SMTP(smtp.hostname, smtp.port, local_hostname="desk") as client:
    client.send_message(message)
with imaplib.IMAP4(imap.hostname, imap.port) as client:
    client.login("mia@company.example", "any")
    client.select("INBOX")
    print(client.uid("SEARCH", "ALL"), client.untagged_responses.get("UIDVALIDITY"))
    client.append("Drafts", None, None, b"Subject: draft" + bytes([13, 10, 13, 10]) + b"text")
request = urllib.request.Request(
    os.environ["CLAWMARK_DESK_URL"] + "/tickets",
    data=json.dumps({"title": "Toner"}).encode(),
    headers={"Content-Type": "application/json"},
)
print(urllib.request.urlopen(request).read().decode())
"""


def frozen(office, store: BlobStore) -> tuple[Manifest, PrivateState]:
    """A moment as an episode records it, by way of JSON."""
    state = office.world.freeze(store)
    belongings = office.world.freeze_belongings(store)
    manifest = Manifest(
        task="t",
        turn="monday",
        time="2024-03-19T09:00:00+08:00",
        files=state.files,
        services=state.services,
        clocks=state.clocks,
        memory=state.memory,
    )
    private = PrivateState(
        of=manifest.digest,
        workspace=state.details,
        home=belongings.home,
        tmp=belongings.tmp,
        session=None,
        audit=0,
        message=None,
    )
    return (
        Manifest.from_json(json.loads(json.dumps(manifest.to_json()))),
        PrivateState.from_json(json.loads(json.dumps(private.to_json()))),
    )


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def test_services_go_on_as_if_nothing_had_happened(open_office, store: BlobStore) -> None:
    one = open_office()
    author = one.world.services["notion"].author
    author.create_database("plans", columns={"Name": "title"}, rows=[{"Name": "one"}])
    one.world.services["calendar"].author.create("team")
    one.world.services["sheets"].author.create("budget", tabs={"Q1": [["Item"], ["Pens"]]})
    one.python(WORK)
    one.world.memory["page"] = [1, {"id": "x"}]
    manifest, private = frozen(one, store)
    two = open_office()
    assert two.world.restore(store, manifest, private) == []
    assert two.world.memory == {"page": [1, {"id": "x"}]}
    assert {name: clock.ticks for name, clock in two.world.clocks.items()} == dict(manifest.clocks)
    assert frozen(two, store)[0].digest == manifest.digest
    assert one.python(WORK) == two.python(WORK)
    for world in (one.world, two.world):
        world.services["notion"].author.database("plans").add(Name="two")
        world.services["sheets"].author.create("other", tabs={"A": [["x"]]})
        world.services["calendar"].author.add(
            "team", "Call", "2024-03-22T10:00+08:00", "2024-03-22T11:00+08:00"
        )
    (first, _), (second, _) = frozen(one, store), frozen(two, store)
    assert first.services == second.services
    assert first.clocks == second.clocks


LOOK = (
    "for d in . ~ /tmp; do (cd $d 2>/dev/null && find . -mindepth 1 ! -path './.cache*' "
    "-printf '%P %y %m %l %n %s %T@\\n' | LC_ALL=C sort); done; stat -c %a ."
)


def test_files_have_their_modes_times_links_and_contents_again(open_office, store: BlobStore) -> None:
    one = open_office()
    one.python("import os; open(b'bad\\xff name', 'w').write('x'); open('new\\nline', 'w').close()")
    one.shell(
        "echo hidden > locked; mkdir -p closed/inner; echo in > closed/inner/file; ln -s /etc/passwd link;"
        "ln -s nowhere/at/all dangling; echo twice > first; mkdir sub; ln first sub/second; mkfifo pipe;"
        "truncate -s 50M sparse; printf end >> sparse; touch -d '2001-02-03 04:05:06' old; chmod 4711 old;"
        "chmod 000 closed/inner closed; chmod 000 locked; chmod 1777 sub; chmod 700 .;"
        "echo mine > ~/diary; rm -r ~/skills; mkdir -p ~/.config/tool; echo cached > ${TMPDIR:-/tmp}/notes"
    )
    seen = one.shell(LOOK)
    manifest, private = frozen(one, store)
    two = open_office()
    assert two.world.restore(store, manifest, private) == []
    again, private_again = frozen(two, store)
    assert again.files == manifest.files
    assert private_again.workspace == private.workspace
    if two.world.sandbox.paths["workspace"] == one.world.sandbox.paths["workspace"]:
        # Where worlds are not isolated, the services' files are put into the home anew.
        assert (private_again.home, private_again.tmp) == (private.home, private.tmp)
        assert two.shell(LOOK) == seen
    assert two.shell("cat ~/diary; chmod 600 locked; cat locked; cat sub/second; tail -c 3 sparse") == (
        "mine\nhidden\ntwice\nend"
    )
    assert two.shell("echo more >> first; cat sub/second") == "twice\nmore"
    assert (
        two.shell("rm -r closed 2>/dev/null; chmod 700 closed closed/inner && cat closed/inner/file") == "in"
    )


def test_what_was_there_before_is_gone(open_office, store: BlobStore) -> None:
    one = open_office()
    manifest, private = frozen(one, store)
    two = open_office()
    two.shell("mkdir -p a/b && touch a/b/c && chmod 000 a/b; touch ~/extra")
    two.world.restore(store, manifest, private)
    assert two.shell("ls -A; ls ~/extra 2>&1 | grep -c 'No such'") == "1"


def test_a_deep_tree_comes_back_as_deep_as_it_was_read(open_office, store: BlobStore) -> None:
    one = open_office()
    one.python("import os\nfor _ in range(200):\n    os.mkdir('d' * 50); os.chdir('d' * 50)\n")
    manifest, private = frozen(one, store)
    two = open_office()
    [lost] = two.world.restore(store, manifest, private)
    assert "nested too deeply" in lost
    assert [entry.path for entry in frozen(two, store)[0].files] == [e.path for e in manifest.files[:-1]]


def test_what_cannot_be_kept_is_named(open_office, store: BlobStore) -> None:
    one = open_office()
    one.python("import socket; socket.socket(socket.AF_UNIX).bind('sock\\n')")
    one.shell("truncate -s 260M ~/vast; echo kept > kept")
    manifest, private = frozen(one, store)
    two = open_office()
    lost = two.world.restore(store, manifest, private)
    workspace = two.world.sandbox.paths["workspace"]
    assert lost == [f"{workspace}/'sock\\n': a socket or device"]
    assert two.shell("stat -c '%s %b' ~/vast") == f"{260 * 1024 * 1024} 0"
    assert two.shell("ls; cat kept") == "kept\nkept"


def test_the_agent_can_change_what_was_restored(open_office, store: BlobStore) -> None:
    one = open_office()
    one.shell("mkdir folder; echo a > folder/file")
    two = open_office()
    two.world.restore(store, *frozen(one, store))
    assert two.shell("echo b >> folder/file && rm folder/file && rmdir folder && touch new && ls") == "new"


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_damaged_run_is_told_instead_of_restored(open_office, store: BlobStore, damage: str) -> None:
    one = open_office()
    one.shell("echo important > file")
    manifest, private = frozen(one, store)
    [entry] = [each for each in manifest.files if each.path == "file"]
    path = store.path(entry.digest)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"unimportan")
    with pytest.raises(DamagedRun, match=entry.digest):
        open_office().world.restore(store, manifest, private)


def test_damaged_service_states_are_told(open_office, store: BlobStore) -> None:
    one = open_office()
    manifest, private = frozen(one, store)
    store.path(manifest.services["email"]).write_bytes(b"{}")
    with pytest.raises(DamagedRun, match=manifest.services["email"]):
        open_office().world.restore(store, manifest, private)


def test_a_blob_that_a_power_cut_emptied_is_written_again(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    digest = store.put(b"content")
    os.truncate(store.path(digest), 0)
    assert store.put(b"content") == digest
    store.sync()
    assert store.checked(digest) == b"content"
