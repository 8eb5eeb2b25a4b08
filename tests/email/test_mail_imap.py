"""Reading mail: imaplib and imapclient over a real socket."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from typing import Any

import imapclient
import pytest

from clawmark_services import acting_as

HRBP = "hrbp@company.example"
MIA = "mia.chen@company.example"


@contextlib.contextmanager
def imap_client(office: Any, login: str = MIA) -> Iterator[imapclient.IMAPClient]:
    with imapclient.IMAPClient("127.0.0.1", office.ports["imap"], ssl=False, timeout=20) as client:
        client.login(login, "any password")
        yield client


def a_mail(subject: str = "Hello", body: str = "text") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = HRBP, MIA, subject
    mail.set_content(body)
    return mail.as_bytes()


def test_an_account_exists_from_its_first_login_with_the_usual_folders(office):
    with imap_client(office, "never.seen@elsewhere.example") as client:
        assert [(flags[-1], name) for flags, _, name in client.list_folders()] == [
            (b"\\HasNoChildren", "INBOX"),
            (b"\\Sent", "Sent"),
            (b"\\Drafts", "Drafts"),
            (b"\\Trash", "Trash"),
        ]


@pytest.mark.parametrize("login", ["mia", "mia.chen", MIA, "MIA.Chen@company.example"])
def test_a_login_by_logical_name_or_local_part_opens_the_declared_mailbox(office, login):
    office.service.author.send("hrbp", to="mia", subject="Hi", body="x")
    with imap_client(office, login) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 1


def test_sasl_plain_logs_in_without_any_check_of_the_password(office):
    with imapclient.IMAPClient("127.0.0.1", office.ports["imap"], ssl=False, timeout=20) as client:
        client.plain_login(MIA, "wrong")
        assert client.folder_exists("INBOX")
    assert ("imap.authenticate", "OK") in office.operations()


def test_mail_sent_by_the_author_is_seen_by_the_next_command_of_a_connected_client(office):
    with imap_client(office) as client:
        client.select_folder("INBOX")
        assert client.search("ALL") == []
        office.service.author.send("hrbp", to="mia", subject="Now", body="x")
        client.noop()
        assert client.search("ALL") == [1]


def test_a_client_that_idles_is_told_of_new_and_of_removed_mail(office):
    with imap_client(office) as client:
        client.select_folder("INBOX")
        client.idle()
        sent = office.service.author.send("hrbp", to="mia", subject="Now", body="x")
        assert (1, b"EXISTS") in client.idle_check(timeout=20)
        office.service.author.recall(sent)
        responses: list[Any] = []
        while (1, b"EXPUNGE") not in responses:
            responses += client.idle_check(timeout=20)
        client.idle_done()


def test_what_the_task_changes_in_silence_between_turns_is_announced_to_a_client_that_idles(office):
    author = office.service.author
    author.send("hrbp", to="mia", subject="Old", body="x")
    with imap_client(office) as client:
        client.select_folder("INBOX")
        client.idle()
        office.service._context.clock.set(datetime.fromisoformat("2024-03-20T09:00+08:00"), "wednesday")
        with acting_as("task", silently=True):
            (old,) = author.messages("mia")
            author.mark(old, seen=True)
            author.send("hrbp", to="mia", subject="New", body="x")
        told: list[Any] = []
        while (2, b"EXISTS") not in told or not any(kind == b"FETCH" for _, kind, *_ in told):
            told += client.idle_check(timeout=20)
        client.idle_done()
        assert client.search(["UNSEEN"]) == [2]
        assert client.fetch([2], ["INTERNALDATE"])[2][b"INTERNALDATE"].day == 20
    assert [line["silent"] for line in office.audit if line["operation"] == "author.mark"] == [True]


def test_a_client_that_dies_while_idling_leaves_nothing_running(office, host):
    client = office.imap()
    client.select()
    client.send(b"t1 IDLE\r\n")
    assert client.readline().startswith(b"+")
    client.sock.shutdown(socket.SHUT_RDWR)
    client.sock.close()
    client.file.close()
    assert all(serving.drain(10) for serving in office.servings)


def test_flags_set_by_a_client_stay_and_are_frozen(office):
    office.service.author.send("hrbp", to="mia", subject="Hi", body="x")
    with imap_client(office) as client:
        client.select_folder("INBOX")
        client.add_flags(1, [b"\\Flagged", b"$Forwarded", b"\\Nonsense"])
        client.fetch(1, ["BODY[]"])
    message = office.view().inbox("mia")[0]
    assert message.flags == {"\\Flagged", "\\Seen", "$Forwarded"}
    assert message.seen


def test_peeking_and_a_read_only_folder_leave_mail_unread(office):
    office.service.author.send("hrbp", to="mia", subject="Hi", body="x")
    with imap_client(office) as client:
        client.select_folder("INBOX")
        client.fetch(1, ["BODY.PEEK[]"])
        client.select_folder("INBOX", readonly=True)
        client.fetch(1, ["BODY[]"])
        with pytest.raises(imapclient.exceptions.IMAPClientError):
            client.add_flags(1, [b"\\Seen"])
        client.close_folder()
    assert not office.view().inbox("mia")[0].seen


def test_the_author_marks_moves_and_deletes_under_a_connected_client(office):
    author = office.service.author
    for subject in ("one", "two", "three"):
        author.send("hrbp", to="mia", subject=subject, body="x")
    with imap_client(office) as client:
        client.select_folder("INBOX")
        one, two, three = author.messages("mia")
        author.mark(one, seen=True)
        author.delete(two)
        author.move(three, "Archive/2024")
        client.noop()
        assert client.search("ALL") == [1]
        assert client.search("SEEN") == [1]
        assert client.select_folder("Archive/2024")[b"EXISTS"] == 1
    with pytest.raises(LookupError, match="not there any more"):
        author.delete(two)


def test_an_append_without_a_date_carries_the_moment_of_its_command(office):
    with imap_client(office) as client:
        client.append("Drafts", a_mail("Draft"), flags=[b"\\Draft"])
        client.append("Drafts", a_mail("Old"), msg_time=datetime.fromisoformat("2024-01-02T03:04:05+00:00"))
    fresh, old = office.view().folder("mia", "Drafts")
    assert fresh.received.isoformat() == "2024-03-19T09:00:03+08:00"
    assert old.received == datetime.fromisoformat("2024-01-02T03:04:05+00:00")
    assert fresh.flags == {"\\Draft"}


def test_uids_never_change_and_are_never_used_again(office):
    with imap_client(office) as client:
        for number in range(3):
            client.append("INBOX", a_mail(str(number)))
        client.select_folder("INBOX")
        client.delete_messages([3])
        client.expunge()
        client.append("INBOX", a_mail("again"))
        client.noop()
        assert client.search("ALL") == [1, 2, 4]
        assert client.move([1], "Trash") is not None
        assert client.search("ALL") == [2, 4]


def test_a_folder_made_anew_has_another_uidvalidity(office):
    with imap_client(office) as client:
        client.create_folder("Work/Interns")
        before = client.folder_status("Work/Interns", ["UIDVALIDITY"])
        client.delete_folder("Work/Interns")
        client.create_folder("Work/Interns")
        assert client.folder_status("Work/Interns", ["UIDVALIDITY"]) != before


def test_renaming_takes_subfolders_along_and_renaming_inbox_hands_over_its_mail(office):
    office.service.author.send("hrbp", to="mia", subject="Hi", body="x")
    with imap_client(office) as client:
        client.create_folder("Work")
        client.create_folder("Work/Interns")
        client.rename_folder("Work", "Done")
        client.rename_folder("INBOX", "Old")
        names = {name for *_, name in client.list_folders()}
        assert {"Done", "Done/Interns", "Old", "INBOX"} <= names
        assert "Work" not in names
        assert client.select_folder("Old")[b"EXISTS"] == 1
        assert client.select_folder("INBOX")[b"EXISTS"] == 0
        with pytest.raises(imapclient.exceptions.IMAPClientError):
            client.rename_folder("Missing", "Anything")
        with pytest.raises(imapclient.exceptions.IMAPClientError):
            client.create_folder("Done")


def test_only_subscribed_folders_are_listed_as_such(office):
    with imap_client(office) as client:
        for name in ("Work", "Work/Deep"):
            client.create_folder(name)
        client.subscribe_folder("Work/Deep")
        client.unsubscribe_folder("Trash")
        assert [name for *_, name in client.list_sub_folders()] == ["INBOX", "Sent", "Drafts", "Work/Deep"]


def test_folder_names_beyond_ascii_survive(office):
    with imap_client(office) as client:
        client.create_folder("简历")
        assert "简历" in [name for *_, name in client.list_folders()]
    assert "简历" in office.view().folders("mia")


@pytest.mark.parametrize("name", ["R&D", "&", "a&b-", "&AGE", "&2D0-", "&&-"])
def test_a_folder_name_with_a_bare_ampersand_is_taken_as_it_stands_and_blocks_nobody(office, name):
    client = office.imap()
    assert client.create(f'"{name}"')[0] == "OK"
    assert client.select(f'"{name}"')[0] == "OK"
    client.logout()
    with imap_client(office) as other:
        assert len(other.list_folders()) == 5
    assert "R&D" in office.view().folders("mia") or name != "R&D"


def test_a_line_longer_than_any_command_ends_the_connection_without_a_fault(office, caplog):
    client = office.imap()
    client.send(b"x NOOP " + b"y" * 3_000_000 + b"\r\n")
    with contextlib.suppress(ConnectionResetError):
        while client.sock.recv(65536):
            continue
    client.sock.close()
    client.file.close()
    assert all(serving.drain(10) for serving in office.servings)
    assert caplog.records == []


def test_search_reads_decoded_subjects_senders_and_bodies(office):
    office.service.author.send(
        "hrbp", to="mia", subject="Zwölf Boxkämpfer", body="Prüfung am Dienstag", sender_name="Jörg"
    )
    office.service.author.send("hrbp", to="mia", subject="Other", body="x" * 100)
    with imap_client(office) as client:
        client.select_folder("INBOX")
        for criteria in (
            ["SUBJECT", "zwölf"],
            ["BODY", "prüfung"],
            ["TEXT", "Boxkämpfer"],
            ["FROM", "Jörg"],
            ["HEADER", "Subject", "Boxk"],
        ):
            assert client.search(criteria, "UTF-8") == [1], criteria
        assert client.search(["UNSEEN", "NOT", "SUBJECT", "Other"]) == [1]
        assert client.search(["SINCE", "19-Mar-2024", "SENTSINCE", "19-Mar-2024"]) == [1, 2]
        assert client.search(["BEFORE", "19-Mar-2024"]) == []


def test_envelope_and_structure_describe_nested_parts_and_attached_mail(office):
    office.service.author.send(
        "hrbp",
        to=["mia", "x@y.example"],
        cc="z@y.example",
        subject="Résumé",
        body="plain",
        html="<p>html</p>",
        attachments=[("cv.pdf", b"%PDF"), ("mail.eml", a_mail("inner", "inside"))],
    )
    with imap_client(office) as client:
        client.select_folder("INBOX")
        data = client.fetch(
            1,
            [
                "ENVELOPE",
                "BODYSTRUCTURE",
                "BODY[1.1]",
                "BODY[2.MIME]",
                "BODY[3.TEXT]",
                "BODY[3.HEADER]",
                "BODY[3.1]",
                "BODY[9]",
                "BODY[TEXT]<0.4>",
            ],
        )[1]
    envelope = data[b"ENVELOPE"]
    assert envelope.subject == b"=?utf-8?q?R=C3=A9sum=C3=A9?="
    assert [str(person) for person in envelope.to] == [MIA, "x@y.example"]
    assert envelope.date is not None
    parts = data[b"BODYSTRUCTURE"][0]
    assert [part[:2] for part in parts[1:]] == [(b"application", b"pdf"), (b"message", b"rfc822")]
    assert data[b"BODY[1.1]"] == b"plain\r\n"
    assert b"application/pdf" in data[b"BODY[2.MIME]"]
    assert data[b"BODY[3.TEXT]"] == data[b"BODY[3.1]"] == b"inside\r\n"
    assert b"Subject: inner" in data[b"BODY[3.HEADER]"]
    assert data[b"BODY[9]"] == b""
    assert len(data[b"BODY[TEXT]<0>"]) == 4


BROKEN = [
    b"",
    b"\r\n",
    b"no header at all",
    b"Subject: only a header",
    b"Content-Type: multipart/mixed\r\n\r\nno boundary",
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\nnever used",
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n--x\r\n\r\n--x",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: ///; =;\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!!",
    b"Content-Type: text/plain; charset=no-such-charset\r\n\r\n\xff\xfe",
    b"Content-Type: text/plain; name*=bogus''%FF; charset*0=u; charset*1=tf\r\n\r\nx",
    b"From: <<>>,,; broken @ (\r\nTo: \xff\xfe\r\nSubject: =?utf-8?b?!!!?= =?x?q?=\r\nDate: never\r\n\r\nx",
    b'From: "a\r\n\tb" <x@y>\r\nSubject: a\r\n b\x00\x80\r\n\r\nx\x00y',
    b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(300)),
]


@pytest.mark.parametrize("raw", BROKEN)
def test_broken_mime_breaks_neither_the_server_nor_the_view(office, raw):
    client = office.imap()
    assert client.append("INBOX", None, None, raw or b" ")[0] == "OK"
    raw = raw or b" "
    client.select()
    items = (
        "(UID ENVELOPE BODYSTRUCTURE BODY RFC822.SIZE BODY[1] BODY[1.MIME] BODY[HEADER.FIELDS (TO)] THREADID)"
    )
    assert client.fetch("1", items)[0] == "OK"
    assert client.fetch("1", "(BINARY[1])")[0] == "OK"
    for criteria in ("TEXT x", "SUBJECT a", "FROM x", "SENTSINCE 1-Jan-2024", "HEADER X-Y z", "BODY y"):
        assert client.search(None, criteria)[0] == "OK"
    sent = client.fetch("1", "(BODY.PEEK[])")[1][0][1]
    client.logout()
    message = office.view().inbox("mia")[0]
    assert sent == message.raw == imap_newlines(raw)
    for name in ("sender", "to", "cc", "bcc", "subject", "body", "html", "message_id", "references"):
        getattr(message, name)
    assert all(attachment.type for attachment in message.attachments)
    listed = next(tool for tool in office.service.tools() if tool.name == "email_list").call()
    assert len(listed["messages"]) == 1


def imap_newlines(raw: bytes) -> bytes:
    """imaplib itself turns bare newlines into CRLF."""
    import imaplib

    return imaplib.MapCRLF.sub(imaplib.CRLF, raw)


@pytest.mark.parametrize(
    "line",
    [b"garbage", b"x1 NOSUCH", b"x1 FETCH", b"x1 SELECT Missing", b"x1 FETCH 1 (FLAGS)", b"\xff\xfe \x00"],
)
def test_nonsense_is_refused_and_audited_and_the_connection_goes_on(office, line):
    client = office.imap()
    client.send(line + b"\r\n")
    assert b" BAD" in (answer := client.readline()) or b" NO" in answer
    assert client.noop()[0] == "OK"
    client.logout()
    refused = [status for _, status in office.operations() if status in ("BAD", "NO")]
    assert len(refused) == 1


def test_a_connection_full_of_nonsense_is_ended(office):
    client = office.imap()
    for _ in range(20):
        client.send(b"x NOSUCH\r\n")
    received = b""
    while chunk := client.sock.recv(65536):
        received += chunk
    assert received.count(b"x BAD") == 20
    client.sock.close()
    client.file.close()


def test_one_audit_line_per_command_never_shows_a_password(office):
    office.service.author.send("hrbp", to="mia", subject="Hi", body="x")
    client = office.imap(None)
    client.login(MIA, "hunter2secret")
    client.select()
    client.uid("FETCH", "1", "(FLAGS)")
    client.logout()
    assert office.operations()[1:] == [
        ("imap.capability", "OK"),
        ("imap.login", "OK"),
        ("imap.select", "OK"),
        ("imap.fetch", "OK"),
        ("imap.logout", "OK"),
    ]
    assert office.audit[4]["request"] == {
        "account": MIA,
        "mailbox": "INBOX",
        "command": "UID FETCH 1 (FLAGS)",
    }
    assert "hunter2secret" not in repr(office.audit)
    assert {line["actor"] for line in office.audit[1:]} == {"agent"}


def test_two_clients_and_the_author_at_once_lose_nothing(office):
    failures: list[BaseException] = []

    def append(count: int) -> None:
        try:
            with imap_client(office) as client:
                for number in range(count):
                    client.append("INBOX", a_mail(str(number)))
        except BaseException as error:
            failures.append(error)

    def send(count: int) -> None:
        for number in range(count):
            office.service.author.send("hrbp", to="mia", subject=str(number), body="x")
            office.service.freeze()

    threads = [threading.Thread(target=target, args=(15,)) for target in (append, append, send)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert [message.uid for message in office.view().inbox("mia")] == list(range(1, 46))


def test_unselect_namespace_and_closing_a_folder_work(office):
    with imap_client(office) as client:
        assert client.namespace().personal == (("", "/"),)
        client.select_folder("INBOX")
        client.unselect_folder()
        client.select_folder("Sent", readonly=True)
        client.close_folder()
        assert b"IDLE" in client.capabilities()
