"""What checkers read and authors write."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from clawmark_services import EvidenceError, ToolError, acting_as
from clawmark_services.email.mime import Part

MIA = "mia.chen@company.example"
HRBP = "hrbp@company.example"


def tool(office, name, **arguments):
    return next(tool for tool in office.service.tools() if tool.name == name).call(**arguments)


def append(office, raw, folder="INBOX"):
    client = office.imap()
    assert client.append(folder, None, None, raw)[0] == "OK"
    client.logout()
    return office.view().folder("mia", folder)[-1]


def test_the_author_writes_a_whole_mail_with_files_of_the_right_types(office, tmp_path):
    sheet = tmp_path / "plan.xlsx"
    sheet.write_bytes(b"PK\x03\x04")
    office.service.author.send(
        "hrbp",
        to=["mia", "x@y.example"],
        cc="z@y.example",
        bcc="secret@y.example",
        subject="Größe",
        body="Hällo\n",
        html="<p>Hällo</p>",
        attachments=[sheet, ("notes.md", "# ä\n".encode()), ("scan.png", b"\x89PNG"), ("odd", b"\x00")],
        sender_name="Ana, HR",
        reply_to="mia",
    )
    message = office.view().inbox("mia")[0]
    assert (message.sender, message.sender_name) == (HRBP, "Ana, HR")
    assert message.to == (MIA, "x@y.example")
    assert message.cc == ("z@y.example",)
    assert message.reply_to == (MIA,)
    assert message.subject == "Größe"
    assert message.body.strip() == "Hällo"
    assert message.html.strip() == "<p>Hällo</p>"
    assert [(attachment.name, attachment.type) for attachment in message.attachments] == [
        ("plan.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("notes.md", "text/markdown"),
        ("scan.png", "image/png"),
        ("odd", "application/octet-stream"),
    ]
    assert message.attachment("plan.xlsx").content == b"PK\x03\x04"
    assert message.attachment("notes.md").text == "# ä\n"
    assert office.view().inbox("secret@y.example")[0].raw == message.raw


def test_answers_form_a_thread(office):
    author = office.service.author
    first = author.send("hrbp", to="mia", subject="Seats", body="x")
    second = author.send("mia", to="hrbp", subject="Re: Seats", body="y", in_reply_to=first)
    (received,) = author.messages("hrbp")
    third = author.send("hrbp", to="mia", subject="Re: Seats", body="z", in_reply_to=received)
    last = office.view().inbox("mia")[-1]
    assert last.in_reply_to == second.message_id
    assert last.references == (first.message_id, second.message_id)
    assert third.references == last.references


def test_a_backdated_mail_arrived_at_its_date(office):
    office.service.author.send("hrbp", to="mia", subject="Old", body="x", date="2024-03-01T08:00+08:00")
    message = office.view().inbox("mia")[0]
    assert message.date == message.received == datetime.fromisoformat("2024-03-01T08:00+08:00")
    with pytest.raises(ValueError, match="needs a time zone"):
        office.service.author.send("hrbp", to="mia", subject="x", body="x", date="2024-03-01T08:00")


def test_a_declared_sender_finds_a_copy_in_sent_and_a_stranger_gets_no_mailbox(office):
    office.service.author.send("hrbp", to="mia", subject="Hi", body="x")
    office.service.author.send("stranger@else.example", to="mia", subject="Yo", body="x")
    assert [message.subject for message in office.view().folder("hrbp", "Sent")] == ["Hi"]
    assert sorted(office.service.freeze()["mailboxes"]) == [HRBP, MIA]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"sender": "boss"}, "no account is called 'boss': use one of hrbp, mia"),
        ({"to": ["mia", "nobody"]}, "no account is called 'nobody'"),
        ({"attachments": ["/no/such/file.pdf"]}, "'/no/such/file.pdf' is no file"),
    ],
)
def test_a_slip_of_the_author_is_named_and_sends_nothing(office, arguments, error):
    whole = {"sender": "hrbp", "to": "mia", "subject": "s", "body": "b"} | arguments
    with pytest.raises((LookupError, OSError), match=error):
        office.service.author.send(whole.pop("sender"), **whole)
    assert office.view().inbox("mia") == ()


def test_recalling_a_mail_removes_every_copy(office):
    sent = office.service.author.send("hrbp", to=["mia", "x@y.example"], subject="Oops", body="x")
    with acting_as("task", silently=True):
        assert office.service.author.recall(sent) == 3
    assert office.view().inbox("mia") == office.view().inbox("x@y.example") == ()
    assert (office.audit[-1]["actor"], office.audit[-1]["silent"]) == ("task", True)


def test_reading_a_mailbox_as_the_author_makes_none(office):
    before = office.service.freeze()
    assert office.service.author.messages("new@y.example") == ()
    assert office.service.freeze() == before


def test_what_the_agent_sent_is_found_by_recipient_subject_and_turn(office):
    tool(office, "email_send", to=[HRBP], subject="Ranking of interns", body="1. Ada", cc=["x@y.example"])
    tool(office, "email_send", to="a@y.example, b@y.example", subject="Other", body="-", bcc=[HRBP])
    view = office.view()
    assert [len(found) for found in (view.sent, view.sent(to="hrbp"), view.sent(subject="RANKING"))] == [
        2,
        2,
        1,
    ]
    assert len(view.sent(to="hrbp", turn="tuesday")) == 2
    assert not view.sent(turn="friday")
    assert view.message(subject="ranking").contains("ada", "INTERNS")
    assert not view.message(subject="ranking").contains("bob")
    assert view.message("hrbp", subject="ranking", sender="mia").to == (HRBP,)
    assert view.message(to="x@y.example").cc == ("x@y.example",)


@pytest.mark.parametrize(
    ("find", "text"),
    [
        (lambda view: view.message(subject="nothing"), "0 mails among what the agent sent fit .*'Figures'"),
        (lambda view: view.message(to="hrbp"), "2 mails"),
        (lambda view: view.message("mia", subject="x"), "in the mailbox of mia"),
        (lambda view: view.folder("mia", "Archive"), "no folder 'Archive'.*INBOX"),
        (lambda view: view.sent(subject="nothing").only(), "exactly one message, found 0"),
        (lambda view: view.sent[5], "no message 5"),
        (lambda view: view.sent[0].attachment("cv.pdf"), "0 files called 'cv.pdf'"),
    ],
)
def test_missing_or_ambiguous_evidence_is_the_agents_failure(office, find, text):
    for _ in range(2):
        tool(office, "email_send", to=HRBP, subject="Figures", body="-")
    with pytest.raises(EvidenceError, match=text):
        find(office.view())


def test_a_name_that_no_task_declares_is_the_checkers_mistake(office):
    with pytest.raises(LookupError, match="no account is called 'bos'"):
        office.view().inbox("bos")


def test_charsets_encoded_words_and_folded_headers_are_decoded(office):
    raw = (
        b"From: =?iso-8859-1?q?J=F6rg?= <J@Y.example>\r\nTo: a@y.example,\r\n b@y.example\r\n"
        b"Subject: =?gb2312?b?xOO6ww==?=\r\n =?gb2312?b?xOO6ww==?= and\r\n\tmore\r\n"
        b"Content-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: base64\r\n\r\nxOO6ww==\r\n"
    )
    message = append(office, raw)
    assert (message.sender, message.sender_name) == ("j@y.example", "Jörg")
    assert message.to == ("a@y.example", "b@y.example")
    assert message.subject == "你好你好 and more"
    assert message.body == "你好"


def test_an_html_mail_reads_as_text(office):
    raw = b"Content-Type: text/html\r\n\r\n<style>p {}</style><p>Dear&nbsp;Mia,</p><div>3 &gt; 2<br>ok</div>"
    assert append(office, raw).body == "Dear Mia,\n3 > 2\nok"


@pytest.mark.parametrize(
    "piece", ["<script", "<!--", "<", "<br", "&", "=?utf-8?q?", "(", "a@", '"', ";", "--x\r\n", "<style></"]
)
def test_hostile_mail_is_read_in_no_time(office, piece):
    many = piece.encode() * 30_000
    raw = (
        b"To: " + many.replace(b"\r\n", b"") + b"\r\nSubject: " + many.replace(b"\r\n", b"") + b"\r\n"
        b"Content-Type: multipart/mixed; boundary=x; a=" + many[:60_000].replace(b"\r\n", b"") + b"\r\n\r\n"
        b"--x\r\nContent-Type: text/html\r\n\r\n" + many
    )
    office.service._store.append(MIA, "INBOX", raw, office.service._context.clock.now())
    (message,) = office.view().inbox("mia")
    started = time.process_time()
    for name in ("to", "bcc", "subject", "body", "attachments"):
        getattr(message, name)
    # Quadratic reading would take minutes.
    assert time.process_time() - started < 10


def test_a_mail_of_millions_of_parts_and_one_of_a_large_file_are_taken_apart_in_no_time():
    head = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
    started = time.process_time()
    assert len(Part.parse(head + b"\n--x\n" * 4_000_000).children) == 10_000
    assert len(Part.parse(head + (b"A" * 76 + b"\r\n") * 400_000 + b"--x--").children) == 1
    assert time.process_time() - started < 5


def test_a_mail_attached_to_a_mail_is_one_file_and_not_its_text(office):
    office.service.author.send(
        "hrbp", to="mia", subject="Fwd", body="outer", attachments=[("a.eml", b"Subject: in\r\n\r\ninner")]
    )
    message = office.view().inbox("mia")[0]
    assert message.body.strip() == "outer"
    assert [attachment.type for attachment in message.attachments] == ["message/rfc822"]
    assert b"inner" in message.attachments[0].content


def test_a_damaged_attachment_or_date_is_unreadable_evidence(office):
    raw = (
        b"Subject: broken\r\nDate: someday\r\nContent-Type: application/pdf; name=a.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nA\r\n"
    )
    message = append(office, raw)
    with pytest.raises(EvidenceError, match=r"'a\.pdf' is unreadable"):
        _ = message.attachments[0].content
    with pytest.raises(EvidenceError, match="no readable date: 'someday'"):
        _ = message.date


def test_tools_list_read_and_search_the_agents_own_mail(office):
    author = office.service.author
    author.send(
        "hrbp",
        to="mia",
        subject="First",
        body="about interns",
        attachments=[("n.txt", b"note"), ("b.bin", b"\x00")],
    )
    author.send("hrbp", to="mia", subject="Second", body="y")
    author.send("hrbp", to="x@y.example", subject="Not hers", body="about interns")
    listed = tool(office, "email_list", limit=1)
    assert [message["subject"] for message in listed["messages"]] == ["Second"]
    read = tool(office, "email_read", uid=1)
    assert read["body"].strip() == "about interns"
    assert read["attachments"] == [
        {"name": "n.txt", "type": "text/plain", "size": 4, "text": "note"},
        {"name": "b.bin", "type": "application/octet-stream", "size": 1},
    ]
    assert [m["uid"] for m in tool(office, "email_list", unread_only=True)["messages"]] == [2]
    assert [m["subject"] for m in tool(office, "email_search", query="INTERNS about")["messages"]] == [
        "First"
    ]
    assert office.view().inbox("mia")[0].seen


def test_sending_by_tool_delivers_threads_and_keeps_a_copy(office):
    first = office.service.author.send("hrbp", to="mia", subject="Seats", body="x")
    told = tool(office, "email_send", to=[HRBP], subject="Re: Seats", body="Three.", reply_to_uid=1)
    view = office.view()
    sent = view.sent.only()
    assert sent.in_reply_to == first.message_id
    assert told["message_id"] == sent.message_id
    assert [message.raw for message in view.folder("mia", "Sent")] == [sent.raw]
    assert view.inbox("mia")[0].flags == {"\\Answered"}
    assert ("tool.send", 200) in office.operations()


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("email_read", {"uid": 9}, "no message with uid 9 in INBOX"),
        ("email_list", {"folder": "Nope"}, "no folder 'Nope': there are INBOX"),
        ("email_send", {"to": [], "subject": "s", "body": "b"}, "needs a recipient"),
        ("email_send", {"to": ["hrbp"], "subject": "s", "body": "b"}, "'hrbp' is not a mail address"),
        ("email_send", {"to": [HRBP], "subject": "s", "body": "b", "reply_to_uid": 9}, "uid 9"),
        ("email_send", {"to": [HRBP], "subject": "s", "body": "\ud83d"}, "half a character"),
    ],
)
def test_a_tool_refuses_what_makes_no_sense_and_changes_nothing(office, name, arguments, text):
    office.imap().logout()
    assert "imap.logout" in dict(office.operations())
    before = office.service.freeze()
    with pytest.raises(ToolError, match=text):
        tool(office, name, **arguments)
    assert office.audit[-1]["status"] == 400
    assert office.service.freeze() == before


def test_names_and_addresses_beyond_ascii_and_a_subject_of_two_lines_can_be_sent(office):
    office.service.author.send("jörg@y.example", to="mia", subject="x", body="y", sender_name='J "Ö" \\, Jr')
    message = office.view().inbox("mia")[0]
    assert (message.sender, message.sender_name) == ("jörg@y.example", 'J "Ö" \\, Jr')
    tool(office, "email_send", to=[HRBP], subject="one\r\nBcc: two@y.example", body="b")
    assert office.view().sent.only().subject == "one Bcc: two@y.example"
    assert office.view().sent.only().bcc == ()


def test_the_skill_and_the_environment_name_the_same_variables(office):
    environment = office.service.environment(
        {"imap": "imap://greenmail:3143", "smtp": "smtp://greenmail:3025"}
    )
    assert environment == {
        "CLAWMARK_EMAIL_ADDRESS": MIA,
        "EMAIL_ADDRESS": MIA,
        "IMAP_HOST": "greenmail",
        "IMAP_PORT": "3143",
        "SMTP_HOST": "greenmail",
        "SMTP_PORT": "3025",
    }
    skill = office.service.skill()
    assert all(name in skill for name in environment if name != "EMAIL_ADDRESS")


def test_the_skills_examples_run_as_they_stand(office, tmp_path, monkeypatch):
    office.service.author.send(
        "hrbp", to="mia", subject="Files", body="x", attachments=[("a/../cv.pdf", b"%PDF")]
    )
    urls = {key: f"{key}://127.0.0.1:{port}" for key, port in office.ports.items()}
    for name, value in office.service.environment(urls).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "report.xlsx").write_bytes(b"PK")
    blocks = office.service.skill().replace("/workspace", str(tmp_path)).split("```python")[1:]
    for block in blocks:
        exec(block.partition("```")[0], {})
    assert (tmp_path / "attachments" / "cv.pdf").read_bytes() == b"%PDF"
    assert office.view().sent.only().attachment("report.xlsx").content == b"PK"


def test_a_copy_of_what_was_sent_is_kept_although_the_folder_was_deleted(office) -> None:
    for who in (MIA, HRBP):
        with office.imap(who) as client:
            assert client.delete("Sent")[0] == "OK"
    tool(office, "email_send", to=[HRBP], subject="Ranking", body="1. Ada")
    office.service.author.send("hrbp", to="mia", subject="Thanks", body="-")
    assert [message.subject for message in office.view().folder("mia", "Sent")] == ["Ranking"]
    assert [message.subject for message in office.view().folder("hrbp", "Sent")] == ["Thanks"]
