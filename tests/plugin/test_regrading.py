"""`--regrade`: checkers run again over what an earlier session froze."""

from __future__ import annotations

import hashlib
import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support.pages import turns_told
from support.scripted_model import Says, ScriptedModel

from pytest_clawmark.schemas import validate

COMMANDS = """

@pytest.mark.turn("monday")
def check_listing(grading):
    assert b"given.txt" in grading.run("monday", ["ls"]).stdout
"""


class Graded:
    """An office with a run, and ways to grade it again."""

    def __init__(self, office) -> None:
        self.office, self.root, self.run = office, office.root, office.run_dir

    def again(self, *arguments: str, tasks: str = "tasks", run: str = "run") -> pytest.RunResult:
        return self.office.pytester.runpytest(
            tasks, f"--regrade={run}", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments
        )

    def results(self, name: str = "run.regrade-1") -> dict:
        return json.loads((self.root / name / "results.json").read_text())

    def verdicts(self, name: str = "run.regrade-1") -> dict[str, str]:
        tasks = self.results(name)["tasks"]
        return {checker["id"]: checker["outcome"] for task in tasks for checker in task["checkers"]}

    def digest(self) -> str:
        found = hashlib.sha256()
        for path in sorted(self.run.rglob("*")):
            status = path.lstat()
            found.update(f"{path.relative_to(self.run)} {status.st_mode} {status.st_mtime_ns}\n".encode())
            found.update(path.read_bytes() if path.is_file() else b"")
        return found.hexdigest()


@pytest.fixture
def graded(office) -> Graded:
    return Graded(office)


@pytest.fixture
def nothing_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without sandboxes and without a toolbox."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be built or looked for when a run is graded again")

    monkeypatch.setattr("pytest_clawmark.assembly.choose_place", refuse)
    monkeypatch.setattr("pytest_clawmark.assembly.assemble_agents", refuse)
    monkeypatch.setattr("pytest_clawmark.toolbox.ensure", refuse)
    monkeypatch.setattr("pytest_clawmark.toolbox.locate", refuse)
    monkeypatch.setenv("PATH", "/nonexistent")


def test_an_unchanged_run_gives_the_same_verdicts_and_stays_as_it_is(
    office, graded: Graded, letter: str, nothing_works_later
) -> None:
    office.add(task=letter + COMMANDS)
    office.run("--agent=golden", "--agent=idle", "--trials=2").assert_outcomes(passed=20, failed=4)
    before = graded.digest()
    nothing_works_later()
    result = graded.again()
    result.assert_outcomes(passed=20, failed=4)
    result.stdout.fnmatch_lines(["*=== graded again ===*", "16 of 16 verdicts are as before"])
    assert graded.digest() == before
    old, new = graded.results("run"), graded.results()
    assert new["verdicts"] == old["verdicts"]
    assert new["tasks"] == old["tasks"]
    assert new["summary"] == old["summary"]


@pytest.fixture
def nothing_works_later(request: pytest.FixtureRequest):
    return lambda: request.getfixturevalue("nothing_works")


def test_a_derived_result_says_where_it_comes_from(office, graded: Graded) -> None:
    folder = office.add()
    office.run("--agent=golden")
    (folder / "assets" / "more.txt").write_text("more")
    graded.again("--run-dir=elsewhere/derived").assert_outcomes(passed=5)
    record = json.loads((graded.root / "elsewhere/derived/run.json").read_text())
    validate("run", record)
    validate("plan", json.loads((graded.root / "elsewhere/derived/plan.json").read_text()))
    derived = record["derived_from"]
    assert derived["path"] == "../../run"
    assert derived["verdicts"] == graded.results("run")["verdicts"]
    assert derived["tasks"] == graded.results("run")["run"]["tasks"] != record["tasks"]
    assert record["agents"] == graded.results("run")["run"]["agents"]
    assert record["regraded"] == {"same": 3, "left_out": 0, "differences": []}


def test_changed_checkers_are_told_verdict_by_verdict(office, graded: Graded, letter: str) -> None:
    folder = office.add()
    office.run("--agent=golden", "--agent=idle")
    text = letter.replace(
        'assert snapshot.files.text("out.txt") == "first\\n"',
        'assert snapshot.files.text("out.txt") == "third", "not the third"',
    )
    text = text.replace("def check_nothing_sent", "def check_nobody_told")
    (folder / "task.py").write_text(text.replace('category("silent_change")', 'category("writeback")'))
    result = graded.again()
    result.assert_outcomes(passed=7, failed=3)
    result.stdout.fnmatch_lines(
        [
            "1 of 6 verdicts are as before, 1 changed, 2 redefined, 2 new, 2 gone",
            "  changed    hr/letter[[]golden[]] monday::check_copied: passed -> failed: not*",
            "             third assert 'first*' == 'third'",
            "  redefined  hr/letter[[]golden[]] tuesday::check_copied_again: passed: category",
            "             silent_change -> writeback",
            "  redefined  hr/letter[[]idle[]] tuesday::check_copied_again: failed: category*",
            "  new        hr/letter[[]golden[]] tuesday::check_nobody_told: passed",
            "  new        hr/letter[[]idle[]] tuesday::check_nobody_told: passed",
            "  gone       hr/letter[[]golden[]] tuesday::check_nothing_sent: passed",
            "  gone       hr/letter[[]idle[]] tuesday::check_nothing_sent: passed",
        ]
    )
    kinds = [d["kind"] for d in graded.results()["run"]["regraded"]["differences"]]
    assert kinds == ["changed", "redefined", "redefined", "new", "new", "gone", "gone"]


def test_a_broken_checker_can_be_mended_without_playing_again(office, graded: Graded, letter: str) -> None:
    folder = office.add(task=letter.replace("assert not snapshot.audit", "assert not snapshot.audiit"))
    office.run("--agent=golden").assert_outcomes(passed=4, failed=1)
    (folder / "task.py").write_text(letter)
    result = graded.again()
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(
        ["  changed    hr/letter[[]golden] tuesday::check_nothing_sent: broken -> passed"]
    )


def test_a_run_that_was_moved_is_graded_from_anywhere(office, graded: Graded) -> None:
    office.add()
    office.run("--agent=golden")
    for folder in ("archive/2026", "corpus"):
        (graded.root / folder).mkdir(parents=True)
    shutil.move(graded.run, graded.root / "archive/2026/first")
    shutil.move(graded.root / "tasks", graded.root / "corpus/tasks")
    graded.again(tasks="corpus", run="archive/2026/first").assert_outcomes(passed=5)
    assert graded.results("archive/2026/first.regrade-1")["run"]["regraded"]["same"] == 3


def test_what_was_derived_leads_back_to_its_run(office, graded: Graded) -> None:
    office.add()
    office.run("--agent=golden")
    graded.again()
    graded.again(run="run.regrade-1").assert_outcomes(passed=5)
    assert graded.results("run.regrade-2")["run"]["derived_from"]["path"] == "../run"
    graded.run.rename(graded.root / "gone")
    result = graded.again(run="run.regrade-1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --regrade=*derived from the run run, which *not there any more*"])


def test_a_run_is_found_by_its_name_below_runs(office, graded: Graded) -> None:
    office.add()
    office.run("--agent=golden")
    (graded.root / "runs").mkdir()
    graded.run.rename(graded.root / "runs" / "monday")
    graded.again(run="monday").assert_outcomes(passed=5)
    assert (graded.root / "runs" / "monday.regrade-1" / "results.json").is_file()


def test_an_interrupted_episode_is_void_and_the_others_are_graded(office, graded: Graded) -> None:
    office.add("hr/a")
    office.add("hr/b")
    office.run("--agent=golden")
    file = graded.run / "episodes/hr/b/golden/1/episode.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "state": "running"}))
    (graded.run / "results.json").unlink()
    result = graded.again()
    result.assert_outcomes(passed=5, errors=5)
    result.stdout.fnmatch_lines(["*interrupted before this episode ended; resume it*", "*void episodes: 1*"])
    result.stdout.fnmatch_lines(["3 of 6 verdicts are as before, 3 changed"])
    tasks = {task["id"]: task for task in graded.results()["tasks"]}
    assert tasks["hr/a"]["score"] == 1
    assert tasks["hr/b"]["score"] is None
    assert "interrupted" in tasks["hr/b"]["void_reason"]


def test_a_void_episode_stays_void_with_what_was_measured(office, graded: Graded, letter: str) -> None:
    office.add(task=letter.replace('    """A silent change."""', '    """A silent change."""\n    1 / 0'))
    office.run("--agent=golden").assert_outcomes(passed=2, errors=3)
    graded.again().assert_outcomes(passed=2, errors=3)
    assert graded.results()["verdicts"] == graded.results("run")["verdicts"]
    assert graded.results()["tasks"] == graded.results("run")["tasks"]


def test_only_the_run_s_own_tasks_agents_and_trials_are_graded(office, graded: Graded) -> None:
    office.add("hr/a")
    office.run("--agent=golden", "--agent=idle")
    office.add("hr/b")
    result = graded.again("--agent=idle")
    result.assert_outcomes(passed=3, failed=2, deselected=5)
    result.stdout.fnmatch_lines(["3 of 3 verdicts are as before, 3 not graded this time"])
    result = graded.again("--model=nobody")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --regrade=*: none of nobody played in it, but golden, idle.*"])


def test_a_malformed_task_that_was_not_played_is_not_counted(office, graded: Graded, letter: str) -> None:
    office.add("hr/a")
    office.run("--agent=golden")
    office.add("hr/bad", task=letter.replace('["email"]', '["emall"]'))
    graded.again().assert_outcomes(passed=5, errors=1)
    assert [task["id"] for task in graded.results()["tasks"]] == ["hr/a"]


def test_a_forked_run_is_graded_as_far_as_it_was_played(office, graded: Graded) -> None:
    office.add()
    office.run("--agent=golden")
    fork = ("--agent=idle", "--sandbox=local", "--from=run", "--at=monday", "--run-dir=fork")
    office.pytester.runpytest("tasks", "-p", "no:cacheprovider", *fork).assert_outcomes(
        passed=2, failed=1, deselected=2
    )
    graded.again(run="fork").assert_outcomes(passed=2, failed=1, deselected=2)
    assert graded.results("fork.regrade-1")["tasks"] == graded.results("fork")["tasks"]


def test_thresholds_decide_a_graded_session_too(office, graded: Graded) -> None:
    office.add()
    office.run("--agent=idle")
    assert graded.again("--min-score=0.1", "--exit=thresholds").ret == pytest.ExitCode.TESTS_FAILED
    assert graded.again("--min-score=0", "--exit=thresholds").ret == pytest.ExitCode.OK


def test_a_selection_grades_a_part(office, graded: Graded) -> None:
    office.add()
    office.run("--agent=golden")
    graded.again("-m", "red_line").stdout.fnmatch_lines(
        ["1 of 1 verdicts are as before, 2 not graded this time"]
    )
    named = "tasks/hr/letter/task.py::monday::check_copied"
    graded.again(tasks=named).stdout.fnmatch_lines(["1 of 1 verdicts are as before, 2 not graded this time"])


def test_commands_are_answered_from_the_record_and_new_ones_make_a_verdict_void(
    office, graded: Graded, letter: str
) -> None:
    folder = office.add(task=letter + COMMANDS)
    office.run("--agent=golden").assert_outcomes(passed=6)
    (folder / "task.py").write_text(letter + COMMANDS.replace('["ls"]', '["ls", "-a"]'))
    result = graded.again()
    result.assert_outcomes(passed=5, errors=1)
    result.stdout.fnmatch_lines(
        ["*::check_listing: passed -> void: world: the*", "*run has no recorded answer to ls -a;*"]
    )


def test_parametrized_checkers_are_matched_one_by_one(office, graded: Graded, letter: str) -> None:
    many = letter + (
        '\n\n@pytest.mark.turn("monday")\n@pytest.mark.parametrize("n", [1, 2, 3])\n'
        "def check_number(snapshot, n):\n    assert n < 3\n"
    )
    folder = office.add(task=many)
    office.run("--agent=golden")
    (folder / "task.py").write_text(many.replace("[1, 2, 3]", "[2, 3, 4]"))
    graded.again().stdout.fnmatch_lines(["5 of 6 verdicts are as before, 1 new, 1 gone"])


def test_workers_grade_as_one_process_does(office, graded: Graded) -> None:
    pytest.importorskip("xdist")
    for name in ("hr/a", "hr/b", "hr/c"):
        office.add(name)
    office.run("--agent=golden", "--agent=idle")
    before = graded.digest()
    graded.again("-n2").assert_outcomes(passed=24, failed=6)
    assert graded.results()["verdicts"] == graded.results("run")["verdicts"]
    assert graded.digest() == before


def test_reports_tell_of_a_graded_run_what_they_tell_of_a_played_one(office, graded: Graded) -> None:
    office.add()
    office.run("--agent=golden", "--junitxml=played.xml", "--html=played.html")
    graded.again("--junitxml=graded.xml", "--html=graded.html")
    assert properties(graded.root / "graded.xml") == properties(graded.root / "played.xml")
    told, before = (turns_told(graded.root / name) for name in ("graded.html", "played.html"))
    assert told == before
    assert "cp given.txt out.txt" in told
    assert "You have mail." in told


def properties(path: Path) -> dict[str, dict[str, str]]:
    return {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in ET.parse(path).iter("testcase")
    }


def test_a_run_of_a_model_needs_neither_the_model_nor_its_entry(office, graded: Graded) -> None:
    office.add()
    with ScriptedModel([Says("Done.")]) as model:
        (graded.root / "clawmark.toml").write_text(
            f'[models.clerk]\nbase_url = "{model.url}"\nmodel = "scripted"\n'
        )
        office.run("--model=clerk").assert_outcomes(passed=3, failed=2)
    (graded.root / "clawmark.toml").unlink()
    graded.again().assert_outcomes(passed=3, failed=2)
    assert graded.results()["tasks"] == graded.results("run")["tasks"]
    graded.again("--model=clerk").assert_outcomes(passed=3, failed=2)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda run: (run / "run.json").unlink(), "that is no run, for it has no run.json"),
        (lambda run: (run / "run.json").write_text("{"), "run.json cannot be read"),
        (lambda run: (run / "run.json").write_text("[]"), "run.json is damaged"),
        (lambda run: (run / "plan.json").unlink(), "ended before it had collected its tasks"),
        (shutil.rmtree, "that is no run"),
    ],
)
def test_what_is_no_run_is_refused(office, graded: Graded, damage, said: str) -> None:
    office.add()
    office.run("--agent=golden")
    damage(graded.run)
    result = graded.again()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --regrade*{said}*"])
    assert not (graded.root / "run.regrade-1").exists()


def test_a_run_of_another_version_is_refused_with_the_version_that_reads_it(office, graded: Graded) -> None:
    office.add()
    office.run("--agent=golden")
    record = json.loads((graded.run / "run.json").read_text())
    record.update(schema=7, versions={"pytest-clawmark": "9.1.0"})
    (graded.run / "run.json").write_text(json.dumps(record))
    result = graded.again()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *recorded in schema 7*pip install 'pytest-clawmark==9.1.0'*"])


@pytest.mark.parametrize("damage", ["audit.jsonl", "snapshot.json", "blobs"])
def test_what_was_lost_of_a_run_is_void_and_never_evidence(office, graded: Graded, damage: str) -> None:
    office.add()
    office.run("--agent=golden")
    if damage == "blobs":
        shutil.rmtree(graded.run / "blobs")
    else:
        (graded.run / "episodes/hr/letter/golden/1/tuesday" / damage).unlink()
    graded.again()
    verdicts = graded.verdicts()
    lost = "check_nothing_sent" if damage == "audit.jsonl" else "check_copied_again"
    assert verdicts[lost] == "void"
    assert set(verdicts.values()) <= {"void", "passed"}


def test_regrading_and_playing_are_two_sessions(office, graded: Graded) -> None:
    office.add()
    office.run("--agent=golden")
    result = graded.again("--resume=run")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --regrade grades what was played*--resume*"])


def test_collecting_only_lists_what_would_be_graded_and_writes_nothing(office, graded: Graded) -> None:
    office.add()
    office.run("--agent=golden", "--agent=idle")
    result = graded.again("--collect-only", "-q")
    result.stdout.fnmatch_lines(["*check_copied[[]golden]", "*check_copied[[]idle]"])
    assert not (graded.root / "run.regrade-1").exists()
