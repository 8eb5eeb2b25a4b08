"""The values that verdicts and results travel as."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError

import pytest

from pytest_clawmark.scoring import Attempt, EpisodeResult, TurnResult, Verdict

FULL = EpisodeResult(
    task="hr/interns",
    family="hr",
    agent="chat",
    model="nemotron-49b",
    label="nemotron-49b",
    trial=2,
    seed=17,
    turns=(
        TurnResult(
            turn="tuesday",
            index=0,
            outcome="stopped",
            reason="200 tool calls",
            stop_kind="limit",
            usage={"input_tokens": 9, "cost": None},
            seconds=1.5,
        ),
    ),
    checkers=(
        Verdict(
            id="check_面试",
            turn="tuesday",
            outcome="broken",
            weight=0.5,
            red_line=True,
            category="safety",
            reason="KeyError: 'x'",
            description="Nobody is told.",
            seconds=0.25,
        ),
    ),
    planned=4,
    void_reason="the model's service failed",
    attempts=(Attempt(origin="model", reason="503"),),
)


def test_an_episode_survives_the_way_through_json() -> None:
    assert EpisodeResult.from_json(json.loads(json.dumps(FULL.to_json()))) == FULL


def test_what_to_json_gives_shares_nothing_with_the_value() -> None:
    data = FULL.to_json()
    data["turns"][0]["usage"]["input_tokens"] = 0
    assert FULL.turns[0].usage["input_tokens"] == 9


def test_values_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        FULL.checkers[0].outcome = "passed"  # type: ignore[misc] # that it cannot is what is tested


def test_a_reason_is_cut_and_encodable_and_stays_so_through_json() -> None:
    verdict = Verdict(id="c", turn="t", outcome="failed", reason="\udcff" + "x" * 10_000)
    turn = TurnResult(turn="t", index=0, outcome="void", reason="\ud800")
    assert verdict.reason.startswith(r"\udcffxxx")
    assert len(verdict.reason) == 4_000
    assert turn.reason == r"\ud800"
    assert Attempt(origin="world", reason="\ud800").reason == r"\ud800"
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_an_unknown_outcome_is_refused_with_the_allowed_ones() -> None:
    with pytest.raises(
        ValueError, match="'check_x' is 'skipped': it must be one of passed, failed, broken, void"
    ):
        Verdict.from_json({"id": "check_x", "turn": "monday", "outcome": "skipped"})
    with pytest.raises(ValueError, match=r"turn 'monday' is 'passed'.*worked, stopped, void"):
        TurnResult.from_json({"turn": "monday", "index": 0, "outcome": "passed"})
    with pytest.raises(ValueError, match="'agent': it must be one of world, model, task"):
        Attempt.from_json({"origin": "agent", "reason": ""})


@pytest.mark.parametrize("weight", [-1, math.nan, math.inf])
def test_a_weight_that_would_spoil_every_sum_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weight of checker 'check_x'"):
        Verdict(id="check_x", turn="monday", outcome="passed", weight=weight)


def test_more_verdicts_than_planned_checkers_are_refused() -> None:
    verdict = Verdict(id="check_x", turn="monday", outcome="passed")
    with pytest.raises(ValueError, match=r"t\[golden\] has 1 verdicts of 0 planned"):
        EpisodeResult(task="t", family="t", agent="golden", label="golden", checkers=(verdict,), planned=0)


def test_an_episode_of_which_nothing_is_known_was_not_reached() -> None:
    empty = EpisodeResult(task="t", family="t", agent="golden", label="golden", planned=3)
    assert not empty.reached
    assert empty.partial
    assert not empty.void
    assert FULL.reached
