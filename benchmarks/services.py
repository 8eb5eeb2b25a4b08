"""What the services answer per second: common operations, with one client and with sixteen, and large tables.

    python benchmarks/services.py [--seconds 1.0] [--save]

Clients speak the wire protocols over loopback connections that they keep, from threads of one other process,
so a figure is the service's share of this machine and not the best of a cluster. Prints a table; `--save`
also writes it to `benchmarks/results/services.md`, each figure beside the one found there.
"""

from __future__ import annotations

import argparse
import http.client
import imaplib
import json
import multiprocessing
import re
import smtplib
import ssl
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from overhead import machine, premises

from clawmark_services import Account, AccountBook, acting_as
from clawmark_services.rest import RestApi
from pytest_clawmark.builtin import pytest_clawmark_services
from pytest_clawmark.world.files import WorkspaceFiles
from pytest_clawmark.world.world import World, WorldPlan, open_world

RESULTS = Path(__file__).parent / "results" / "services.md"
TITLE = {"title": {"type": "string"}}
AGENT = Account("mia", "mia@company.example")
MAIL = b"From: hr@company.example\r\nTo: mia@company.example\r\nSubject: Hello\r\n\r\nA line.\r\n"
EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n"
    "DTSTAMP:20240319T090000Z\r\nDTSTART:20240320T090000Z\r\nDTEND:20240320T100000Z\r\nSUMMARY:Meeting\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
TODAY = (
    '<c:calendar-query xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:d="DAV:"><d:prop><c:calendar-data/>'
    '</d:prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"/></c:comp-filter>'
    "</c:filter></c:calendar-query>"
)

HEAD = (
    f"| {'what':<58} | {'measured':>9} | {'unit':<5} | {'before':>9} | {'ratio':>5} "
    f"| {'median / 95 % latency':<22} |"
)

Call = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row: what was measured, and its value in `unit`."""

    name: str
    value: float
    unit: str
    detail: str = ""

    def row(self, before: Mapping[str, float]) -> str:
        """Aligned for a Markdown table, with the previous value and how many times as large this one is."""
        known = before.get(self.name)
        then = f"{known:.1f}" if known is not None else ""
        ratio = f"{self.value / known:.2f}" if known else ""
        measured = f"| {self.name:<58} | {self.value:>9.1f} | {self.unit:<5}"
        return f"{measured} | {then:>9} | {ratio:>5} | {self.detail:<22} |"


class Web:
    """One HTTP client with a connection that it keeps."""

    def __init__(self, env: Mapping[str, str], variable: str, **headers: str) -> None:
        place = urlsplit(env[variable])
        self._connection = http.client.HTTPConnection(place.hostname or "", place.port)
        if place.scheme == "https":
            trusted = ssl.create_default_context(cafile=env["SSL_CERT_FILE"])
            self._connection = http.client.HTTPSConnection(place.hostname or "", place.port, context=trusted)
        self._headers = {"Content-Type": "application/json", **headers}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer; raises where it is a refusal."""
        content = body if isinstance(body, str | None) else json.dumps(body)
        self._connection.request(method, path, content, {**self._headers, **headers})
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {told[:300]!r}")
        return json.loads(told) if told[:1] in (b"{", b"[") else told


def notion_client(env: Mapping[str, str]) -> Web:
    """A client of Notion's."""
    token = {"Authorization": f"Bearer {env['NOTION_TOKEN']}", "Notion-Version": "2022-06-28"}
    return Web(env, "CLAWMARK_NOTION_URL", **token)


def numbers(who: int) -> Iterator[str]:
    """Names that no other client uses."""
    count = 0
    while True:
        count += 1
        yield f"{who}-{time.monotonic_ns()}-{count}"


def mail(env: Mapping[str, str], _: Mapping[str, Any], who: int) -> dict[str, Call]:
    """What mail programs do most."""
    box = imaplib.IMAP4(env["IMAP_HOST"], int(env["IMAP_PORT"]))
    box.login(AGENT.address, "any")
    box.select("INBOX")
    out = smtplib.SMTP(env["SMTP_HOST"], int(env["SMTP_PORT"]))
    return {
        "IMAP NOOP": box.noop,
        "IMAP SELECT": lambda: box.select("INBOX"),
        "IMAP STATUS": lambda: box.status("INBOX", "(MESSAGES UNSEEN)"),
        "IMAP LIST": box.list,
        "IMAP SEARCH UNSEEN": lambda: box.uid("SEARCH", "UNSEEN"),
        "IMAP SEARCH SUBJECT": lambda: box.uid("SEARCH", "SUBJECT", "Hello"),
        "IMAP FETCH headers": lambda: box.uid("FETCH", "1:10", "(FLAGS RFC822.SIZE BODY.PEEK[HEADER])"),
        "IMAP FETCH whole": lambda: box.uid("FETCH", "1", "(BODY.PEEK[])"),
        "IMAP STORE": lambda: box.uid("STORE", "1", "+FLAGS", r"(\Flagged)"),
        "SMTP send": lambda: out.sendmail("hr@company.example", [f"box{who}@company.example"], MAIL),
    }


def calendar(env: Mapping[str, str], known: Mapping[str, Any], who: int) -> dict[str, Call]:
    """What CalDAV programs do most."""
    web = Web(env, "CLAWMARK_CALENDAR_URL", Authorization="Basic YmVuY2htYXJrOg==")
    home, new = f"/benchmark/{known['round']}-{who}", numbers(who)
    web.ask("MKCALENDAR", f"{home}/")
    xml = {"Content-Type": "application/xml", "Depth": "1"}

    def put(name: str) -> None:
        web.ask("PUT", f"{home}/{name}.ics", EVENT.format(uid=name), **{"Content-Type": "text/calendar"})

    def replace_and_delete() -> None:
        name = next(new)
        put(name)
        web.ask("DELETE", f"{home}/{name}.ics")

    put(f"own{who}")
    return {
        "OPTIONS": lambda: web.ask("OPTIONS", "/"),
        "PROPFIND principal": lambda: web.ask("PROPFIND", "/benchmark/", **xml),
        "PROPFIND calendar, depth 0": lambda: web.ask("PROPFIND", f"{home}/", **(xml | {"Depth": "0"})),
        "PROPFIND calendar, depth 1": lambda: web.ask("PROPFIND", f"{home}/", **xml),
        "REPORT calendar-query": lambda: web.ask("REPORT", f"{home}/", TODAY, **xml),
        "GET event": lambda: web.ask("GET", f"{home}/own{who}.ics"),
        "GET calendar": lambda: web.ask("GET", f"{home}/"),
        "PUT the same event": lambda: put(f"own{who}"),
        "PUT and DELETE an event": replace_and_delete,
        "HEAD event": lambda: web.ask("HEAD", f"{home}/own{who}.ics"),
    }


def notion(env: Mapping[str, str], known: Mapping[str, Any], who: int) -> dict[str, Call]:
    """What Notion's clients do most."""
    web = notion_client(env)
    root, rows, row = env["NOTION_ROOT_PAGE_ID"], known["rows"], known["row"]
    text = [{"text": {"content": f"client {who}"}}]
    paragraph = {"children": [{"paragraph": {"rich_text": text}}]}
    title = {"properties": {"Name": {"title": text}}}
    some = {"page_size": 10, "filter": {"property": "Name", "title": {"contains": "5"}}}
    return {
        "GET users/me": lambda: web.ask("GET", "/v1/users/me"),
        "POST search": lambda: web.ask("POST", "/v1/search", {"query": "row 7", "page_size": 10}),
        "GET database": lambda: web.ask("GET", f"/v1/databases/{rows}"),
        "POST query": lambda: web.ask("POST", f"/v1/databases/{rows}/query", some),
        "GET page": lambda: web.ask("GET", f"/v1/pages/{row}"),
        "POST pages": lambda: web.ask(
            "POST", "/v1/pages", {"parent": {"database_id": known["sink"]}, **title}
        ),
        "PATCH page": lambda: web.ask("PATCH", f"/v1/pages/{row}", title),
        "GET children": lambda: web.ask("GET", f"/v1/blocks/{root}/children?page_size=10"),
        "PATCH children": lambda: web.ask("PATCH", f"/v1/blocks/{row}/children", paragraph),
        "POST comments": lambda: web.ask(
            "POST", "/v1/comments", {"parent": {"page_id": row}, "rich_text": text}
        ),
    }


def sheets(env: Mapping[str, str], known: Mapping[str, Any], who: int) -> dict[str, Call]:
    """What Google's clients do most."""
    web = Web(env, "CLAWMARK_SHEETS_URL", Authorization=f"Bearer {known['google_token']}")
    book = f"/v4/spreadsheets/{known['book']}"
    values = f"{book}/values/{quote(f'Sheet1!A{who + 1}:C{who + 1}')}"
    line = {"values": [["a", who, 1.5]]}
    several = {
        "valueInputOption": "RAW",
        "data": [{"range": f"Sheet1!D{who + 1}:F{who + 1}", "values": [[1, 2, 3]]}],
    }
    note = {
        "repeatCell": {"range": {"sheetId": 0, "endRowIndex": 1}, "cell": {"note": "x"}, "fields": "note"}
    }
    found = urlencode({"q": f"'{known['agent']}' in owners and trashed = false"})
    return {
        "GET spreadsheet": lambda: web.ask("GET", f"{book}?fields=sheets.properties"),
        "values.get a row": lambda: web.ask("GET", values),
        "values.get 100 rows": lambda: web.ask("GET", f"{book}/values/Sheet1!A1:J100"),
        "values.batchGet": lambda: web.ask("GET", f"{book}/values:batchGet?ranges=A1:B2&ranges=C3:D4"),
        "values.update RAW": lambda: web.ask("PUT", f"{values}?valueInputOption=RAW", line),
        "values.update USER_ENTERED": lambda: web.ask("PUT", f"{values}?valueInputOption=USER_ENTERED", line),
        "values.batchUpdate": lambda: web.ask("POST", f"{book}/values:batchUpdate", several),
        "values.append": lambda: web.ask(
            "POST", f"/v4/spreadsheets/{known['sink_book']}/values/A1:append?valueInputOption=RAW", line
        ),
        "batchUpdate": lambda: web.ask("POST", f"{book}:batchUpdate", {"requests": [note]}),
        "drive files.list": lambda: web.ask("GET", f"/drive/v3/files?{found}"),
    }


def rest(env: Mapping[str, str], known: Mapping[str, Any], who: int) -> dict[str, Call]:
    """What clients of a business API do most."""
    web = Web(env, "CLAWMARK_DESK_URL")
    key = f"own-{known['round']}-{who}"
    web.ask("POST", "/tickets", {"id": key, "title": "own"})

    def create_and_delete() -> None:
        record = web.ask("POST", "/tickets", {"title": "new"})
        web.ask("DELETE", f"/tickets/{record['id']}")

    return {
        "GET index": lambda: web.ask("GET", "/"),
        "GET openapi.json": lambda: web.ask("GET", "/openapi.json"),
        "GET list": lambda: web.ask("GET", "/tickets?limit=20"),
        "GET filtered list": lambda: web.ask("GET", "/tickets?title__contains=5&limit=20"),
        "GET sorted list": lambda: web.ask("GET", "/tickets?sort=-title&limit=20"),
        "GET record": lambda: web.ask("GET", f"/tickets/{key}"),
        "POST record": lambda: web.ask("POST", "/sinks", {"title": "new"}),
        "PUT record": lambda: web.ask("PUT", f"/tickets/{key}", {"title": "put"}),
        "PATCH record": lambda: web.ask("PATCH", f"/tickets/{key}", {"title": "patched"}),
        "POST and DELETE record": create_and_delete,
    }


SERVICES = {"email": mail, "calendar": calendar, "notion": notion, "sheets": sheets, "rest": rest}


def client_process(
    env: Mapping[str, str], known: Mapping[str, Any], service: str, *, clients: int, seconds: float, pipe: Any
) -> None:
    """Measure every operation of one service in turn; sends {operation: [seconds of each request]}."""
    made = [SERVICES[service](env, known, who) for who in range(clients)]
    pipe.send({name: together([calls[name] for calls in made], seconds) for name in made[0]})


def together(calls: Sequence[Call], seconds: float) -> tuple[float, list[float]]:
    """Requests per second of clients that begin at once, and the latencies in milliseconds."""
    start, samples = threading.Barrier(len(calls)), [[] for _ in calls]  # type: ignore[var-annotated]
    faults: list[BaseException] = []

    def work(call: Call, mine: list[float]) -> None:
        try:
            call()
            start.wait()
            until = time.perf_counter() + seconds
            while (began := time.perf_counter()) < until:
                call()
                mine.append((time.perf_counter() - began) * 1e3)
        except BaseException as fault:  # noqa: BLE001 - raised again below, in the thread that waits
            faults.append(fault)
            start.abort()

    threads = [threading.Thread(target=work, args=pair) for pair in zip(calls, samples, strict=True)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    everything = [sample for mine in samples for sample in mine]
    return len(everything) / (time.perf_counter() - began), everything


def operation_figures(
    world: World, known: Mapping[str, Any], service: str, seconds: float
) -> Iterator[Figure]:
    """Requests per second and latency of one service's operations, with one client and with sixteen."""
    spawn = multiprocessing.get_context("spawn")
    for clients in (1, 16):
        ours, theirs = spawn.Pipe()
        process = spawn.Process(
            target=client_process,
            args=(variables(world), known | {"round": clients}, service),
            kwargs={"clients": clients, "seconds": seconds, "pipe": theirs},
        )
        process.start()
        theirs.close()
        try:
            found = ours.recv()
        except EOFError:
            sys.exit(f"the clients of {service} failed")
        process.join()
        for name, (rate, samples) in found.items():
            ordered = sorted(samples)
            detail = f"{statistics.median(ordered):.1f} / {ordered[len(ordered) * 19 // 20]:.1f} ms"
            yield Figure(
                name=f"{service}: {name}, {clients} at once", value=rate, unit="req/s", detail=detail
            )


def once(name: str, call: Call) -> Figure:
    """How long a large thing takes, the best of three."""
    samples = []
    for _ in range(3):
        began = time.perf_counter()
        call()
        samples.append((time.perf_counter() - began) * 1e3)
    return Figure(name=name, value=min(samples), unit="ms", detail="best of 3")


def large_figures(world: World, known: Mapping[str, Any]) -> Iterator[Figure]:
    """A sheet of 10,000 rows and a database of 2,000, read, queried and written."""
    env = variables(world)
    google = Web(env, "CLAWMARK_SHEETS_URL", Authorization=f"Bearer {known['google_token']}")
    values = f"/v4/spreadsheets/{known['large_book']}/values"
    rows = [[f"name {n}", n, n * 1.5, n % 7, "text"] for n in range(10_000)]
    more = {"sheetId": 0, "dimension": "ROWS", "length": 10_000}
    google.ask("POST", f"{values[:-7]}:batchUpdate", {"requests": [{"appendDimension": more}]})
    put = partial(google.ask, "PUT", f"{values}/A1:E10000?valueInputOption=RAW", {"values": rows})
    yield once("a sheet of 10,000 rows: write all", put)
    yield once("a sheet of 10,000 rows: read all", partial(google.ask, "GET", f"{values}/A1:E10000"))
    yield once("a sheet of 10,000 rows: read one row", partial(google.ask, "GET", f"{values}/A9000:E9000"))
    total = {"values": [["=SUM(B1:B10000)"]]}
    entered = partial(google.ask, "PUT", f"{values}/G1?valueInputOption=USER_ENTERED", total)
    yield once("a sheet of 10,000 rows: write a formula that sums them", entered)
    one = partial(google.ask, "PUT", f"{values}/B5000?valueInputOption=RAW", {"values": [[1]]})
    yield once("a sheet of 10,000 rows: write one cell", one)
    tool = notion_client(env)
    query = f"/v1/databases/{known['rows']}/query"

    def everything() -> None:
        cursor: dict[str, str] = {}
        while True:
            page = tool.ask("POST", query, {"page_size": 100, **cursor})
            if not page["has_more"]:
                return
            cursor = {"start_cursor": page["next_cursor"]}

    few = {"filter": {"property": "Score", "number": {"greater_than": 1990}}}
    best = {"sorts": [{"property": "Score", "direction": "descending"}], "page_size": 10}
    new = {"parent": {"database_id": known["rows"]}, "properties": {"Score": {"number": 0}}}
    yield once("a database of 2,000 rows: read all, by 100", everything)
    yield once("a database of 2,000 rows: filter", partial(tool.ask, "POST", query, few))
    yield once("a database of 2,000 rows: sort, first 10", partial(tool.ask, "POST", query, best))
    yield once("a database of 2,000 rows: add a row", partial(tool.ask, "POST", "/v1/pages", new))


def plan() -> WorldPlan:
    """A world with all services."""
    tables = {name: {"type": "object", "properties": TITLE} for name in ("tickets", "sinks")}
    return WorldPlan(
        services=(
            *(make() for make in pytest_clawmark_services().values()),
            RestApi("desk", resources=tables),
        ),
        accounts=AccountBook(AGENT, [Account("hr", "hr@company.example")]),
        seed=0,
        start=datetime(2024, 3, 19, 9, tzinfo=UTC),
        material=Path.cwd(),
    )


def furnish(world: World) -> dict[str, Any]:
    """Fill the services; what clients must know to find it."""
    author = {name: service.author for name, service in world.services.items()}
    with acting_as("task"):
        for number in range(50):
            author["email"].send("hr", to="mia", subject=f"Hello {number}", body="A line.")
            author["desk"].tickets.add(title=f"ticket {number}")
        author["calendar"].create("bench")
        columns = {"Name": "title", "Score": "number"}
        rows = [{"Name": f"row {number}", "Score": number} for number in range(2000)]
        author["notion"].create_database("rows", columns=columns, rows=rows)
        author["notion"].create_database("sink", columns=columns)
        for title in ("bench", "sink", "large"):
            author["sheets"].create(title, tabs={"Sheet1": [["a", "b"]] * 100})
    env = variables(world)
    tool = notion_client(env)
    asked = {"filter": {"property": "object", "value": "database"}}
    databases = tool.ask("POST", "/v1/search", asked)["results"]
    ids = {found["title"][0]["plain_text"]: found["id"] for found in databases}
    row = tool.ask("POST", f"/v1/databases/{ids['rows']}/query", {"page_size": 1})["results"][0]["id"]
    token = google_token(world)
    drive = Web(env, "CLAWMARK_SHEETS_URL", Authorization=f"Bearer {token}")
    books = {found["name"]: found["id"] for found in drive.ask("GET", "/drive/v3/files")["files"]}
    return {
        "rows": ids["rows"],
        "sink": ids["sink"],
        "row": row,
        "agent": AGENT.address,
        "book": books["bench"],
        "sink_book": books["sink"],
        "large_book": books["large"],
        "google_token": token,
    }


def variables(world: World) -> dict[str, str]:
    """What programs inside find in their environment."""
    return {**world.env, **world.sandbox.trust}


def google_token(world: World) -> str:
    """An access token, from the credentials that programs inside find."""
    home = WorkspaceFiles(world.sandbox, world.plan.material, world.sandbox.tree("home"))
    given = json.loads(home.read(".google/credentials.json"))
    wanted = {name: given[name] for name in ("client_id", "client_secret", "refresh_token")}
    form = urlencode({"grant_type": "refresh_token", **wanted})
    place = urlsplit(world.env["CLAWMARK_SHEETS_TOKEN_URL"]).path
    web = Web(variables(world), "CLAWMARK_SHEETS_URL")
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return str(web.ask("POST", place, form, **kind)["access_token"])


@contextmanager
def office() -> Iterator[tuple[World, dict[str, Any]]]:
    """A furnished world whose services listen on loopback, so that clients outside reach them."""
    with premises("local") as shared:
        world = open_world(plan(), shared, lambda _: None)
        try:
            world.begin_turn("bench", world.plan.start)
            yield world, furnish(world)
        finally:
            world.close()


def previous() -> dict[str, float]:
    """The figures of the table that was saved last."""
    if not RESULTS.exists():
        return {}
    rows = re.findall(r"^\| (.+?) +\| +([\d.]+) \|", RESULTS.read_text(), flags=re.MULTILINE)
    return {name: float(value) for name, value in rows}


def main() -> None:
    """Measure, print, and save when asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=0.5, help="per operation (default: %(default)s)")
    parser.add_argument("--service", choices=SERVICES, action="append", help="only these")
    parser.add_argument("--save", action="store_true", help="write the table to benchmarks/results/")
    options = parser.parse_args()
    before = previous()
    lines = [
        f"# Services, {datetime.now(UTC):%Y-%m-%d}",
        "",
        machine(),
        "",
        HEAD,
        f"| {'-' * 58} | {'-' * 8}: | {'-' * 5} | {'-' * 8}: | {'-' * 4}: | {'-' * 22} |",
    ]
    print("\n".join(lines))
    with office() as (world, known):
        for service in options.service or SERVICES:
            for figure in operation_figures(world, known, service, options.seconds):
                lines.append(figure.row(before))
                print(lines[-1], flush=True)
        for figure in large_figures(world, known):
            lines.append(figure.row(before))
            print(lines[-1], flush=True)
    if options.save:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
