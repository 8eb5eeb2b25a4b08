"""Mail to addresses that do not exist comes back, where a task has said which do."""

from __future__ import annotations

import email
import email.policy
import pickle
from datetime import datetime

import imapclient
import pytest

from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock
from clawmark_services.email import EmailSpec

MIA, HRBP = "mia.chen@company.example", "hrbp@company.example"
SPEC = EmailSpec(domains=["Company.example", "partner.example"])


@pytest.fixture
def office(offices):
    return offices(SPEC)


def submit(office, recipients, raw=b"Subject: Offer\r\nMessage-ID: <1@x>\r\n\r\nAll of it\r\n", sender=MIA):
    with office.smtp() as client:
        assert client.sendmail(sender, recipients, raw) == {}


def test_mail_beyond_the_declared_domains_comes_back_as_a_delivery_report(office):
    submit(office, [HRBP, "ann@elsewhere.example", "Bob@Sub.Company.example", "new@partner.example"])
    view = office.view()
    for reached in (HRBP, "new@partner.example"):
        assert [message.subject for message in view.inbox(reached)] == ["Offer"]
    for missed in ("ann@elsewhere.example", "bob@sub.company.example"):
        assert view.folders(missed) == ()
    (told,) = view.inbox("mia")
    assert told.sender == "mailer-daemon@company.example"
    assert told.in_reply_to == "<1@x>"
    assert told.contains("ann@elsewhere.example", "bob@sub.company.example")
    report = email.message_from_bytes(told.raw, policy=email.policy.default)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert report["Auto-Submitted"] == "auto-replied"
    text, status, header = report.iter_parts()
    assert text.get_content_type() == "text/plain"
    whole, *each = status.get_payload()
    assert whole["Reporting-MTA"] == "dns; greenmail"
    assert [(one["Final-Recipient"], one["Action"], one["Status"]) for one in each] == [
        ("rfc822; ann@elsewhere.example", "failed", "5.1.2"),
        ("rfc822; bob@sub.company.example", "failed", "5.1.2"),
    ]
    assert header.get_content_type() == "text/rfc822-headers"
    assert "Subject: Offer" in header.get_content()
    assert "All of it" not in told.raw.decode()


def test_what_came_back_is_evidence_of_what_was_sent_all_the_same(office):
    submit(office, [HRBP, "ann@elsewhere.example"])
    sent = office.view().sent.only()
    assert sent.recipients == (HRBP, "ann@elsewhere.example")
    assert sent.returned == ("ann@elsewhere.example",)
    assert len(office.view().sent(to="ann@elsewhere.example")) == 1
    assert office.operations() == [("smtp.send", 250)]


def test_a_client_that_idles_is_told_of_the_report(office):
    with imapclient.IMAPClient("127.0.0.1", port=office.ports["imap"], ssl=False, timeout=20) as client:
        client.login(MIA, "x")
        client.select_folder("INBOX")
        client.idle()
        submit(office, ["ann@elsewhere.example"])
        assert (1, b"EXISTS") in client.idle_check(timeout=20)
        client.idle_done()


@pytest.mark.parametrize("sender", ["", "stranger@elsewhere.example", "nobody"])
def test_nobody_is_told_whose_own_address_is_out_of_reach_and_reports_are_never_returned(office, sender):
    submit(office, ["ann@elsewhere.example"], sender=sender)
    assert office.service.freeze()["mailboxes"] == {}
    assert office.view().sent.only().returned == ("ann@elsewhere.example",)


def test_the_tool_and_the_author_get_reports_as_well(office):
    next(tool for tool in office.service.tools() if tool.name == "email_send").call(
        to="ann@elsewhere.example", subject="s", body="b"
    )
    office.service.author.send("hrbp", to="ann@elsewhere.example", subject="s", body="b")
    for who in ("mia", "hrbp"):
        (told,) = office.view().inbox(who)
        assert told.subject == "Undelivered Mail Returned to Sender"


def test_a_declared_account_is_reached_wherever_it_is():
    context = Context(
        service="email",
        clock=ServiceClock(datetime.fromisoformat("2024-03-19T09:00+08:00")),
        ids=Ids(7, "email"),
        accounts=AccountBook(Account("mia", MIA), [Account("lin", "Lin@Home.example")]),
        audit=lambda line: None,
    )
    service = SPEC.open(context)
    service.author.send("mia", to="lin@home.EXAMPLE", subject="Offer", body="x")
    assert len(SPEC.view(service.freeze()).inbox("lin")) == 1
    assert SPEC.view(service.freeze()).inbox("mia") == ()


def test_addresses_and_headers_beyond_ascii_are_reported_as_they_are(office):
    raw = "Subject: Gehälter\r\n\r\nx".encode()
    with office.smtp() as client:
        client.sendmail(MIA, ["jörg@büro.example"], raw, mail_options=["SMTPUTF8"])
    (told,) = office.view().inbox("mia")
    kinds = [part.type for part in told.root.children]
    assert kinds == ["text/plain", "message/global-delivery-status", "message/global-headers"]
    assert "utf-8; jörg@büro.example" in told.raw.decode()
    assert "Gehälter" in told.raw.decode()


def test_a_world_goes_on_alike_after_a_freeze_with_returned_mail(offices):
    office, again = offices(SPEC), offices(SPEC)
    submit(office, ["ann@elsewhere.example"])
    state = office.service.freeze()
    again.service.restore(state)
    assert again.service.freeze() == state
    again.service._context.clock.tick()
    for either in (office, again):
        submit(either, ["bob@elsewhere.example"])
    assert again.service.freeze() == office.service.freeze()


def test_without_domains_every_address_exists(offices):
    office = offices()
    submit(office, ["ann@elsewhere.example"])
    assert len(office.view().inbox("ann@elsewhere.example")) == 1
    assert office.view().inbox("mia") == ()
    assert "returned" not in office.service.freeze()["outbox"][0]


def test_a_declaration_is_a_value():
    assert SPEC.domains == ("company.example", "partner.example")
    assert EmailSpec(domains="company.example").domains == ("company.example",)
    assert pickle.loads(pickle.dumps(SPEC)) == SPEC
    assert {SPEC: 1}[EmailSpec(domains=("partner.example", "company.example", "company.example"))]
    assert SPEC.to_json() == {"service": "email", "domains": ["company.example", "partner.example"]}


@pytest.mark.parametrize("domain", ["@company.example", "a b", "", "a..b", None, "x@y.example"])
def test_what_is_no_domain_is_named(domain):
    with pytest.raises(ValueError, match="is no mail domain: give what stands after the @"):
        EmailSpec(domains=["company.example", domain])
