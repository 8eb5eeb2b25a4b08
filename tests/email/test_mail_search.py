"""IMAP SEARCH, key by key (RFC 3501, 6.4.4)."""

from __future__ import annotations

import imaplib
from datetime import datetime, timedelta, timezone

import pytest

MIA = "mia.chen@company.example"
CHINA = timezone(timedelta(hours=8))

MAILS = [
    # (flags, arrival, message), in the order of their numbers
    (
        r"(\Seen \Answered)",
        datetime(2024, 3, 1, 23, 30, tzinfo=CHINA),
        (
            b"From: Ann Lee <ann@a.example>\r\nTo: mia@company.example\r\nCc: Bo <bo@b.example>\r\n"
            b"Subject: Budget 2024\r\nDate: Fri, 1 Mar 2024 23:00:00 +0800\r\nX-Team: red\r\n\r\nNumbers inside\r\n"
        ),
    ),
    (
        r"(\Flagged $Work)",
        datetime(2024, 3, 10, 0, 30, tzinfo=CHINA),
        "From: Jörg <jörg@b.example>\r\nTo: x@company.example\r\nBcc: secret@b.example\r\n"
        "Subject: =?utf-8?q?Geh=C3=A4lter?=\r\nDate: Sat, 9 Mar 2024 20:00:00 -0500\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "=C3=9Cberstunden und Gehalt\r\n".encode(),
    ),
    (
        r"(\Deleted \Draft)",
        datetime(2024, 3, 15, 12, 0, tzinfo=CHINA),
        b"Subject: Big\r\nX-Team:\r\nDate: nonsense\r\n\r\n" + b"0123456789\r\n" * 200,
    ),
]


@pytest.fixture
def client(office):
    client = office.imap()
    for flags, arrival, raw in MAILS:
        office.service._store.append(MIA, "INBOX", raw, arrival, flags=flags.strip("()").split())
    client.select()
    yield client
    client.logout()


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("ALL", "1 2 3"),
        ("1,3", "1 3"),
        ("2:*", "2 3"),
        ("*", "3"),
        ("UID 1:2", "1 2"),
        ("ANSWERED", "1"), ("UNANSWERED", "2 3"),
        ("DELETED", "3"), ("UNDELETED", "1 2"),
        ("DRAFT", "3"), ("UNDRAFT", "1 2"),
        ("FLAGGED", "2"), ("UNFLAGGED", "1 3"),
        ("SEEN", "1"), ("UNSEEN", "2 3"),
        ("KEYWORD $Work", "2"), ("UNKEYWORD $Work", "1 3"),
        ("RECENT", "1 2 3"), ("NEW", "2 3"), ("OLD", ""),
        ("BEFORE 10-Mar-2024", "1"), ("ON 10-Mar-2024", "2"), ("SINCE 10-Mar-2024", "2 3"),
        ('ON "1-Mar-2024"', "1"),
        ("SENTBEFORE 9-Mar-2024", "1"), ("SENTON 9-Mar-2024", "2"), ("SENTSINCE 2-Mar-2024", "2"),
        ("FROM ann", "1"), ('FROM "Ann Lee"', "1"), ("FROM A.EXAMPLE", "1"),
        ("TO company", "1 2"), ("CC bo@b", "1"), ("BCC secret", "2"),
        ("SUBJECT budget", "1"), ('SUBJECT ""', "1 2 3"),
        ("BODY numbers", "1"), ("BODY budget", ""), ("TEXT budget", "1"), ("TEXT numbers", "1"),
        ("HEADER X-Team red", "1"), ('HEADER X-Team ""', "1 3"), ("HEADER X-None a", ""),
        ("LARGER 1000", "3"), ("SMALLER 1000", "1 2"),
        ("NOT SEEN", "2 3"), ("NOT NOT SEEN", "1"),
        ("OR SEEN FLAGGED", "1 2"), ("OR (SEEN ANSWERED) (FLAGGED DELETED)", "1"),
        ("SEEN FLAGGED", ""), ("(UNSEEN UNDELETED) 1:3", "2"),
        ("NOT (OR FLAGGED DELETED)", "1"),
        ("CHARSET US-ASCII SUBJECT budget", "1"),
    ],
)  # fmt: skip
def test_each_key_finds_what_it_says(client, key, found):
    assert client.search(None, key) == ("OK", [found.encode()])
    assert client.uid("SEARCH", key) == ("OK", [found.encode()])


@pytest.mark.parametrize(
    ("key", "text"), [("SUBJECT", "gehälter"), ("BODY", "überstunden"), ("FROM", "Jörg")]
)
@pytest.mark.parametrize("charset", ["UTF-8", "ISO-8859-1"])
def test_words_beyond_ascii_are_found_in_the_charset_they_are_given_in(client, key, text, charset):
    client.literal = text.encode(charset)
    assert client.uid("SEARCH", "CHARSET", charset, key) == ("OK", [b"2"])


def test_a_charset_that_nobody_knows_is_refused_with_a_code(client):
    status, (text,) = client.search("KLINGON", "ALL")
    assert (status, b"BADCHARSET" in text) == ("NO", True)


@pytest.mark.parametrize(
    "key", ["NONSENSE", "FROM", "ON 31-Feb-2024", "LARGER many", "OR SEEN", "(SEEN", "0"]
)
def test_a_key_that_makes_no_sense_is_refused_and_the_connection_goes_on(client, key):
    with pytest.raises(imaplib.IMAP4.error):
        client.search(None, key)
    assert client.noop()[0] == "OK"
