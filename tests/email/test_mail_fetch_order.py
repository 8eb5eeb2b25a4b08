"""Header fields in the order of the question."""

import imaplib
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def box(office: Any) -> Iterator[imaplib.IMAP4]:
    client = office.imap()
    client.append("INBOX", None, None, b"From: a@b.example\r\nSubject: s\r\nTo: c@d.example\r\n\r\nbody\r\n")
    client.select("INBOX")
    yield client
    client.logout()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("SUBJECT FROM", b"SUBJECT FROM"),
        ("FROM SUBJECT", b"FROM SUBJECT"),
        ("to from subject", b"TO FROM SUBJECT"),
        ('"Subject" From', b"SUBJECT FROM"),
        ("X-NONE TO TO", b"X-NONE TO"),
    ],
)
def test_an_answer_names_fields_as_the_question_does(box: imaplib.IMAP4, asked: str, told: bytes) -> None:
    for fetch in (box.fetch, lambda which, what: box.uid("FETCH", which, what)):
        _, ((head, content), *_) = fetch("1", f"(BODY.PEEK[HEADER.FIELDS ({asked})])")
        assert (b"Subject: s" in content) == ("subject" in asked.lower())
        assert b"BODY[HEADER.FIELDS (" + told + b")] {" in head


def test_several_lists_in_one_question_keep_their_orders(box: imaplib.IMAP4) -> None:
    wanted = "(BODY.PEEK[HEADER.FIELDS (TO FROM)]<0.9> BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT DATE)])"
    _, found = box.fetch("1", wanted)
    heads = b"".join(part[0] for part in found if isinstance(part, tuple))
    assert b"BODY[HEADER.FIELDS (TO FROM)]<0>" in heads
    assert b"BODY[HEADER.FIELDS.NOT (SUBJECT DATE)]" in heads


def test_names_that_no_field_has_are_no_fault(box: imaplib.IMAP4) -> None:
    for odd in ('"a(b"', '"a)b" SUBJECT', '""', '"SUBJECT FROM"'):
        status, _ = box.fetch("1", f"(BODY.PEEK[HEADER.FIELDS ({odd})])")
        assert status == "OK"
