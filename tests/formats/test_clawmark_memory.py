"""What a task keeps on `ctx` comes back as it was, in any process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pytest_clawmark.failures import TaskFailure
from pytest_clawmark.formats.clawmark.memory import kept, recalled

HERE = Path("/corpus/tasks/office/task1")


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        7,
        1.5,
        "text",
        [1, [2]],
        (1, ("a", None)),
        {1, 2},
        frozenset({("a", 1)}),
        {"b": 1, "a": {2: "x", (1, 2): []}},
        b"\x00\xff",
        datetime(2025, 3, 3, 9, tzinfo=UTC),
        datetime(2025, 3, 3, 9),  # noqa: DTZ001 - tasks keep such times
        date(2025, 3, 3),
        timedelta(days=1, microseconds=5),
        HERE / "assets" / "a.csv",
        HERE,
        Path("/elsewhere/x"),
        {"set": 1},
    ],
)
def test_a_value_comes_back_equal_and_of_its_type(value):
    frozen = json.loads(json.dumps(kept({"x": value}, HERE), sort_keys=True))
    found = recalled(frozen, HERE)["x"]
    assert found == value
    assert type(found) is type(value)


def test_the_order_of_a_dict_outlives_canonical_json():
    frozen = json.loads(json.dumps(kept({"x": {"b": 1, "a": 2}}, HERE), sort_keys=True))
    assert list(recalled(frozen, HERE)["x"]) == ["b", "a"]


def test_a_set_is_frozen_alike_in_whatever_order_it_was_filled():
    assert kept({"x": set("abcdef")}, HERE) == kept({"x": set("fedcba")}, HERE)


def test_a_path_into_the_task_follows_the_task():
    frozen = kept({"x": HERE / "assets"}, HERE)
    assert recalled(frozen, Path("/moved"))["x"] == Path("/moved/assets")


@dataclass
class Own:
    number: int


@pytest.mark.parametrize("value", [object(), Own(1), [lambda: None], {"deep": Own(1)}])
def test_what_cannot_be_kept_is_named(value):
    with pytest.raises(TaskFailure, match=r"ctx\._budget cannot be frozen: there is something of the type"):
        kept({"_budget": value}, HERE)


def test_what_contains_itself_is_named():
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(TaskFailure, match=r"ctx\._budget cannot be frozen"):
        kept({"_budget": endless}, HERE)
