"""Whatever clients send: no fault of ours, nobody else waits, nothing is lost."""

from __future__ import annotations

import logging
import smtplib
import socket
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawmark_services.email import EmailSpec

MIA = "mia.chen@company.example"
MAIL = b"Subject: kept\r\n\r\nx\r\n"
FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

WORDS = (
    "SEARCH FETCH STORE COPY MOVE UID APPEND SELECT EXAMINE STATUS LIST LSUB CREATE RENAME DELETE SUBSCRIBE "
    "EXPUNGE CLOSE UNSELECT IDLE DONE NAMESPACE CAPABILITY ID CHECK NOOP AUTHENTICATE LOGIN STARTTLS ALL NOT OR "
    "SEEN HEADER SUBJECT BODY TEXT CHARSET UTF-8 hex undefined idna RETURN (ALL COUNT) KEYWORD SINCE ON "
    "1-Mar-2024 0 1 * 1:* *:1 4294967295 99999999999999999999 (FLAGS) (BODY[]) BODY[1.2.3] BODY[HEADER.FIELDS "
    "BODY[]<0.5> RFC822 (ENVELOPE BODYSTRUCTURE) ENVELOPE +FLAGS -FLAGS.SILENT (\\Seen) \\Recent (\\Nope $x) "
    'INBOX "INBOX" Sent "a/b" {3} {3+} {99999999999} ( ) (( [] "" " \\ % * & &- &AAA &ZeVnLIqe- ~{3} NIL'
)
words = st.sampled_from(WORDS.split(" "))
lines = st.lists(
    st.one_of(words, st.text(st.characters(codec="latin-1"), max_size=6)), min_size=1, max_size=8
).map(" ".join)


def talk(port, sent):
    """Send bytes and read until the server hangs up; the last thing said is always a farewell."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@FUZZ
@given(st.lists(lines, min_size=1, max_size=6))
def test_no_imap_command_is_a_fault_or_loses_a_mail(office, caplog, given):
    caplog.set_level(logging.ERROR)
    store = office.service._store
    before = len(store.folder(MIA, "Trash").messages)
    store.append(MIA, "Trash", MAIL, office.service._context.clock.now())
    said = "".join(f"t{number} {line}\r\n" for number, line in enumerate(given)).encode("utf-8")
    answer = talk(office.ports["imap"], b"a LOGIN mia x\r\nb SELECT INBOX\r\n" + said)
    assert b"b OK" in answer
    assert not any(isinstance(line["status"], int) and line["status"] >= 500 for line in office.audit)
    assert caplog.records == []
    assert len(store.folder(MIA, "Trash").messages) == before + 1


SMTP_WORDS = (
    "HELO EHLO MAIL RCPT DATA RSET NOOP QUIT VRFY AUTH HELP FROM: TO: FROM:<a@b> TO:<a@b> TO:<> FROM:<> SIZE=9 "
    "SIZE=99999999999 BODY=8BITMIME SMTPUTF8 PLAIN LOGIN AGEAYg== . .. x <\xfc@b> TO:<@x:a@b>"
)
smtp_words = st.sampled_from([*SMTP_WORDS.split(" "), 'TO:<"a b"@c>'])
smtp_lines = st.lists(
    st.one_of(smtp_words, st.text(st.characters(codec="latin-1"), max_size=6)), min_size=1, max_size=5
).map(" ".join)


@FUZZ
@given(st.lists(smtp_lines, min_size=1, max_size=8), st.sampled_from(["latin-1", "utf-8"]))
def test_no_smtp_session_is_a_fault(office, caplog, given, charset):
    caplog.set_level(logging.ERROR)
    talk(office.ports["smtp"], "".join(f"{line}\r\n" for line in given).encode(charset, "replace"))
    assert not any(isinstance(line["status"], int) and line["status"] == 500 for line in office.audit)
    assert [record for record in caplog.records if record.name.startswith("clawmark")] == []


PIECES = [
    b"From: a@b\r\n",
    b"To: \xff\r\n",
    b"Subject: =?utf-8?b?!?=\r\n",
    b"Date: 99 Xxx 99999\r\n",
    b"Message-ID: <\r\n",
    b"References: " + b"<a> " * 9,
    b" folded\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\x00",
    b"text",
    b"====",
    b"--x\r\n",
    b"--x--\r\n",
    b"Content-Type: multipart/mixed; boundary=x\r\n",
    b"Content-Type: multipart/alternative; boundary=\r\n",
    b"Content-Type: message/rfc822\r\n",
    b'Content-Type: text/plain; charset="nope"\r\n',
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Disposition: attachment; filename*=x'y'%ZZ\r\n",
]
pieces = st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join)


@FUZZ
@given(pieces)
def test_broken_mail_arrives_as_it_was_sent_and_can_be_fetched_in_every_way(office, caplog, raw):
    caplog.set_level(logging.ERROR)
    with office.smtp() as client:
        client.sendmail(MIA, [MIA], raw or b"\r\n")
    with office.imap() as client:
        client.select()
        number = str(len(office.service._store.folder(MIA, "INBOX").messages))
        asked = "(FLAGS UID ENVELOPE BODY BODYSTRUCTURE RFC822.SIZE BODY.PEEK[TEXT] BODY[1] BODY[1.MIME] BINARY[1])"
        assert client.fetch(number, asked)[0] == "OK"
        assert client.search(None, "OR TEXT a BODY b", "SENTSINCE 1-Jan-2024")[0] == "OK"
    assert caplog.records == []
    message = EmailSpec().view(office.service.freeze()).inbox("mia")[-1]
    assert (message.body, message.attachments, message.sender) is not None


def test_sixteen_clients_of_every_protocol_at_once_lose_nothing(office):
    failures = []

    def write(worker):
        try:
            with office.imap() as reader, office.smtp() as sender:
                reader.select("Sent")
                for number in range(6):
                    name = f"{worker}-{number}"
                    sender.sendmail(MIA, [MIA, f"w{worker}@y.example"], f"Subject: {name}\r\n\r\nx".encode())
                    reader.append("Drafts", None, None, f"Subject: {name}\r\n\r\n".encode())
                    office.service.author.send("hrbp", to="mia", subject=name, body="x")
                    reader.noop()
        except (OSError, smtplib.SMTPException, reader.error) as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    view = office.view()
    names = sorted(f"{worker}-{number}" for worker in range(16) for number in range(6))
    assert sorted(message.subject for message in view.inbox("mia")) == sorted(names * 2)
    assert sorted(message.subject for message in view.folder("mia", "Drafts")) == names
    assert [message.uid for message in view.inbox("mia")] == list(range(1, len(names) * 2 + 1))
    assert len(view.sent) == len(names)
    assert all(len(view.inbox(f"w{worker}@y.example")) == 6 for worker in range(16))
    assert len({line["time"] for line in office.audit}) == len(office.audit)


@pytest.mark.parametrize(
    "keys", ["SUBJECT \xfc", "CHARSET undefined ALL", "CHARSET hex TEXT a", "CHARSET idna TEXT a"]
)
def test_a_search_in_no_charset_or_a_strange_one_ends_no_connection(office, keys):
    said = f"a LOGIN mia x\r\nb SELECT INBOX\r\nc SEARCH {keys}\r\nd NOOP\r\n".encode()
    assert b"d OK" in talk(office.ports["imap"], said)
