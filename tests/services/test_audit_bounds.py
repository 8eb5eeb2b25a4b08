"""What the audit keeps when an agent asks without end."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from clawmark_services import Account, AccountBook, Context, Ids, ServiceClock, acting_as, ledger

START = datetime.fromisoformat("2024-03-19T09:00+08:00")


@pytest.fixture
def lines() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def context(lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr(ledger, "MAX_LINES", 10)
    monkeypatch.setattr(ledger, "MAX_CHANGES", 15)
    accounts = AccountBook(Account("mia", "mia@company.example"))
    clock = ServiceClock(START, "tuesday")
    return Context(service="desk", clock=clock, ids=Ids(1, "desk"), accounts=accounts, audit=lines.append)


def ask(context: Context, operation: str, request: Any = None, status: int = 200, times: int = 1) -> None:
    for _ in range(times):
        with context.exchange(operation, request) as exchange:
            exchange.status = status


def test_of_very_many_requests_those_that_change_nothing_are_counted(
    context: Context, lines: list[dict[str, Any]]
) -> None:
    ask(context, "tickets.list", times=30)
    ask(context, "tickets.create", status=422, times=5)
    ask(context, "tickets.create", {"id": "T1"})
    assert [line["operation"] for line in lines] == ["tickets.list"] * 10 + ["tickets.create"]
    assert lines[-1]["request"] == {"id": "T1"}
    context.tell_left_out()
    assert lines[-1]["operation"] == "audit.left_out"
    assert lines[-1]["request"] == {
        "requests": 25,
        "operations": {"tickets.create": 5, "tickets.list": 20},
    }
    context.tell_left_out()
    assert len(lines) == 12, "it is told once"


def test_even_changes_are_only_counted_in_the_end_and_a_new_turn_begins_anew(
    context: Context, lines: list[dict[str, Any]]
) -> None:
    ask(context, "tickets.update", {"id": "T1"}, times=40)
    assert len(lines) == 15
    with acting_as("task"):
        ask(context, "author.create")
    assert lines[-1]["operation"] == "author.create", "the task's own requests are always recorded"
    context.tell_left_out()
    assert lines[-1]["request"]["requests"] == 25
    context.clock.set(START, "wednesday")
    ask(context, "tickets.update", times=3)
    assert [line["turn"] for line in lines[-3:]] == ["wednesday"] * 3


@pytest.mark.parametrize(
    "request_",
    [
        {"title": "x" * 100_000, "id": "T1"},
        {"id": "T1", "rows": [{"n": number, "text": "y" * 300} for number in range(5000)]},
        {"id": "T1"} | {f"k{number}": "z" * 50 for number in range(10_000)},
    ],
)
def test_a_long_request_is_cut_and_still_names_what_it_is_about(
    context: Context, lines: list[dict[str, Any]], request_: Any
) -> None:
    ask(context, "tickets.create", request_)
    assert len(json.dumps(lines[0])) < 20_000
    assert lines[0]["request"]["id"] == "T1"


def test_a_request_nested_beyond_reason_is_cut(context: Context, lines: list[dict[str, Any]]) -> None:
    nested: Any = "bottom"
    for _ in range(5000):
        nested = [nested]
    ask(context, "tickets.create", {"id": "T1", "values": nested})
    assert lines[0]["request"]["id"] == "T1"
    assert len(json.dumps(lines[0])) < 20_000


def test_an_ordinary_request_is_recorded_as_it_came(context: Context, lines: list[dict[str, Any]]) -> None:
    asked = {"id": "T1", "values": [1, 2.5, None, True, {"deep": ["x" * 500] * 5}]}
    ask(context, "tickets.create", asked)
    assert lines[0]["request"] == asked
