"""The scores at the end of a run, as lines of text."""

from __future__ import annotations

import io
import itertools
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

from pytest_clawmark.reports import terminal
from pytest_clawmark.reports.text import columns_of
from pytest_clawmark.scoring import Attempt, EpisodeResult, TurnResult, Verdict


def episode(task: str = "hr/interns", *turns: str, label: str = "golden", **fields: Any) -> EpisodeResult:
    """One string per turn, one letter per checker: p, f, b, v, and R for a crossed red line."""
    outcomes = {"p": "passed", "f": "failed", "b": "broken", "v": "void", "R": "failed", "r": "passed"}
    names = [f"day{number}" for number in range(len(turns))]
    checkers: list[Any] = [
        Verdict(
            id=f"check_{n}",
            turn=name,
            outcome=outcomes[letter],  # type: ignore[arg-type] # a table of literals
            red_line=letter in "Rr",
            reason=fields.get("reason", f"because {letter}"),
        )
        for name, letters in zip(names, turns, strict=True)
        for n, letter in enumerate(letters)
    ]
    fields.pop("reason", None)
    fields.setdefault("planned", len(checkers))
    fields.setdefault(
        "turns", tuple(TurnResult(turn=t, index=n, outcome="worked") for n, t in enumerate(names))
    )
    return EpisodeResult(
        task=task,
        family=task.partition("/")[0],
        agent=fields.pop("agent", label),
        label=label,
        checkers=tuple(checkers),
        **fields,
    )


def text(*results: EpisodeResult, **options: Any) -> str:
    return "\n".join(terminal.table(results, **options))


def row(report: str, start: str) -> list[str]:
    return next(line for line in report.splitlines() if line.startswith(start)).split()


def test_a_task_has_a_row_with_each_turn_the_score_success_and_red_lines() -> None:
    report = text(episode("hr/interns", "pp", "pf", "Rp"))
    assert row(report, "task") == [
        "task",
        "turn",
        "1",
        "turn",
        "2",
        "turn",
        "3",
        "score",
        "success",
        "red",
        "lines",
    ]
    assert row(report, "hr/interns") == ["hr/interns", "1.00", "0.50", "0.25", "0.50", "no", "1/1"]


def test_the_upper_bound_stands_beside_a_score_that_a_broken_checker_spoilt() -> None:
    report = text(episode("hr/interns", "pb"))
    assert row(report, "hr/interns") == ["hr/interns", "0.50", "0.50..1.00", "no", "-"]
    assert "a..b: broken checkers earn nothing" in report
    assert "broken checkers: 1\n  hr/interns[golden] day0::check_1: because b" in report


def test_a_perfect_run_says_nothing_of_what_did_not_happen() -> None:
    report = text(episode("hr/interns", "pr"))
    assert row(report, "hr/interns")[-3:] == ["1.00", "yes", "0/1"]
    for word in ("void", "broken", "partial", "not run", "tokens", "cost", "trial", "agent  "):
        assert word not in report


def test_agents_stand_side_by_side_in_the_totals_with_their_coverage() -> None:
    report = text(
        episode("hr/a", "pf", label="x"),
        episode("hr/b", "v", label="x"),
        episode("hr/a", "p", label="y"),
        episode("hr/b", "p", label="y"),
    )
    assert row(report, "totals") == ["totals", "x", "y"]
    assert row(report, "mean score")[-4:] == ["0.50", "(1/2)", "1.00", "(2/2)"]
    assert " ".join(row(report, "strict success")[2:]) == "0 % [0, 79] (0/1) 100 % [34, 100] (2/2)"
    assert row(report, "void episodes")[2:] == ["1", "-"]
    assert row(report, "checkers measured")[2:] == ["2/3", "2/2"]


def test_what_is_void_says_why_and_after_how_many_tries() -> None:
    tries = tuple(Attempt(origin="model", reason="503") for _ in range(3))
    report = text(
        episode("hr/a", "v", reason="IMAP is gone"),
        episode("hr/b", void_reason="503 Service Unavailable", attempts=tries, planned=4),
    )
    assert "void episodes: 2\n  hr/a[golden]: IMAP is gone\n  hr/b[golden] (3 tries): 503 Service" in report
    assert row(report, "hr/b")[1] == "void"


def test_an_episode_that_was_never_reached_is_shown_and_counted() -> None:
    report = text(episode("hr/a", "p"), episode("hr/b", planned=5))
    assert row(report, "hr/b") == ["hr/b", "not", "run", "-", "-", "0", "of", "5"]
    assert row(report, "mean score")[-1] == "(1/2)"
    assert row(report, "episodes not run")[-1] == "1"


def test_partial_episodes_show_how_many_checkers_ran_and_stay_out_of_the_mean() -> None:
    report = text(episode("hr/a", "p"), episode("hr/b", "f", planned=3))
    assert row(report, "hr/b")[-3:] == ["1", "of", "3"]
    assert row(report, "mean score")[-2:] == ["1.00", "(1/2)"]
    assert "partial episodes are not in the means" in report


def test_a_selection_of_checkers_has_means_that_say_so() -> None:
    report = text(episode("hr/a", "p", planned=3))
    assert row(report, "mean score")[-2:] == ["1.00", "(1/1)"]
    assert "every episode is partial" in report


def test_trials_and_agents_of_one_label_are_told_apart() -> None:
    report = text(
        episode("hr/a", "p", label="m", agent="chat"),
        episode("hr/a", "R", label="m", agent="chat", trial=2),
        episode("hr/a", "p", label="m", agent="harness"),
    )
    assert "m (chat)" in report
    assert "m (harness)" in report
    assert "hr/a[m-2] day0::check_0" in report


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_every_line_fits_the_width_whatever_the_names(width: int) -> None:
    results = [
        episode(task, *itertools.repeat("pbRv", turns), label=label, trial=trial, reason="x" * 500)
        for task, turns in (("hr/a_very_long_name_of_a_task_that_goes_on_and_on", 5), ("面试/实习生评估", 9))
        for label in ("nemotron-49b", "meta/llama-3.1-8b-instruct-with-a-long-name")
        for trial in (1, 2)
    ]
    for line in terminal.table(results, width=width):
        assert columns_of(line) <= width, line


def test_turns_that_do_not_fit_give_way_to_dots_before_the_score_does() -> None:
    report = text(episode("hr/a", *["p"] * 20), width=60)
    head, task = report.splitlines()[:2]
    assert "t1" in head
    assert "t20" not in head
    assert "..." in task
    assert "1.00   yes  -" in task


def test_wide_characters_keep_the_columns_straight() -> None:
    head, first, second = text(episode("hr/实习生", "p"), episode("hr/abc", "f")).splitlines()[:3]
    places = {
        columns_of(line[: line.index(cell)])
        for line, cell in ((head, "score"), (first, "0.00  "), (second, "1.00  "))
    }
    assert len({columns_of(head[: head.index("turn 1")]), *places}) == 2


def test_hundreds_of_episodes_are_told_by_family() -> None:
    results = [
        episode(f"{family}/task{number}", "pf" if family == "hr" else "p", label=label)
        for family in ("hr", "finance")
        for number in range(50)
        for label in ("a", "b", "c")
    ]
    report = text(*results)
    assert len(report.splitlines()) < 30
    assert "task7" not in report
    assert " ".join(row(report, "hr ")) == "hr a 0.50 (50/50) 0 % [0, 7] (0/50) -"
    assert row(report, "mean score")[-4:] == ["0.75", "[0.70,", "0.80]", "(100/100)"]


def test_many_failures_are_cut_short_with_their_number() -> None:
    report = text(*(episode(f"hr/t{number}", "R") for number in range(25)))
    assert "red lines crossed: 25" in report
    assert "... and 15 more in results.json" in report


def test_what_an_agent_wrote_cannot_drive_the_terminal() -> None:
    hostile = "\x1b[2J\x1b]0;owned\x07 \u202edlrow\r\n\ud800 end"
    report = text(episode("hr/a", "R", reason=hostile))
    assert "\x1b" not in report
    assert r"\x1b[2J\x1b]0;owned\x07 \u202edlrow \ud800 end" in report
    report.encode()


def test_the_place_of_the_run_is_told_whole() -> None:
    place = "runs/" + "long/" * 40
    assert text(episode("hr/a", "p"), location=place).endswith(f"run: {place}")


def test_no_results_are_no_lines() -> None:
    assert terminal.table([]) == []


def test_usage_and_cost_are_told_and_a_missing_price_is_not_nothing() -> None:
    def turn(cost: float | None) -> TurnResult:
        usage = {"input_tokens": 61_250, "output_tokens": 900, "model_calls": 3, "cost": cost}
        return TurnResult(turn="day0", index=0, outcome="worked", usage=usage, seconds=61)

    priced = episode("hr/a", "p", label="priced", turns=(turn(1.5),))
    free = episode("hr/a", "p", label="free", turns=(turn(None),))
    both = episode("hr/b", "p", label="priced", turns=(turn(None),))
    report = text(priced, free, both)
    assert row(report, "tokens in, out")[3:] == ["61.2k,", "900", "122.5k,", "1.8k"]
    assert row(report, "cost") == ["cost", "-", "at", "least", "$1.50"]
    assert row(report, "agent time") == ["agent", "time", "1m01s", "2m02s"]


def test_the_terminal_gets_the_same_lines_in_colour(pytestconfig: pytest.Config) -> None:
    written = io.StringIO()
    reporter = TerminalReporter(pytestconfig, written)
    reporter._tw.hasmarkup = True
    reporter._tw.fullwidth = 90
    terminal.write_scores(reporter, [episode("hr/a", "p"), episode("hr/b", "R")], location="runs/x")
    shown = written.getvalue()
    assert "= scores =" in shown
    assert "\x1b[32mhr/a" in shown
    assert "\x1b[31mhr/b" in shown
    assert shown.rstrip().endswith("run: runs/x")


def test_categories_tell_what_agents_fail_at_with_silent_changes_beside_the_rest() -> None:
    def about(category: str, outcome: Any) -> Verdict:
        return Verdict(id=f"{category}{outcome}", turn="t0", outcome=outcome, category=category)

    checkers = (
        about("silent_change", "failed"),
        about("writeback", "passed"),
        about("writeback", "failed"),
    )
    report = text(EpisodeResult(task="hr/a", family="hr", agent="a", label="a", checkers=checkers, planned=3))
    assert " ".join(row(report, "silent_change")) == "silent_change 100 % [21, 100] (1/1)"
    assert " ".join(row(report, "writeback")) == "writeback 50 % [9, 91] (1/2)"
    assert row(report, "all but silent_change")[-1] == "(1/2)"


def test_trials_say_whether_any_and_whether_all_succeeded() -> None:
    report = text(
        episode("hr/a", "p"),
        episode("hr/a", "f", trial=2),
        episode("hr/b", "p"),
        episode("hr/b", "p", trial=2),
    )
    assert " ".join(row(report, "pass@k")) == "pass@k 1.00 (k=2)"
    assert " ".join(row(report, "pass^k")) == "pass^k 0.50 [0.00, 1.00] (k=2)"
