"""Freezing: exact, canonical, and the same in every process."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawmark_services.email import EmailSpec

CONFTEST = Path(__file__).with_name("conftest.py")
MIA = "mia.chen@company.example"
HRBP = "hrbp@company.example"

SCRIPT = """
import hashlib, json, runpy, smtplib, socket, sys
from clawmark_services.serving import ServiceHost
office = runpy.run_path(sys.argv[1])["make_office"]()
host = ServiceHost()
for endpoint in office.service.endpoints:
    listener = socket.create_server(("127.0.0.1", 0))
    office.ports[endpoint.key] = listener.getsockname()[1]
    office.servings.append(host.serve(listener, office.service.door(endpoint.key)))
office.service.author.send(
    "hrbp", to=["mia", "z@y.example", "a@y.example"], subject="Gr\\u00fc\\u00dfe", body="\\u00e4", html="<p>x</p>",
    attachments=[("a.xlsx", b"PK"), ("b.txt", b"x")],
)
with office.smtp() as client:
    raw = b"Subject: x\\r\\n\\r\\n\\xff"
    client.sendmail("mia.chen@company.example", ["hrbp@company.example", "b@y.example"], raw)
client = office.imap()
client.select()
client.create("Work/Deep")
client.fetch("1", "(FLAGS ENVELOPE BODYSTRUCTURE EMAILID THREADID BODY[])")
client.store("1", "+FLAGS", "($Z $A \\\\Flagged)")
client.copy("1", "Work/Deep")
client.append("Drafts", None, None, b"Subject: draft\\r\\n\\r\\nx")
client.search(None, "TEXT x")
client.logout()
for tool in office.service.tools():
    if tool.name == "email_send":
        tool.call(to=["hrbp@company.example"], subject="s", body="b")
for serving in office.servings:
    # Nobody is cut: a slow machine must not look like a connection that does not end.
    assert serving.drain(60)
    serving.close()
host.close()
state = json.dumps(office.service.freeze(), sort_keys=True)
print(hashlib.sha256(state.encode()).hexdigest(), hashlib.sha256(json.dumps(office.audit).encode()).hexdigest())
"""


@pytest.mark.slow
def test_the_same_bytes_freeze_alike_in_another_process_hash_seed_and_time_zone():
    printed = set()
    for seed, zone in (("1", "UTC"), ("2", "America/New_York"), ("3", "Asia/Kathmandu")):
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(CONFTEST)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        printed.add(done.stdout)
    assert len(printed) == 1


def make_office():
    return runpy.run_path(str(CONFTEST))["make_office"]()


def thawed(state):
    """The state as it comes back from a file."""
    return json.loads(json.dumps(state, sort_keys=True))


folders = st.sampled_from(["INBOX", "Sent", "Work", "Work/Deep"])
flags = st.sets(st.sampled_from(["\\Seen", "\\Flagged", "$Done"]))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), folders, st.binary(max_size=40), flags),
        st.tuples(
            st.just("send"), st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=10)
        ),
        st.tuples(st.just("remove"), folders, st.integers(1, 4)),
        st.tuples(st.just("rename"), folders, folders),
        st.tuples(st.just("subscribe"), folders, st.booleans()),
    ),
    max_size=12,
)


def play(office, step):
    store, now = office.service._store, office.service._context.clock.now()
    try:
        match step:
            case ("append", folder, raw, marks):
                if folder not in store.folder_names(MIA):
                    store.create_folder(MIA, folder)
                store.append(MIA, folder, raw, now, flags=marks)
            case ("send", subject):
                office.service.author.send("hrbp", to="mia", subject=subject, body=subject)
            case ("remove", folder, uid):
                store.remove(MIA, folder, [uid])
            case ("rename", before, after):
                store.rename_folder(MIA, before, after)
            case ("subscribe", folder, on):
                store.subscribe(MIA, folder, subscribed=on)
    except (KeyError, ValueError):
        return


@settings(max_examples=40, deadline=None)
@given(steps)
def test_restoring_what_was_frozen_changes_nothing_and_play_goes_on_alike(played):
    office, again = make_office(), make_office()
    for step in played:
        play(office, step)
    state = thawed(office.service.freeze())
    again.service.restore(state)
    assert again.service.freeze() == state
    again.service._context.clock.set(office.service._context.clock.now())
    office.service._context.clock.set(office.service._context.clock.now())
    for step in [*played, ("send", "more")]:
        play(office, step)
        play(again, step)
    assert again.service.freeze() == office.service.freeze()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_are_beyond_the_view(raw):
    office = make_office()
    office.service._store.append(MIA, "INBOX", raw, office.service._context.clock.now())
    (message,) = EmailSpec().view(thawed(office.service.freeze())).inbox("mia")
    assert message.raw == raw
    for name in (
        "sender",
        "to",
        "cc",
        "bcc",
        "reply_to",
        "subject",
        "body",
        "html",
        "references",
        "attachments",
    ):
        getattr(message, name)
    repr(message)


def test_a_connected_client_sees_what_was_restored(offices):
    office = offices()
    before = office.service.freeze()
    office.service.author.send("hrbp", to="mia", subject="Hi", body="x")
    filled = office.service.freeze()
    client = office.imap()
    assert client.select() == ("OK", [b"1"])
    office.service.restore(before)
    assert client.noop()[0] == "OK"
    assert client.search(None, "ALL") == ("OK", [b""])
    office.service.restore(filled)
    client.noop()
    assert client.search(None, "ALL") == ("OK", [b"1"])
    client.logout()


def test_the_bytes_of_a_mail_are_frozen_once_and_forgotten_with_their_last_copy(offices):
    office = offices()
    author = office.service.author
    author.send("hrbp", to=["mia", "a@y.example", "b@y.example"], subject="Hi", body="x")
    assert len(office.service.freeze()["contents"]) == 1
    client = office.imap()
    client.append("Drafts", None, None, b"Subject: gone\r\n\r\n")
    assert len(office.service.freeze()["contents"]) == 2
    (draft,) = author.messages("mia", "Drafts")
    author.delete(draft)
    assert len(office.service.freeze()["contents"]) == 1
    client.logout()


def test_frozen_text_is_readable_and_other_bytes_are_base64(offices):
    office = offices()
    client = office.imap()
    client.append("INBOX", None, None, "Subject: ä\r\n\r\n".encode())
    client.append("INBOX", None, None, b"\xff\r\n")
    client.logout()
    contents = list(office.service.freeze()["contents"].values())
    assert "Subject: ä\r\n\r\n" in contents
    assert {"base64": "/w0K"} in contents


def test_the_spec_is_a_value():
    import pickle

    assert pickle.loads(pickle.dumps(EmailSpec())) == EmailSpec()
    assert EmailSpec().to_json() == {"service": "email"}
