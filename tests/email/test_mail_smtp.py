"""Sending mail: smtplib over a real socket."""

from __future__ import annotations

import smtplib
from datetime import datetime
from email.message import EmailMessage

import pytest

HRBP = "hrbp@company.example"
MIA = "mia.chen@company.example"


def a_mail(**headers: str) -> EmailMessage:
    mail = EmailMessage()
    for name, value in ({"From": MIA, "To": HRBP, "Subject": "Figures"} | headers).items():
        mail[name] = value
    mail.set_content("See below.\n")
    return mail


def test_every_recipient_gets_the_mail_and_bcc_shows_in_the_envelope_alone(office):
    with office.smtp() as client:
        client.send_message(a_mail(Cc="x@y.example", Bcc="boss@company.example"))
    view = office.view()
    for who in ("hrbp", "x@y.example", "BOSS@company.example"):
        assert [message.subject for message in view.inbox(who)] == ["Figures"]
    sent = view.sent.only()
    assert sent.to == (HRBP,)
    assert sent.cc == ("x@y.example",)
    assert sent.bcc == ("boss@company.example",)
    assert b"boss@" not in sent.raw
    assert view.inbox("hrbp")[0].bcc == ()


def test_any_login_and_none_at_all_are_accepted(office):
    for credentials in (None, (MIA, "wrong"), ("nobody", "")):
        with office.smtp() as client:
            if credentials:
                client.login(*credentials)
            client.send_message(a_mail())
    assert len(office.view().sent) == 3


def test_date_and_message_id_are_added_at_the_offices_time_when_missing(office):
    with office.smtp() as client:
        client.send_message(a_mail())
    message = office.view().sent.only()
    assert message.date == datetime.fromisoformat("2024-03-19T09:00:01+08:00")
    assert message.received == message.date
    assert message.message_id.endswith("@company.example>")


def test_date_and_message_id_of_the_client_are_kept(office):
    with office.smtp() as client:
        client.send_message(a_mail(Date="Fri, 01 Mar 2024 10:00:00 +0000", **{"Message-ID": "<own@x>"}))
    message = office.view().sent.only()
    assert message.date == datetime.fromisoformat("2024-03-01T10:00+00:00")
    assert message.message_id == "<own@x>"
    assert office.service.freeze()["ids"] == 0


def test_the_outbox_tells_who_sent_what_when_and_in_which_turn(office):
    office.service.author.send("hrbp", to="mia", subject="Task's own", body="x")
    with office.smtp() as client:
        client.sendmail("forged@company.example", [HRBP], b"From: hrbp@company.example\r\n\r\nforged")
    sent = office.view().sent.only()
    assert (sent.actor, sent.turn, sent.account, sent.sender) == (
        "agent",
        "tuesday",
        "forged@company.example",
        HRBP,
    )
    assert len(office.service.freeze()["outbox"]) == 2


@pytest.mark.slow
def test_a_file_of_25_megabytes_arrives_whole(office):
    content = bytes(range(256)) * 4 * 25 * 1024
    mail = a_mail()
    mail.add_attachment(content, "application", "octet-stream", filename="big.bin")
    with office.smtp() as client:
        client.send_message(mail)
    with office.imap(HRBP) as client:
        client.select()
        raw = client.fetch("1", "(BODY[])")[1][0][1]
        assert client.append("Drafts", None, None, raw)[0] == "OK"
    message = office.view().inbox("hrbp")[0]
    assert message.raw == raw
    assert message.attachment("big.bin").content == content


@pytest.mark.slow
def test_a_mail_over_the_limit_is_refused_and_audited_but_not_kept(office):
    with office.smtp() as client:
        client.ehlo()
        client.mail(MIA)
        client.rcpt(HRBP)
        code, _ = client.data((b"y" * 76 + b"\r\n") * 550_000)
    assert code == 552
    assert ("smtp.send", 552) in office.operations()
    assert office.view().inbox("hrbp") == ()


def test_the_limit_is_announced_and_a_mail_that_declares_more_is_refused_at_once(office):
    with office.smtp() as client:
        client.ehlo()
        limit = int(client.esmtp_features["size"])
        assert limit > 35 * 1024 * 1024
        assert client.mail(MIA, [f"SIZE={limit}"])[0] == 250
        client.rset()
        assert client.mail(MIA, [f"SIZE={limit + 1}"])[0] == 552


@pytest.mark.parametrize("recipient", ["nobody", "@company.example", "nobody@", "<>"])
def test_a_recipient_without_a_mail_address_is_refused(office, recipient):
    with office.smtp() as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail(MIA, [recipient], b"x")
    assert office.audit == []


def test_addresses_and_headers_beyond_ascii_pass(office):
    with office.smtp() as client:
        mail = a_mail(To="müller@company.example", Subject="Grüße 你好")
        client.send_message(mail, mail_options=["SMTPUTF8"])
    message = office.view().inbox("müller@company.example")[0]
    assert message.subject == "Grüße 你好"


def test_a_body_on_one_line_of_100_kilobytes_passes(office):
    with office.smtp() as client:
        client.sendmail(MIA, [HRBP], b"Subject: long\r\n\r\n" + b"x" * 100_000)
    assert len(office.view().inbox("hrbp")[0].body) >= 100_000


def test_each_mail_is_one_audit_line(office):
    with office.smtp() as client:
        client.send_message(a_mail())
        client.send_message(a_mail(Subject="Again"))
    assert office.operations() == [("smtp.send", 250), ("smtp.send", 250)]
    line = office.audit[0]
    assert line["actor"] == "agent"
    assert line["request"]["recipients"] == [HRBP]
    assert line["request"]["subject"] == "Figures"


def test_a_client_gone_in_the_middle_of_its_data_leaves_nothing(office):
    client = office.smtp()
    client.ehlo()
    client.mail(MIA)
    client.rcpt(HRBP)
    client.docmd("DATA")
    client.send(b"Subject: half")
    client.sock.close()
    client.file.close()
    assert all(serving.drain(10) for serving in office.servings)
    assert office.audit == []
    assert not office.view().sent
