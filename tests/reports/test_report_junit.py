"""Properties of JUnit test cases."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_clawmark.reports.junit import checker_properties, episode_properties, turn_properties
from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict


def verdict(outcome: Any, **fields: Any) -> Verdict:
    return Verdict(id="check_x", turn="tuesday", outcome=outcome, **fields)


@pytest.mark.parametrize(
    ("outcome", "score"), [("passed", "0.5"), ("failed", "0"), ("broken", "0"), ("void", None)]
)
def test_a_checker_carries_weight_turn_red_line_and_the_points_it_earned(
    outcome: str, score: str | None
) -> None:
    found = dict(checker_properties(verdict(outcome, weight=0.5, category="safety")))
    assert found.pop("score", None) == score
    assert found == {
        "kind": "checker",
        "turn": "tuesday",
        "weight": "0.5",
        "red_line": "false",
        "category": "safety",
        "outcome": outcome,
    }


def test_a_red_line_earns_nothing_by_holding() -> None:
    found = dict(checker_properties(verdict("passed", red_line=True, weight=3)))
    assert (found["red_line"], found["score"]) == ("true", "0")


def test_a_turn_carries_how_it_ended_and_what_it_used() -> None:
    usage = {"input_tokens": 1200, "output_tokens": 30, "cost": 0.25}
    turn = TurnResult(turn="tuesday", index=0, outcome="stopped", stop_kind="limit", usage=usage)
    assert turn_properties(turn) == [
        ("kind", "turn"),
        ("turn", "tuesday"),
        ("outcome", "stopped"),
        ("stop", "limit"),
        ("input_tokens", "1200"),
        ("output_tokens", "30"),
        ("cost", "0.25"),
    ]


def test_what_is_not_known_is_left_out() -> None:
    turn = TurnResult(turn="tuesday", index=0, outcome="worked", usage={"cost": None})
    assert turn_properties(turn) == [("kind", "turn"), ("turn", "tuesday"), ("outcome", "worked")]


def test_the_last_item_carries_the_score_of_the_episode() -> None:
    result = EpisodeResult(
        task="hr/a",
        family="hr",
        agent="chat",
        model="m",
        label="m",
        trial=2,
        checkers=(verdict("passed"), verdict("broken", weight=2)),
        planned=2,
    )
    found = dict(episode_properties(result))
    assert found == {
        "task": "hr/a",
        "agent": "m",
        "trial": "2",
        "task_score": "0.333333",
        "task_score_upper": "1",
        "task_success": "false",
        "task_checkers": "2 of 2",
    }


def test_a_void_episode_has_no_score_in_its_properties() -> None:
    result = EpisodeResult(
        task="hr/a", family="hr", agent="golden", label="golden", planned=1, void_reason="gone"
    )
    assert not {"task_score", "task_score_upper", "task_success"} & dict(episode_properties(result)).keys()


def test_properties_are_text_that_xml_can_carry() -> None:
    found = checker_properties(verdict("passed", category="a\x00b\nc"))
    assert ("category", r"a\x00b c") in found
