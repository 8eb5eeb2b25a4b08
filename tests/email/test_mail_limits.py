"""What a hostile client of the mail service may do: each of these once grew, hung or held without end."""

from __future__ import annotations

import imaplib
import smtplib
import socket
from typing import Any

import pytest

from clawmark_services import Account, ToolError, acting_as
from clawmark_services.email import store as mail_store

HELLO = b"Subject: hello\r\n\r\nhello\r\n"


def _some(client: imaplib.IMAP4, count: int) -> None:
    for number in range(count):
        client.append("INBOX", "", "", b"Subject: %d\r\n\r\nhello\r\n" % number)


def test_a_folder_copied_to_itself_doubles_once_and_stops_at_the_quota(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_store, "MAX_MESSAGES", 20)
    client = office.imap()
    _some(client, 4)
    client.select()
    for expected in (8, 16):
        assert client.copy("1:*", "INBOX")[0] == "OK"
        assert client.select()[1] == [str(expected).encode()]
    status, [text] = client.copy("1:*", "INBOX")
    assert status == "NO"
    assert text.startswith(b"[OVERQUOTA]")
    assert client.select()[1] == [b"16"]
    assert office.operations()[-2] == ("imap.copy", "NO")
    client.logout()


def test_append_and_submission_are_refused_when_there_is_no_room_and_the_author_is_not(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_store, "MAX_BYTES", 1000)
    client = office.imap()
    client.append("INBOX", "", "", HELLO + b"x" * 800)
    status, [text] = client.append("INBOX", "", "", b"Subject: more\r\n\r\n" + b"y" * 800)
    assert (status, text[:11]) == ("NO", b"[OVERQUOTA]")
    with office.smtp() as smtp, pytest.raises(smtplib.SMTPDataError) as refused:
        smtp.sendmail("mia@company.example", ["hrbp@company.example"], HELLO + b"z" * 900)
    assert (refused.value.smtp_code, office.operations()[-1]) == (452, ("smtp.send", 452))
    tools = {tool.name: tool for tool in office.service.tools()}
    with pytest.raises(ToolError, match="no room"):
        tools["email_send"].call(to="hrbp@company.example", subject="more", body="w" * 900)
    with acting_as("task"):
        office.service.author.send("hrbp", to="mia", subject="Another day", body="v" * 900)
    assert client.select()[1] == [b"2"]
    client.logout()


def test_what_was_deleted_makes_room_again(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_store, "MAX_BYTES", 1000)
    client = office.imap()
    client.append("INBOX", "", "", HELLO + b"x" * 800)
    client.select()
    client.store("1", "+FLAGS", "\\Deleted")
    client.expunge()
    assert client.append("INBOX", "", "", HELLO + b"y" * 800)[0] == "OK"
    client.logout()


def test_accounts_and_folders_cannot_be_made_without_end(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_store, "MAX_FOLDERS", 10)
    client = office.imap()
    assert [client.create(f"folder{number}")[0] for number in range(8)].count("OK") == 6
    stranger = office.imap(login=None)
    with pytest.raises(imaplib.IMAP4.error, match="OVERQUOTA"):
        stranger.login("stranger@company.example", "x")
    stranger.logout()
    assert client.create("n" * 300)[1][0].startswith(b"[LIMIT]")
    assert client.rename("folder1", "n" * 300)[1][0].startswith(b"[LIMIT]")
    client.logout()


def test_a_message_takes_only_so_many_keywords(office: Any) -> None:
    client = office.imap()
    _some(client, 1)
    client.select()
    keywords = " ".join(f"k{number}" for number in range(101))
    assert client.store("1", "+FLAGS", f"({keywords})")[1][0].startswith(b"[LIMIT]")
    assert client.store("1", "+FLAGS", "(k1 k2)")[0] == "OK"
    client.logout()


def test_a_mail_takes_only_so_many_recipients(office: Any) -> None:
    with office.smtp() as smtp:
        smtp.ehlo()
        smtp.mail("mia@company.example")
        codes = [smtp.rcpt(f"p{number}@company.example")[0] for number in range(1001)]
    assert codes == [250] * 1000 + [452]


def test_a_list_pattern_that_would_backtrack_for_ever_is_answered(office: Any) -> None:
    client = office.imap()
    client.create("a" * 200)
    assert client.list('""', '"' + "*a" * 40 + '*b"') == ("OK", [None])
    assert len(client.list('""', '"' + "*a" * 40 + '"')[1]) == 1
    assert len(client.list('""', '"%"')[1]) == 5
    assert client.list('""', '"' + "*a" * 5000 + '"')[0] == "OK"
    assert client.list('""', '"InBox"')[1][0].endswith(b"INBOX")
    client.logout()


def test_a_set_that_names_the_same_messages_ten_thousand_times_counts_them_once(office: Any) -> None:
    client = office.imap()
    _some(client, 10)
    client.select()
    wanted = ",".join(["1:*"] * 10_000 + ["3", "2:1", "4294967295", "*"])
    status, found = client.fetch(wanted, "(UID)")
    assert (status, len(found)) == ("OK", 10)
    assert client.uid("FETCH", wanted, "(FLAGS)")[0] == "OK"
    client.logout()


@pytest.mark.parametrize("literal", [b"{99999999999+}", b"{" + b"9" * 5000 + b"+}", b"{70000000+}"])
def test_a_literal_larger_than_any_command_ends_the_connection(office: Any, literal: bytes) -> None:
    with socket.create_connection(("127.0.0.1", office.ports["imap"]), timeout=20) as client:
        client.recv(1000)
        client.sendall(b"a1 LOGIN mia " + literal + b"\r\n")
        client.shutdown(socket.SHUT_WR)
        while client.recv(1000):
            continue
    assert office.imap().logout()[0] == "BYE"


@pytest.mark.parametrize(
    ("door", "head", "answer"),
    [
        ("imap", b"a1 LOGIN mia {60000000+}\r\n", b"* BYE"),
        ("smtp", b"EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n", b"421"),
    ],
)
def test_what_clients_of_a_world_make_the_host_hold_is_bounded(
    office: Any, door: str, head: bytes, answer: bytes
) -> None:
    allowance = office.service._allowance
    assert allowance.take(allowance.most)
    with socket.create_connection(("127.0.0.1", office.ports[door]), timeout=20) as client:
        client.recv(1000)
        client.sendall(head)
        assert client.recv(1000).startswith(answer)
    allowance.give(allowance.most)
    with office.smtp() as smtp:
        smtp.sendmail("a@b.c", ["mia@company.example"], HELLO)
    client = office.imap("mia@company.example")
    assert client.select()[1] == [b"1"]
    client.logout()
    assert all(serving.drain() for serving in office.servings)
    assert allowance.held == 0


def test_a_client_that_leaves_before_its_answer_leaves_nothing_behind(office: Any) -> None:
    with acting_as("task"):
        office.service.author.send("hrbp", to="mia", subject="Large", body="x" * 1_000_000)
    client = office.imap()
    client.select()
    for _ in range(6):
        client.copy("1:*", "INBOX")
        client.select()
    client.send(b"z1 FETCH 1:* BODY.PEEK[]\r\n")
    client.shutdown()
    assert all(serving.drain() for serving in office.servings)
    assert office.service._allowance.held == 0


def test_other_clients_are_answered_while_one_reads_a_large_folder(office: Any) -> None:
    first, second = office.imap(), office.imap(login=Account("hrbp", "hrbp@company.example").address)
    _some(first, 10)
    first.select()
    for _ in range(8):
        first.copy("1:*", "INBOX")
        first.select()
    first.send(b"z1 FETCH 1:* (BODYSTRUCTURE BODY.PEEK[])\r\n")
    assert second.select()[0] == "OK"
    assert second.noop()[0] == "OK"
    second.logout()
    first.shutdown()


@pytest.mark.parametrize(
    "command",
    [
        "FETCH " + "9" * 5000 + " FLAGS",
        "UID SEARCH UID " + "9" * 5000,
        "SEARCH " + "(" * 3000 + "ALL" + ")" * 3000,
        "SEARCH " + "OR " * 3000 + "ALL",
    ],
)
def test_what_no_parser_could_read_is_answered_with_bad(office: Any, command: str) -> None:
    client = office.imap()
    client.select()
    client.send(f"z1 {command}\r\n".encode())
    answer = client.readline()
    assert answer.startswith((b"z1 BAD", b"z1 NO"))
    assert client.noop()[0] == "OK"
    client.logout()
