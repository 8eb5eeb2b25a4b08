"""Whether a request names an item."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_clawmark.changes.attribution import succeeded
from pytest_clawmark.changes.naming import Named

UUID = "5d1f2a3b-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        ({"path": {"page_id": UUID.replace("-", "")}}, UUID),
        ({"page": f"https://www.notion.so/Ada-{UUID.replace('-', '')}"}, UUID),
        ({"to": ["Mia@Company.Example"]}, "mia@company.example"),
        ({"path": "/benchmark/team/x.ics"}, "benchmark/team/x.ics"),
        ({"range": "'My tab'!A1:B2"}, "My tab"),
        ({"id": 801}, "801"),
        ({"subject": "two  blanks\n"}, "two blanks"),
        ({"subject": "x" * 200}, "x" * 300),
    ],
)
def test_names_are_found_however_they_are_spelt(request_: Any, key: str) -> None:
    assert Named(request_).all_of([key])


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        ({"id": "E12"}, "E1"),
        ({"E1": "a name of a field"}, "E1"),
        ({"text": "remember to write to Ada Lovelace soon"}, "Ada Lovelace"),
        ({}, "anything"),
        (None, "None"),
    ],
)
def test_parts_of_texts_and_names_of_fields_are_no_names(request_: Any, key: str) -> None:
    assert not Named(request_).all_of([key])


def test_every_key_has_to_be_named() -> None:
    named = Named({"a": "one", "b": ["two"]})
    assert named.all_of(["one", "two"])
    assert not named.all_of(["one", "three"])


@pytest.mark.parametrize(
    "request_",
    [
        "x… (1200 characters)",
        ["… (60 elements)"],
        {"…": "51 fields"},
        {"...": "60 items"},
        "not recorded: too long",
    ],
)
def test_it_shows_where_a_request_was_cut(request_: Any) -> None:
    assert Named({"body": request_}).cut


def test_a_whole_request_is_not_cut_whatever_it_says() -> None:
    assert not Named({"body": "to be continued... (soon)", "n": 3}).cut


@pytest.mark.parametrize(
    ("status", "fine"),
    [(200, True), (399, True), (404, False), (500, False), ("OK", True), ("NO", False), ("BAD", False)],
)
def test_success_is_told_by_number_or_word(status: int | str, fine: bool) -> None:
    assert succeeded(status) is fine
