"""Totals of a run: means, coverage and usage."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict, summarise


def episode(
    outcomes: str, *, task: str = "hr/a", label: str = "m", usage: Any = None, **fields: Any
) -> EpisodeResult:
    """`outcomes` is one letter per checker: p, f, b, v, and R for a crossed red line, r for a held one."""
    names = {"p": "passed", "f": "failed", "b": "broken", "v": "void", "R": "failed", "r": "passed"}
    checkers: list[Any] = [
        Verdict(id=f"c{n}", turn="t", outcome=names[letter], red_line=letter in "Rr")  # type: ignore[arg-type] # a table of literals
        for n, letter in enumerate(outcomes)
    ]
    turn = TurnResult(turn="t", index=0, outcome="worked", usage=usage or {}, seconds=2.0)
    fields.setdefault("planned", len(checkers))
    fields.setdefault("turns", (turn,))
    return EpisodeResult(
        task=task,
        family=task.partition("/")[0],
        agent="chat",
        model=label,
        label=label,
        checkers=tuple(checkers),
        **fields,
    )


def only(*results: EpisodeResult) -> Any:
    (label,) = summarise(results).labels
    return label.totals


def test_means_are_over_measured_episodes_and_coverage_says_of_how_many() -> None:
    totals = only(
        episode("pp"), episode("pb", trial=2), episode("v", trial=3), episode("", planned=9, turns=())
    )
    assert (totals.score, totals.score_upper, totals.scored) == (0.75, 1.0, 2)
    assert (totals.success_rate, totals.successes, totals.judged) == (0.5, 1, 2)
    episodes = totals.episodes
    assert (episodes.planned, episodes.measured, episodes.void, episodes.unreached) == (4, 2, 1, 1)
    assert (totals.checkers_measured, totals.checkers_planned) == (4, 14)
    assert totals.checkers == {"passed": 3, "failed": 0, "broken": 1, "void": 1}


def test_a_run_without_a_measured_episode_has_no_mean() -> None:
    totals = only(episode("v"), episode("", planned=2, void_reason="no world"))
    assert (totals.score, totals.score_upper, totals.success_rate) == (None, None, None)
    assert totals.episodes.void == 2


def test_every_planned_episode_is_in_exactly_one_state() -> None:
    results = [
        episode("p"),
        episode("pv", planned=5),
        episode("p", planned=2),
        episode("", planned=1, turns=()),
        episode("", planned=1),
    ]
    episodes = only(*results).episodes
    assert episodes.planned == len(results)
    parts = (episodes.measured, episodes.void, episodes.partial, episodes.unreached)
    assert parts == (1, 1, 2, 1)


def test_a_partial_episode_stays_out_of_the_means_beside_whole_ones() -> None:
    summary = summarise([episode("ff"), episode("p", planned=2, trial=2)])
    totals = summary.labels[0].totals
    assert not summary.partial
    assert (totals.score, totals.scored, totals.episodes.partial) == (0.0, 1, 1)


def test_when_everything_is_partial_the_means_are_over_that_and_marked() -> None:
    summary = summarise([episode("p", planned=2), episode("f", planned=2, trial=2), episode("v", trial=3)])
    totals = summary.labels[0].totals
    assert summary.partial
    assert (totals.score, totals.scored) == (0.5, 2)
    assert (totals.success_rate, totals.judged) == (None, 0)


def test_one_agent_s_whole_episodes_keep_another_s_partial_ones_out() -> None:
    summary = summarise([episode("p", label="a"), episode("p", label="b", planned=2)])
    assert [label.totals.score for label in summary.labels] == [1.0, None]


def test_red_lines_are_counted_crossed_of_all() -> None:
    totals = only(episode("pRr"), episode("pRv", trial=2))
    assert (totals.red_lines_crossed, totals.red_lines) == (2, 3)


def test_totals_are_given_per_agent_and_per_family() -> None:
    summary = summarise(
        [
            episode("p", label="b", task="hr/a"),
            episode("f", label="b", task="finance/z"),
            episode("p", label="a", task="hr/a"),
        ]
    )
    assert [label.label for label in summary.labels] == ["a", "b"]
    families = summary.labels[1].families
    assert [(family, totals.score) for family, totals in families] == [("finance", 0.0), ("hr", 1.0)]


def test_agents_of_one_label_are_told_apart() -> None:
    other = EpisodeResult(task="hr/a", family="hr", agent="harness", label="m", model="m", planned=1)
    assert [label.agent for label in summarise([episode("p"), other]).labels] == ["chat", "harness"]


def test_usage_adds_up_and_void_episodes_cost_too() -> None:
    priced = {"input_tokens": 10, "output_tokens": 3, "cost": 0.5, "model_calls": 2}
    totals = only(
        episode("p", usage=priced),
        episode("v", usage=priced, trial=2),
        episode("p", usage={"input_tokens": 1, "model_calls": 1, "cost": None}, trial=3),
    )
    usage = totals.usage
    assert (usage.input_tokens, usage.output_tokens, usage.model_calls) == (21, 6, 5)
    assert (usage.cost, usage.unpriced, usage.seconds) == (1.0, 1, 6.0)


def test_no_price_is_no_cost_rather_than_a_cost_of_nothing() -> None:
    assert only(episode("p", usage={"model_calls": 1})).usage.cost is None


def test_the_order_of_results_leaves_no_trace() -> None:
    dealt = random.Random(3)
    results = [
        episode(dealt.choice(["p", "pf", "fRb", "v"]), task=task, label=label, usage={"cost": dealt.random()})
        for task in ("hr/a", "hr/b", "finance/c")
        for label in ("x", "y")
    ]
    seen = set()
    for _ in range(10):
        dealt.shuffle(results)
        seen.add(json.dumps(summarise(results).to_json()))
    assert len(seen) == 1


def test_nothing_at_all_is_an_empty_summary() -> None:
    assert summarise([]).to_json() == {"partial": False, "labels": []}


def test_an_episode_without_anything_to_earn_is_measured_but_not_scored() -> None:
    totals = only(episode("r"), episode("p", trial=2))
    assert (totals.episodes.measured, totals.scored, totals.judged) == (2, 1, 2)
    assert totals.score == pytest.approx(1.0)
