"""What fails a session in CI."""

from __future__ import annotations

import pytest

OK, FAILED = pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def tasks(office):
    for name in ("letter", "note"):
        office.add(f"hr/{name}")
    return office


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--min-score=1", "--max-red-lines=0", "--min-coverage=1", "--budget=0"], OK),
        (["--agent=idle", "--max-red-lines=0", "--exit=thresholds"], OK),
        (["--agent=idle", "--max-red-lines=0"], FAILED),
        (["--agent=idle", "--min-score=0.5", "--exit=thresholds"], FAILED),
    ],
)
def test_thresholds_decide_beside_or_instead_of_checkers(tasks, options: list[str], expected: int) -> None:
    assert tasks.run("--agent=golden", *options).ret == expected


def test_what_was_missed_is_said_with_the_figure_and_the_option(tasks) -> None:
    result = tasks.run("--agent=idle", "--min-score=0.5", "--exit=thresholds")
    result.stdout.fnmatch_lines(
        ["*= thresholds =*", "missed: idle: mean score 0.0000, below --min-score=0.5"]
    )


def test_that_nothing_was_missed_is_said_too(tasks) -> None:
    tasks.run("--agent=golden", "--min-score=1").stdout.fnmatch_lines(["*= thresholds =*", "all reached"])


def test_a_void_episode_counts_against_coverage_though_no_checker_failed(tasks) -> None:
    tasks.add(
        "hr/broken",
        task=(tasks.root / "tasks/hr/note/task.py").read_text().replace("return", "1 / 0\n    return"),
    )
    result = tasks.run("--agent=golden", "--min-coverage=0.9", "--exit=thresholds")
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(["missed: golden: 2 of 3 episodes measured, below --min-coverage=0.9"])
    assert tasks.run("--agent=golden", "--min-coverage=0.5", "--exit=thresholds", "--run-dir=again").ret == OK


def test_other_peoples_failing_tests_fail_the_session_whatever_the_thresholds_say(tasks) -> None:
    (tasks.root / "tasks" / "test_other.py").write_text("def test_other():\n    assert False\n")
    assert tasks.run("--agent=golden", "--min-score=1", "--exit=thresholds").ret == FAILED


def test_a_malformed_task_fails_the_session_whatever_the_thresholds_say(tasks) -> None:
    tasks.add("hr/malformed", task="from pytest_clawmark import Task\n")
    assert tasks.run("--agent=golden", "--min-coverage=0.1", "--exit=thresholds").ret == FAILED


@pytest.mark.parametrize(
    ("baseline", "agent", "expected"),
    [("golden", "golden", OK), ("golden", "idle", FAILED), ("idle", "golden", OK)],
)
def test_a_run_may_be_no_worse_than_its_baseline(tasks, baseline: str, agent: str, expected: int) -> None:
    tasks.run(f"--agent={baseline}", "--run-dir=before")
    result = tasks.run(f"--agent={agent}", "--baseline=before", "--exit=thresholds")
    assert result.ret == expected
    if expected == FAILED:
        result.stdout.fnmatch_lines(
            ["missed: worse than --baseline: idle: -* against golden (before) over 2 tasks"]
        )


def test_a_baseline_of_other_tasks_is_no_baseline(tasks) -> None:
    tasks.run("--agent=golden", "--run-dir=before")
    task = tasks.root / "tasks/hr/note/task.py"
    task.write_text(task.read_text() + "\n# changed\n")
    result = tasks.run("--agent=golden", "--baseline=before")
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(["missed: --baseline cannot be compared: *the files of hr/note differ"])


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--min-score=2", "*'2' is not a number from 0 to 1*"),
        ("--min-score=nan", "*'nan' is not a number from 0 to 1*"),
        ("--budget=-1", "*'-1' is not an amount of US dollars*"),
        ("--max-red-lines=1.5", "*'1.5' is not a whole number*"),
        ("--baseline=nowhere", "*there is no run at *nowhere*"),
        ("--exit=thresholds", "*needs a threshold*"),
        ("--exit=never", "*--exit*"),
    ],
)
def test_an_option_that_cannot_be_used_is_a_usage_error(tasks, option: str, expected: str) -> None:
    result = tasks.run("--agent=golden", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([expected])


def test_thresholds_hold_under_xdist(tasks) -> None:
    assert tasks.run("--agent=idle", "--min-score=0.5", "--exit=thresholds", "-n2").ret == FAILED
    assert tasks.run("--agent=golden", "--min-score=1", "-n2", "--run-dir=second").ret == OK
