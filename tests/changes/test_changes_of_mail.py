"""What changed in mailboxes, and which request was behind it."""

from __future__ import annotations

from typing import Any

import pytest

from clawmark_services import acting_as
from clawmark_services.email import EmailSpec

MIA = "mia@company.example"
HRBP = "hrbp@company.example"


@pytest.fixture
def mail(desk: Any) -> Any:
    opened = desk(EmailSpec(domains=["company.example"]))
    with acting_as("task"):
        opened.author.send("hrbp", to="mia", subject="Review", body="Please look.")
        opened.author.send("hrbp", to="mia", subject="Second", body="And this.")
    opened.look()
    return opened


def test_a_mail_is_told_once_however_many_got_a_copy(desk: Any) -> None:
    fresh = desk(EmailSpec())
    with acting_as("task"):
        fresh.author.send("hrbp", to=["mia", "a@b.example"], cc="c@b.example", subject="Hello", body="x")
    (change,) = fresh.look()
    assert (change.kind, change.item, change.label, change.by) == ("created", "mail", "Hello", "task")
    assert change.after("to") == [MIA, "a@b.example", "c@b.example"]
    assert change.after("delivered to") == [MIA, "a@b.example", "c@b.example", HRBP]


def test_reading_marks_one_message_and_only_that(mail: Any) -> None:
    mail.tool("email_read", uid=2)
    (change,) = mail.look()
    assert (change.item, change.kind, change.label, change.by) == ("message", "updated", "Second", "agent")
    assert change.fields == {"flags": (None, ["\\Seen"])}
    assert change.requests == ("tool.read",)


def test_a_mail_that_bounces_explains_its_return(mail: Any) -> None:
    mail.tool("email_send", to="nobody@elsewhere.example", subject="Lost", body="x")
    changes = mail.look()
    assert {(c.item, c.label, c.by) for c in changes} == {
        ("mail", "Lost", "agent"),
        ("message", "Undelivered Mail Returned to Sender", "agent"),
    }
    assert changes.created(item="mail")[0].after("returned") == ["nobody@elsewhere.example"]


def test_moving_and_deleting_are_told_as_such(mail: Any) -> None:
    with acting_as("task"):
        first, second = mail.author.messages("mia")
        mail.author.move(first, "Done")
        mail.author.delete(second)
    changes = mail.look()
    assert changes.updated("Review")[0].fields["folder"] == ("INBOX", "Done")
    assert changes.deleted("Second")[0].item == "message"
    assert changes.created(item="folder")[0].label == "Done"
    assert not changes.unexplained


def test_reading_does_not_explain_that_another_mail_is_gone(mail: Any) -> None:
    mail.tool("email_read", uid=2)

    def steal(state: Any) -> None:
        inbox = next(f for f in state["mailboxes"][MIA]["folders"] if f["name"] == "INBOX")
        del inbox["messages"][0]

    changes = mail.look(spoilt=steal)
    assert [(c.label, c.kind) for c in changes.unexplained] == [("Review", "deleted")]


def test_a_mail_that_nobody_sent_is_unexplained_though_the_agent_sent_another(mail: Any) -> None:
    mail.tool("email_send", to=HRBP, subject="Done", body="x")

    def forge(state: Any) -> None:
        forged = dict(state["outbox"][-1], content="f" * 64, at="2024-03-19T09:59:00+08:00")
        state["outbox"].append(forged)
        state["contents"]["f" * 64] = f"From: {MIA}\r\nSubject: Pay me\r\n\r\nx"

    changes = mail.look(spoilt=forge)
    assert [c.label for c in changes.unexplained] == ["Pay me"]
    assert [c.label for c in changes.by("agent")] == ["Done"]


def test_a_mail_that_was_rewritten_is_unexplained_whatever_was_asked(mail: Any) -> None:
    mail.tool("email_read", uid=1)

    def rewrite(state: Any) -> None:
        inbox = next(f for f in state["mailboxes"][MIA]["folders"] if f["name"] == "INBOX")
        inbox["messages"][0]["content"] = inbox["messages"][1]["content"]

    (change,) = mail.look(spoilt=rewrite).unexplained
    assert change.fields["subject"] == ("Review", "Second")


def test_refused_requests_explain_nothing(mail: Any) -> None:
    with pytest.raises(Exception, match="no message"):
        mail.tool("email_read", uid=77)

    def mark(state: Any) -> None:
        inbox = next(f for f in state["mailboxes"][MIA]["folders"] if f["name"] == "INBOX")
        inbox["messages"][0]["flags"] = ["\\Flagged"]

    assert len(mail.look(spoilt=mark).unexplained) == 1
