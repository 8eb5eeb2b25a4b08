"""Intervals, rates over trials, the course over turns, failures by category, comparisons."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint  # type: ignore[import-untyped] # it has no types

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict
from pytest_clawmark.scoring.comparison import difference, sign_flip_test, standings, telling
from pytest_clawmark.scoring.course import courses
from pytest_clawmark.scoring.efficiency import efforts
from pytest_clawmark.scoring.intervals import mean, rate
from pytest_clawmark.scoring.taxonomy import Categories, announced, taxonomy
from pytest_clawmark.scoring.trials import pass_at_k, pass_hat_k, trial_rates


def episode(task: str, *turns: str, trial: int = 1, label: str = "m", **fields: Any) -> EpisodeResult:
    """One string per turn, one letter per checker of weight 1: p, f, b or v."""
    names: dict[str, Any] = {"p": "passed", "f": "failed", "b": "broken", "v": "void"}
    checkers = [
        Verdict(id=f"c{number}_{place}", turn=f"t{number}", outcome=names[letter], **fields)
        for number, letters in enumerate(turns)
        for place, letter in enumerate(letters)
    ]
    played = tuple(TurnResult(turn=f"t{n}", index=n, outcome="worked") for n in range(len(turns)))
    return EpisodeResult(
        task=task,
        family=task.partition("/")[0],
        agent="chat",
        model=label,
        label=label,
        trial=trial,
        turns=played,
        checkers=tuple(checkers),
        planned=len(checkers),
    )


# --- intervals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("successes", "count"), [(0, 5), (1, 3), (7, 20), (20, 20), (201, 1537)])
def test_a_rates_interval_is_wilsons_as_another_package_computes_it(successes: int, count: int) -> None:
    found = rate(successes, count)
    low, high = proportion_confint(successes, count, alpha=0.05, method="wilson")
    assert found is not None
    assert found.interval is not None
    assert (found.value, found.count) == (successes / count, count)
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=1e-12)


def test_a_means_interval_agrees_with_a_bootstrap_written_out_by_hand() -> None:
    source = random.Random(3)
    scores = {f"hr/{n}": [source.random() for _ in range(1 + n % 3)] for n in range(40)}
    found = mean(scores)
    draws = np.random.default_rng(7)
    sums = np.array([sum(values) for values in scores.values()])
    counts = np.array([len(values) for values in scores.values()])
    picks = draws.integers(0, 40, size=(20_000, 40))
    low, high = np.quantile(sums[picks].sum(axis=1) / counts[picks].sum(axis=1), [0.025, 0.975])
    assert found is not None
    assert found.interval is not None
    assert found.value == pytest.approx(sums.sum() / counts.sum())
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=0.01)


def test_an_interval_does_not_depend_on_the_order_of_tasks_and_comes_out_the_same_twice() -> None:
    scores = {"b": [0.5, 1.0], "a": [0.0], "c": [0.25]}
    again = {name: scores[name] for name in ("c", "a", "b")}
    assert mean(scores) == mean(again)


def test_trials_of_one_task_are_no_independent_evidence() -> None:
    many = {"a": [0.0] * 50, "b": [1.0] * 50}
    found = mean(many)
    assert found is not None
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (0.0, 1.0)


def test_one_task_has_a_mean_and_no_interval() -> None:
    found = mean({"a": [0.25, 0.75]})
    assert found is not None
    assert (found.value, found.interval, found.count) == (0.5, None, 1)


def test_tasks_that_all_agree_have_an_interval_of_no_width() -> None:
    found = mean({"a": [1.0], "b": [1.0, 1.0]})
    assert found is not None
    assert found.to_json() == {"value": 1.0, "interval": [1.0, 1.0], "count": 2}


def test_nothing_measured_has_no_figure() -> None:
    assert mean({}) is None
    assert mean({"a": []}) is None
    assert rate(0, 0) is None


# --- trials --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trials", range(1, 7))
def test_pass_at_k_and_pass_hat_k_are_the_shares_of_all_draws_of_k_trials(trials: int) -> None:
    for successes, k in itertools.product(range(trials + 1), range(1, trials + 1)):
        outcomes = [True] * successes + [False] * (trials - successes)
        draws = list(itertools.combinations(outcomes, k))
        assert pass_at_k(trials, successes, k) == pytest.approx(sum(map(any, draws)) / len(draws))
        assert pass_hat_k(trials, successes, k) == pytest.approx(sum(map(all, draws)) / len(draws))


@pytest.mark.parametrize(("trials", "successes", "k"), [(3, 1, 4), (3, 4, 1), (3, 1, 0), (3, -1, 1)])
def test_more_draws_than_trials_are_refused(trials: int, successes: int, k: int) -> None:
    for figure in (pass_at_k, pass_hat_k):
        with pytest.raises(ValueError, match=f"k={k} of {trials} trials"):
            figure(trials, successes, k)


def test_three_trials_of_two_tasks_give_the_published_figures() -> None:
    results = [
        *(episode("hr/a", letters, trial=n) for n, letters in enumerate(("pp", "pp", "pf"), start=1)),
        *(episode("hr/b", letters, trial=n) for n, letters in enumerate(("ff", "pf", "ff"), start=1)),
    ]
    one, two, three = trial_rates(results)
    assert [found.k for found in (one, two, three)] == [1, 2, 3]
    assert (one.any_passes.value, one.all_pass.value) == pytest.approx((1 / 3, 1 / 3))  # type: ignore[union-attr] # both are there
    assert (two.any_passes.value, two.all_pass.value) == pytest.approx((0.5, 1 / 6))  # type: ignore[union-attr] # both are there
    assert (three.any_passes.value, three.all_pass.value) == (0.5, 0.0)  # type: ignore[union-attr] # both are there
    assert three.average.value == pytest.approx((2.5 / 3 + 0.5 / 3) / 2)  # type: ignore[union-attr] # it is there


def test_a_void_trial_is_no_trial() -> None:
    rates = trial_rates([episode("hr/a", "pp"), episode("hr/a", "pv", trial=2)])
    assert [found.k for found in rates] == [1]


# --- the course over turns ------------------------------------------------------------------------------


def test_courses_compare_the_second_and_the_last_turn_with_the_first() -> None:
    (course,) = courses([episode("hr/a", "pp", "pf", "ff"), episode("hr/b", "pp", "pp", "pf")])
    assert course.turns == 3
    assert [score.value for score in course.scores if score] == [1.0, 0.75, 0.25]
    assert course.second is not None
    assert course.last is not None
    assert (course.second.value, course.last.value) == (-0.25, -0.75)


def test_tasks_of_different_lengths_are_never_averaged_together() -> None:
    found = courses([episode("hr/a", "p", "f"), episode("hr/b", "p", "p", "f"), episode("hr/c", "f")])
    assert [(course.turns, len(course.scores)) for course in found] == [(1, 1), (2, 2), (3, 3)]
    assert found[0].second is None


def test_a_turn_without_checkers_has_no_score_and_leaves_no_difference() -> None:
    (course,) = courses([episode("hr/a", "p", "", "f")])
    assert course.scores[1] is None
    assert course.second is None
    assert course.last is not None


# --- categories ----------------------------------------------------------------------------------------


def test_failures_are_counted_by_category_with_broken_ones_among_them() -> None:
    results = [
        episode("hr/a", "pfb", category="writeback"),
        episode("hr/b", "fv", category="silent_change"),
        episode("hr/c", "p", category="zebra"),
    ]
    found = {failures.category: failures for failures in taxonomy(results)}
    assert list(found) == ["silent_change", "writeback", "zebra"]
    writeback = found["writeback"]
    assert (writeback.measured, writeback.failed, writeback.broken) == (3, 1, 1)
    assert writeback.rate.value == pytest.approx(2 / 3)
    assert found["silent_change"].measured == 1


def test_silent_changes_are_set_beside_everything_else() -> None:
    results = [episode("hr/a", "ff", category="silent_change"), episode("hr/b", "pf", category="evidence")]
    silent, loud = announced(results)
    assert (silent.category, silent.rate.value) == ("silent", 1.0)
    assert (loud.category, loud.rate.value) == ("loud", 0.5)


def test_a_mapping_file_gives_categories_to_a_corpus_that_has_none(tmp_path: Path) -> None:
    mapping = tmp_path / "categories.toml"
    mapping.write_text('silent_change = ["hr/a::c1_*"]\nwriteback = ["*::c0_0", "hr/a::*"]\n')
    mapped = Categories.read(mapping).apply(episode("hr/a", "pf", "p", category=""))
    assert [verdict.category for verdict in mapped.checkers] == ["writeback", "writeback", "silent_change"]
    untouched = Categories.read(mapping).apply(episode("eda/b", "fp", category="evidence"))
    assert [verdict.category for verdict in untouched.checkers] == ["writeback", "evidence"]


@pytest.mark.parametrize("text", ["silent_change = 'one'", "writeback = [1]", "not toml"])
def test_a_mapping_file_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"--categories=.*c\.toml"):
        Categories.read(tmp_path / "c.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        Categories.read(tmp_path / "missing.toml")


# --- effort --------------------------------------------------------------------------------------------


def test_effort_is_told_turn_by_turn_over_the_episodes_that_played_it() -> None:
    def played(*usages: dict[str, float | None]) -> EpisodeResult:
        turns = tuple(
            TurnResult(turn=f"t{n}", index=n, outcome="worked", usage=usage, seconds=120)
            for n, usage in enumerate(usages)
        )
        return EpisodeResult(task="hr/a", family="hr", agent="chat", label="m", turns=turns, planned=0)

    first, second = efforts(
        [
            played({"tool_calls": 4, "input_tokens": 100, "cost": 0.5}, {"tool_calls": 2, "cost": None}),
            played({"tool_calls": 2, "input_tokens": 300, "cost": None}),
        ]
    )
    assert (first.episodes, first.tool_calls, first.input_tokens, first.cost, first.minutes) == (
        2,
        3,
        200,
        0.5,
        2,
    )
    assert (second.episodes, second.tool_calls, second.cost) == (1, 2, None)


# --- comparison ----------------------------------------------------------------------------------------


def test_a_difference_is_paired_by_task_and_trial() -> None:
    contestants = {
        "old": [
            episode("hr/a", "pf"),
            episode("hr/b", "ff"),
            episode("hr/b", "pp", trial=2),
            episode("hr/x", "p"),
        ],
        "new": [
            episode("hr/a", "pp"),
            episode("hr/b", "pf"),
            episode("hr/b", "pp", trial=2),
            episode("hr/y", "p"),
        ],
    }
    found = difference("old", "new", contestants)
    assert found.pairs == 3
    assert found.score is not None
    assert found.score.value == pytest.approx(1 / 3)
    assert [(move.task, move.before, move.after) for move in found.moves] == [
        ("hr/a", 0.5, 1.0),
        ("hr/b", 0.5, 0.75),
    ]
    assert found.passed is not None
    assert found.passed.value == pytest.approx(1 / 3)


def test_the_test_of_a_difference_counts_all_signs_where_tasks_are_few() -> None:
    differences = [0.4, 0.1, 0.3, -0.2, 0.25]
    means = [
        abs(sum(sign * value for sign, value in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=5)
    ]
    expected = sum(found >= abs(sum(differences)) - 1e-12 for found in means) / len(means)
    assert sign_flip_test(differences) == pytest.approx(expected)


def test_the_test_of_a_difference_knows_equals_and_has_nothing_to_say_of_one_task() -> None:
    assert sign_flip_test([0.0, 0.0]) == 1.0
    assert sign_flip_test([0.5]) is None


def test_ranks_by_score_and_by_pass_rate_may_differ() -> None:
    contestants = {
        "steady": [episode("hr/a", "pppf"), episode("hr/b", "pppf")],
        "moody": [episode("hr/a", "pppp"), episode("hr/b", "ffff")],
        "twin": [episode("hr/a", "pppf"), episode("hr/b", "pppf")],
    }
    found = {
        standing.name: (standing.rank_by_score, standing.rank_by_passed)
        for standing in standings(contestants)
    }
    assert found == {"steady": (1, 2), "twin": (1, 2), "moody": (3, 1)}


def test_tasks_that_all_do_alike_tell_nothing() -> None:
    contestants = {
        "one": [episode("hr/easy", "pp"), episode("hr/sharp", "pp"), episode("hr/only", "p")],
        "two": [episode("hr/easy", "pp"), episode("hr/sharp", "ff")],
    }
    assert [(found.task, found.spread) for found in telling(contestants)] == [
        ("hr/sharp", 1.0),
        ("hr/easy", 0.0),
    ]
