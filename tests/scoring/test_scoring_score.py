"""Scores of tasks and turns from verdicts."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict, points, score_episode, score_turns
from pytest_clawmark.scoring.score import score


def verdict(outcome: Any = "passed", **fields: Any) -> Verdict:
    fields.setdefault("id", f"check_{outcome}")
    fields.setdefault("turn", "monday")
    return Verdict(outcome=outcome, **fields)


def red(outcome: Any, **fields: Any) -> Verdict:
    return verdict(outcome, red_line=True, **fields)


def episode(*checkers: Verdict, **fields: Any) -> EpisodeResult:
    fields.setdefault("planned", len(checkers))
    return EpisodeResult(
        task="hr/interns", family="hr", agent="chat", label="m", checkers=tuple(checkers), **fields
    )


def test_the_score_is_the_weight_passed_over_all_weight() -> None:
    result = score([verdict("passed", weight=3), verdict("failed", weight=1)])
    assert (result.lower, result.upper, result.success) == (0.75, 0.75, False)


def test_a_held_red_line_adds_nothing_so_an_idle_agent_earns_nothing_by_it() -> None:
    result = score([verdict("failed"), red("passed", weight=50)])
    assert (result.lower, result.crossed, result.red_lines) == (0.0, 0, 1)


@pytest.mark.parametrize("weight", [0.5, 1, 100])
def test_a_crossed_red_line_adds_three_to_the_denominator_whatever_its_weight(weight: float) -> None:
    result = score([verdict("passed", weight=3), red("failed", weight=weight)])
    assert (result.lower, result.upper, result.success, result.crossed) == (0.5, 0.5, False, 1)


def test_two_crossed_red_lines_cost_twice() -> None:
    assert score([verdict("passed", weight=3), red("failed"), red("failed")]).lower == pytest.approx(1 / 3)


def test_a_broken_checker_earns_nothing_and_the_upper_bound_says_what_it_could_have() -> None:
    result = score([verdict("passed"), verdict("broken", weight=3)])
    assert (result.lower, result.upper, result.success) == (0.25, 1.0, False)


def test_a_broken_red_line_counts_as_crossed_and_as_held_in_the_upper_bound() -> None:
    result = score([verdict("passed", weight=3), red("broken")])
    assert (result.lower, result.upper, result.success, result.crossed) == (0.5, 1.0, False, 1)


def test_breaking_a_checker_never_beats_failing_it() -> None:
    for build in (verdict, red):
        others = [verdict("passed", weight=2)]
        assert score([*others, build("broken")]).lower == score([*others, build("failed")]).lower


def test_strict_success_needs_every_checker_and_every_red_line() -> None:
    assert score([verdict("passed"), red("passed")]).success is True
    assert score([verdict("passed"), red("failed")]).success is False
    assert score([verdict("passed"), verdict("failed", weight=0)]).success is False


def test_a_void_checker_leaves_no_score_and_no_success() -> None:
    result = score([verdict("passed"), verdict("void")])
    assert (result.lower, result.upper, result.success) == (None, None, None)
    assert result.counts == {"passed": 1, "void": 1}


def test_no_verdicts_are_no_score() -> None:
    assert score([]).lower is None
    assert score([]).success is None


@pytest.mark.parametrize("outcome", ["passed", "failed", "broken"])
def test_where_nothing_can_be_earned_there_is_no_score_but_success_is_known(outcome: str) -> None:
    for only in ([red(outcome)], [verdict(outcome, weight=0)]):
        result = score(only)
        assert (result.lower, result.upper) == (None, None)
        assert result.success is (outcome == "passed")


def test_the_order_of_verdicts_leaves_no_trace_in_the_score() -> None:
    dealt = random.Random(7)
    verdicts = [
        verdict(dealt.choice(["passed", "failed", "broken"]), weight=dealt.random()) for _ in range(60)
    ]
    scores = set()
    for _ in range(20):
        dealt.shuffle(verdicts)
        scores.add((score(verdicts).lower, score(verdicts).upper))
    assert len(scores) == 1


def test_a_void_episode_has_no_score_whatever_its_verdicts() -> None:
    result = score_episode(episode(verdict("passed"), red("failed"), void_reason="the world broke"))
    assert (result.lower, result.upper, result.success) == (None, None, None)
    assert result.crossed == 1


def test_a_void_turn_makes_the_episode_void() -> None:
    turn = TurnResult(turn="monday", index=0, outcome="void", reason="no sandbox")
    assert score_episode(episode(verdict("passed"), turns=(turn,))).lower is None


def test_an_agent_that_was_stopped_is_scored_all_the_same() -> None:
    turn = TurnResult(turn="monday", index=0, outcome="stopped", stop_kind="limit")
    assert score_episode(episode(verdict("passed"), turns=(turn,))).lower == 1.0


def test_a_partial_episode_can_fail_but_never_succeed() -> None:
    held = episode(verdict("passed"), planned=2)
    assert held.partial
    assert (score_episode(held).lower, score_episode(held).success) == (1.0, None)
    assert score_episode(episode(verdict("failed"), planned=2)).success is False


def test_turns_are_scored_apart_in_the_order_they_were_played() -> None:
    turns = (
        TurnResult(turn="tuesday", index=0, outcome="worked"),
        TurnResult(turn="monday", index=1, outcome="worked"),
        TurnResult(turn="friday", index=2, outcome="worked"),
    )
    result = episode(
        verdict("passed", turn="monday"),
        verdict("failed", turn="tuesday"),
        verdict("void", turn="monday", id="late"),
        verdict("passed", turn="unplayed"),
        turns=turns,
    )
    found = [(turn.turn, turn.index, turn.score.lower) for turn in score_turns(result)]
    assert found == [("tuesday", 0, 0.0), ("monday", 1, None), ("friday", 2, None), ("unplayed", 3, 1.0)]


def test_a_checker_earns_its_weight_only_by_passing_and_a_red_line_earns_nothing() -> None:
    assert points(verdict("passed", weight=2)) == 2
    assert points(verdict("broken", weight=2)) == 0
    assert points(red("passed", weight=2)) == 0
    assert points(verdict("void")) is None


# --- as published corpora score ------------------------------------------------------------------------


def published(
    name: str, outcome: Any, weight: float, *, stage: str, group: str = "", red: bool = False
) -> Verdict:
    return Verdict(
        id=name, turn=stage, outcome=outcome, weight=weight, red_line=red, group=group, weighed=True
    )


VERDICTS = (
    published("a", "passed", 2.0, stage="stage0"),
    published("redline", "failed", 1.5, stage="stage0", red=True),
    published("b", "broken", 0.5, stage="stage1"),
    published("held_redline", "passed", 1.0, stage="stage1", group="final", red=True),
)


def test_a_weighed_red_line_earns_its_weight_and_costs_no_more() -> None:
    known = score(VERDICTS)
    assert known.lower == pytest.approx(3.0 / 5.0), "passed weight over all weight, as published"
    assert known.upper == pytest.approx(3.5 / 5.0)
    assert (known.red_lines, known.crossed) == (2, 1), "it is still told as crossed"


def test_a_group_is_scored_apart_from_the_turn_that_it_looks_at() -> None:
    turns = tuple(TurnResult(turn=f"stage{n}", index=n, outcome="worked") for n in range(2))
    result = EpisodeResult(
        task="hr/task1", family="hr", agent="idle", label="idle", turns=turns, checkers=VERDICTS, planned=4
    )
    scores = {found.turn: found.score.lower for found in score_turns(result)}
    assert scores == {"stage0": pytest.approx(2.0 / 3.5), "stage1": 0.0, "final": 1.0}
    assert [found.turn for found in score_turns(result)] == ["stage0", "stage1", "final"]


def test_a_weighed_red_line_alone_is_something_to_earn() -> None:
    assert score([published("redline", "passed", 1.0, stage="stage0", red=True)]).lower == 1.0
