"""Services whose answers fail on purpose, through real clients: what these see, and what it leaves behind."""

from __future__ import annotations

import http.client
import imaplib
import json
import smtplib
import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from clawmark_services import Account, AccountBook, Context, Ids, Service, ServiceClock, ToolError, acting_as
from clawmark_services.calendar import CalendarSpec
from clawmark_services.email import EmailSpec
from clawmark_services.faults import FaultPlan, FaultSchedule
from clawmark_services.faulty import with_faults
from clawmark_services.notion import NotionSpec
from clawmark_services.rest import RestApi
from clawmark_services.serving import ServiceHost, Serving
from clawmark_services.sheets import SheetsSpec
from pytest_clawmark.schemas import validate

MIA, BOSS = "mia@company.example", "boss@company.example"
DESK = RestApi("desk", resources={"tickets": {"properties": {"title": {"type": "string"}}}})
LETTER = f"From: {MIA}\r\nTo: {BOSS}\r\nSubject: Hi\r\n\r\nHello\r\n"


class Office:
    """One service that meets the faults of a plan, served on ports of this machine."""

    def __init__(self, host: ServiceHost, spec: Any, plan: FaultPlan | None) -> None:
        self.audit: list[dict[str, Any]] = []
        self.clock = ServiceClock(datetime.fromisoformat("2024-03-19T09:00+08:00"), "monday")
        self.context = Context(
            service=spec.name,
            clock=self.clock,
            ids=Ids(7, spec.name),
            accounts=AccountBook(Account("mia", MIA), [Account("boss", BOSS)]),
            audit=self.audit.append,
            faults=FaultSchedule(plan, "1") if plan is not None else None,
        )
        self.service: Service = with_faults(spec.open(self.context), self.context)
        self.servings: dict[str, Serving] = {}
        for endpoint in self.service.endpoints:
            listener = socket.create_server(("127.0.0.1", 0))
            self.servings[endpoint.key] = host.serve(listener, self.service.door(endpoint.key))

    def port(self, key: str | None = None) -> int:
        serving = self.servings[key] if key else next(iter(self.servings.values()))
        return int(serving.listener.getsockname()[1])

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, str], str]:
        client = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=20)
        try:
            content = None if body is None else json.dumps(body)
            client.request(method, path, body=content, headers={"Content-Type": "application/json"})
            answer = client.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            client.close()

    def tool(self, name: str, **arguments: Any) -> Any:
        return next(tool for tool in self.service.tools() if tool.name == name).call(**arguments)

    @property
    def faults(self) -> list[tuple[str, Any, str | None]]:
        return [(line["operation"], line["status"], line.get("fault")) for line in self.audit]

    def close(self) -> None:
        for serving in self.servings.values():
            serving.close()


@pytest.fixture(scope="module")
def host() -> Iterator[ServiceHost]:
    host = ServiceHost()
    yield host
    host.close()


@pytest.fixture
def opened(host: ServiceHost) -> Iterator[Any]:
    offices: list[Office] = []

    def open_office(spec: Any, *kinds: str, at: tuple[int, ...] = (1,)) -> Office:
        plan = FaultPlan(at=at, kinds=kinds, delay=0.01, retry_after=7) if kinds else None
        offices.append(Office(host, spec, plan))
        return offices[-1]

    yield open_office
    for office in offices:
        office.close()


def test_notion_refuses_with_its_own_error_and_says_when_to_come_back(opened: Any) -> None:
    status, headers, body = opened(NotionSpec(), "429").ask("GET", "/v1/users/me")
    assert (status, headers["Retry-After"]) == (429, "7")
    assert json.loads(body)["code"] == "rate_limited"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v4/spreadsheets/x", {"status": "RESOURCE_EXHAUSTED"}),
        ("/drive/v3/files", {"message": "Quota exceeded for quota metric 'Requests' and limit "
         "'Requests per minute per user'."}),
    ],
)  # fmt: skip
def test_google_refuses_in_the_dialect_of_the_api(opened: Any, path: str, told: dict[str, str]) -> None:
    status, _, body = opened(SheetsSpec(), "429").ask("GET", path)
    error = json.loads(body)["error"]
    assert (status, error["code"]) == (429, 429)
    assert error.items() >= told.items()
    assert ("errors" in error) == path.startswith("/drive/")


def test_business_apis_fail_with_the_shape_of_their_refusals(opened: Any) -> None:
    status, _, body = opened(DESK, "500").ask("GET", "/tickets")
    assert status == 500
    assert json.loads(body)["error"]["code"] == "internal_error"


def test_calendars_refuse_in_plain_text(opened: Any) -> None:
    status, headers, body = opened(CalendarSpec(), "429").ask("PROPFIND", "/")
    assert (status, body) == (429, "Too Many Requests\n")
    assert headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("kind", ["429", "500", "dropped"])
def test_an_unprocessed_request_changes_nothing_not_even_the_clock(opened: Any, kind: str) -> None:
    office, spared = opened(DESK, kind), opened(DESK)
    before = office.service.freeze()
    if kind == "dropped":
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            office.ask("POST", "/tickets", {"title": "one"})
    else:
        assert office.ask("POST", "/tickets", {"title": "one"})[0] == int(kind)
    assert (office.service.freeze(), office.clock.ticks) == (before, 0)
    status = kind if kind == "dropped" else int(kind)
    assert office.faults == [("http.post", status, kind)]
    # Who asks again arrives where nobody's request failed.
    assert office.ask("POST", "/tickets", {"title": "one"}) == spared.ask(
        "POST", "/tickets", {"title": "one"}
    )
    assert office.service.freeze() == spared.service.freeze()


def test_a_lost_request_is_carried_out_though_its_client_never_hears_of_it(opened: Any) -> None:
    office, spared = opened(DESK, "lost"), opened(DESK)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        office.ask("POST", "/tickets", {"title": "one"})
    spared.ask("POST", "/tickets", {"title": "one"})
    assert office.service.freeze() == spared.service.freeze()
    assert [(status, fault) for _, status, fault in office.faults] == [(201, "lost")]


def test_a_slow_request_is_answered_as_any_other(opened: Any) -> None:
    office, spared = opened(DESK, "slow"), opened(DESK)
    assert office.ask("POST", "/tickets", {"title": "one"}) == spared.ask(
        "POST", "/tickets", {"title": "one"}
    )
    assert office.faults[0][2] == "slow"


def test_a_slow_answer_keeps_no_end_of_a_world_waiting(host: ServiceHost) -> None:
    office = Office(host, DESK, FaultPlan(at=(1,), kinds=("slow",), delay=30.0))
    with socket.create_connection(("127.0.0.1", office.port()), timeout=20) as client:
        client.sendall(b"GET /tickets HTTP/1.1\r\nHost: desk\r\n\r\n")
        (serving,) = office.servings.values()
        # Cut at once; without an end to the wait, this would give up before the answer comes.
        assert serving.drain(seconds=0.5, patience=10.0)
        assert client.recv(100) == b""
    office.close()


def test_only_the_requests_that_are_numbered_fail(opened: Any) -> None:
    office = opened(DESK, "500", at=(2,))
    assert [office.ask("GET", "/tickets")[0] for _ in range(3)] == [200, 500, 200]
    assert [fault for _, _, fault in office.faults] == [None, "500", None]


def test_the_author_and_the_task_meet_no_faults_and_do_not_count(opened: Any) -> None:
    office = opened(DESK, "500", at=(1, 2, 3))
    with acting_as("task"):
        office.service.author.tickets.add(title="one")
        office.tool("desk_list", resource="tickets")
    assert [fault for _, _, fault in office.faults] == [None, None]
    assert office.ask("GET", "/tickets")[0] == 500


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("429", r"HTTP 429 Too Many Requests: .*too_many_requests.*Retry-After: 7"),
        ("500", r"HTTP 500 Internal Server Error: .*internal_error"),
        ("dropped", "closed before an answer"),
        ("lost", "closed before an answer"),
    ],
)
def test_tools_fail_as_a_client_would_tell_it(opened: Any, kind: str, told: str) -> None:
    office, spared = opened(DESK, kind), opened(DESK)
    before = office.service.freeze()
    with pytest.raises(ToolError, match=told):
        office.tool("desk_create", resource="tickets", values={"title": "one"})
    spared.tool("desk_create", resource="tickets", values={"title": "one"})
    assert office.service.freeze() == (spared.service.freeze() if kind == "lost" else before)
    assert office.faults[0][2] == kind


def test_tools_and_clients_count_together(opened: Any) -> None:
    office = opened(DESK, "500", at=(2,))
    office.tool("desk_list", resource="tickets")
    assert office.ask("GET", "/tickets")[0] == 500


@pytest.mark.parametrize(("kind", "told"), [("429", "LIMIT"), ("500", "SERVERBUG")])
def test_a_mailbox_says_no_and_then_goes_on(opened: Any, kind: str, told: str) -> None:
    office = opened(EmailSpec(), kind, at=(3,))
    client = imaplib.IMAP4("127.0.0.1", office.port("imap"), timeout=20)
    client.login(MIA, "x")
    status, texts = client.noop()
    assert status == "NO"
    assert told.encode() in texts[0]
    assert client.noop()[0] == "OK"
    client.logout()
    assert office.faults[2] == ("imap.noop", "NO", kind)


@pytest.mark.parametrize("kind", ["dropped", "lost"])
def test_a_mailbox_hangs_up_before_or_behind_what_it_was_asked(opened: Any, kind: str) -> None:
    office = opened(EmailSpec(), kind, at=(3,))
    client = imaplib.IMAP4("127.0.0.1", office.port("imap"), timeout=20)
    client.login(MIA, "x")
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        client.create("Later")
    client.shutdown()
    assert ("Later" in json.dumps(office.service.freeze())) == (kind == "lost")
    assert office.faults[2][2] == kind


@pytest.mark.parametrize("kind", ["429", "500"])
def test_mail_that_is_not_taken_can_be_sent_again_in_the_same_session(opened: Any, kind: str) -> None:
    office = opened(EmailSpec(), kind)
    with smtplib.SMTP("127.0.0.1", office.port("smtp"), timeout=20) as client:
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            client.sendmail(MIA, [BOSS], LETTER)
        assert refusal.value.smtp_code == 451
        assert client.sendmail(MIA, [BOSS], LETTER) == {}
    assert office.faults == [("smtp.send", 451, kind), ("smtp.send", 250, None)]


@pytest.mark.parametrize("kind", ["dropped", "lost"])
def test_mail_without_an_answer_may_have_been_sent_all_the_same(opened: Any, kind: str) -> None:
    office = opened(EmailSpec(), kind)
    client = smtplib.SMTP("127.0.0.1", office.port("smtp"), timeout=20)
    with pytest.raises((smtplib.SMTPException, OSError)):
        client.sendmail(MIA, [BOSS], LETTER)
    client.close()
    view = EmailSpec().view(office.service.freeze())
    assert len(view.inbox("boss")) == (1 if kind == "lost" else 0)
    assert [fault for _, _, fault in office.faults] == [kind]


def test_slow_mail_arrives(opened: Any) -> None:
    office = opened(EmailSpec(), "slow")
    with smtplib.SMTP("127.0.0.1", office.port("smtp"), timeout=20) as client:
        assert client.sendmail(MIA, [BOSS], LETTER) == {}
    assert office.faults == [("smtp.send", 250, "slow")]


def test_what_is_recorded_of_a_fault_is_a_line_of_an_audit(opened: Any) -> None:
    office = opened(DESK, "429", "slow", at=tuple(range(1, 21)))
    for _ in range(20):
        office.ask("GET", "/tickets?title=one")
    for line in office.audit:
        validate("audit", line)
    assert {line.get("fault") for line in office.audit} == {"429", "slow"}
