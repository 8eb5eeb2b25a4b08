"""What is restored is what was frozen, whatever was done by SMTP, IMAP, tools and the author before."""

from __future__ import annotations

import contextlib
import imaplib
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawmark_services import ToolError
from clawmark_services.email import EmailSpec

MIA, HRBP, OUTSIDE = "mia.chen@company.example", "hrbp@company.example", "ann@elsewhere.example"
SPEC = EmailSpec(domains=["company.example"])

folders = st.sampled_from(["INBOX", "Sent", "Work", "Work/Deep", "R&D"])
numbers = st.sampled_from(["1", "2", "1:*", "1,3"])
subjects = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("smtp"), st.lists(st.sampled_from([MIA, HRBP, OUTSIDE]), min_size=1), subjects),
        st.tuples(st.just("author"), st.sampled_from(["mia", HRBP, OUTSIDE]), subjects),
        st.tuples(st.just("tool"), st.sampled_from([MIA, OUTSIDE]), subjects),
        st.tuples(st.just("append"), folders, st.binary(min_size=1, max_size=30)),
        st.tuples(st.just("store"), folders, numbers, st.sampled_from(["+FLAGS", "-FLAGS", "FLAGS"])),
        st.tuples(st.sampled_from(["copy", "move"]), folders, numbers, folders),
        st.tuples(st.just("expunge"), folders, st.just("")),
        st.tuples(st.sampled_from(["create", "delete", "subscribe", "unsubscribe"]), folders),
        st.tuples(st.just("rename"), folders, folders),
    ),
    max_size=10,
)


def play(office, played):
    tools = {tool.name: tool.call for tool in office.service.tools()}
    with office.imap() as imap, office.smtp() as smtp:
        for step in played:
            # What makes no sense is refused: that is a step like any other.
            with contextlib.suppress(imaplib.IMAP4.error, ToolError):
                one(office, imap, smtp, tools, step)


def one(office, imap, smtp, tools, step):
    match step:
        case ("smtp", recipients, subject):
            smtp.sendmail(MIA, recipients, f"Subject: {subject}\r\n\r\n{subject}\r\n".encode())
        case ("author", who, subject):
            office.service.author.send("hrbp", to=who, subject=subject, body=subject)
        case ("tool", who, subject):
            tools["email_send"](to=who, subject=subject, body=subject)
        case ("append", folder, raw):
            imap.append(named(folder), "(\\Seen $New)", None, raw)
        case ("store", folder, which, how):
            imap.select(named(folder))
            imap.store(which, how, "(\\Deleted \\Flagged $Own)")
        case ("copy" | "move", folder, which, to):
            imap.select(named(folder))
            imap.uid(step[0], which, named(to))
        case ("expunge", folder, _):
            imap.select(named(folder))
            imap.expunge()
        case ("rename", before, after):
            imap.rename(named(before), named(after))
        case (verb, folder):
            getattr(imap, verb)(named(folder))


def named(folder):
    return '"' + folder.replace("&", "&-") + '"'


def told(office):
    """Everything that a client can see of a mailbox."""
    seen = []
    with office.imap() as imap:
        seen += [imap.list(), imap.lsub()]
        for line in imap.list()[1]:
            name = line.decode().rpartition(' "/" ')[2]
            seen.append(imap.status(name, "(MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)"))
            seen.append(imap.select(name, readonly=True))
            seen.append(imap.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"))
    return seen


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps, steps)
def test_a_restored_world_looks_alike_to_every_client_and_goes_on_alike(offices, before, after):
    office, again = offices(SPEC), offices(SPEC)
    play(office, before)
    state = json.loads(json.dumps(office.service.freeze(), sort_keys=True))
    again.service.restore(state)
    assert again.service.freeze() == state
    now = office.service._context.clock.now()
    for either in (office, again):
        either.service._context.clock.set(now)
    assert told(again) == told(office)
    for either in (office, again):
        play(either, after)
    assert again.service.freeze() == office.service.freeze()
    for either in (office, again):
        for serving in either.servings:
            serving.close()
