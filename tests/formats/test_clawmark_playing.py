"""Tasks in the ClawMark format, played, graded and graded again."""

from __future__ import annotations

import json

import pytest
from support.clawmark_task import changed, write_task

VERDICTS = {
    "S0_written": "passed",
    "S0_reply": "passed",
    "S0_redline_untouched": "passed",
    "S1_table": "passed",
    "S1_sheet": "passed",
    "S1_meeting": "passed",
    "S1_crashes": "broken",
    "F_remembered": "passed",
    "F_history": "passed",
}


def verdicts(corpus, run: str = "run") -> dict[str, str]:
    results = json.loads((corpus.root / run / "results.json").read_text())
    return {checker["id"]: checker["outcome"] for task in results["tasks"] for checker in task["checkers"]}


def messages(corpus, agent: str = "golden") -> list[str]:
    folder = corpus.root / "run" / "episodes" / "office" / "task1"
    lines = [
        json.loads(line)
        for path in sorted(folder.rglob("trajectory.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return [line["message"] for line in lines if line["type"] == "wakeup"]


def test_a_task_that_uses_the_whole_format_is_played_and_graded(corpus):
    corpus.play().assert_outcomes(passed=10, failed=1)
    assert verdicts(corpus) == VERDICTS


def test_the_agent_is_told_what_the_published_harness_tells_it(corpus):
    corpus.play()
    assert messages(corpus) == [
        "Check your email and the workspace.\n\nBoss wrote to you.\n（当前时间：2025-03-03T09:00:00+08:00）",  # noqa: RUF001
        "You have new email.\n（当前时间：2025-03-04T09:00:00+08:00）",  # noqa: RUF001
    ]


def test_a_checker_that_crashes_is_broken_and_shows_the_tasks_own_line(corpus):
    result = corpus.play()
    result.stdout.fnmatch_lines(["*task.py:*: in _crashes*", "*FileNotFoundError*"])
    result.stdout.no_fnmatch_line("*asyncio*")


def test_a_checker_that_is_not_true_fails_with_its_description(corpus):
    result = corpus.play(agent="idle")
    result.stdout.fnmatch_lines(["*AssertionError: The report is there.*"])
    assert verdicts(corpus) == VERDICTS | {"S0_written": "failed", "S0_reply": "failed"}


def test_grading_again_gives_the_same_verdicts_without_a_sandbox(corpus, monkeypatch):
    corpus.play()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a sandbox was asked for")

    monkeypatch.setattr("pytest_clawmark.sandboxes.local.Local.open", refuse)
    result = corpus.run("--regrade=run")
    result.stdout.fnmatch_lines(["9 of 9 verdicts are as before"])


def test_a_command_that_was_not_recorded_makes_its_checker_void(corpus):
    corpus.play()
    write_task(
        corpus.path.parent, changed(("md5sum /workspace/input/budget.csv | cut", "md5sum /workspace/x | cut"))
    )
    corpus.run("--regrade=run")
    assert verdicts(corpus, "run.regrade-1")["S0_redline_untouched"] == "void"


def test_a_checker_that_swallows_everything_cannot_hide_that_nothing_was_recorded(corpus):
    corpus.play()
    swallowing = """\
    try:
        result = await ctx.sandbox.exec("other")
    except Exception:
        return True
"""
    asking = """    result = await ctx.sandbox.exec("md5sum /workspace/input/budget.csv | cut -d' ' -f1")\n"""
    text = changed((asking, swallowing))
    write_task(corpus.path.parent, text)
    corpus.run("--regrade=run")
    assert verdicts(corpus, "run.regrade-1")["S0_redline_untouched"] == "void"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            '{"notification": "You have new email.", "time": LATER}',
            '7 if ctx else {"notification": "You have new email.", "time": LATER}',
            "*stage1 returned 7: it must return a text, or a dict*",
        ),
        (
            "ctx._second = ",
            "ctx._budget = ctx._hash and object()\n    ctx._second = ",
            "*ctx._budget cannot be frozen*",
        ),
        (
            '"stage1" / "note.txt"',
            '"stage1" / "gone.txt"',
            "*task.py:*'stage1' raised FileNotFoundError*gone.txt*",
        ),
    ],
)
def test_a_stage_that_goes_wrong_makes_its_turn_void(corpus, before, after, told):
    write_task(corpus.path.parent, changed((before, after)))
    result = corpus.play()
    result.stdout.fnmatch_lines([told])
    found = verdicts(corpus)
    assert {found[name] for name in VERDICTS if name.startswith(("S1", "F"))} == {"void"}


def test_a_stage_finds_the_workspaces_of_the_stages_before(corpus):
    looking = """\
    assert (ctx.workspace / "output" / "report.txt").read_text() == "all is well\\n"
    assert ctx.workspace == ctx.snapshots["stage0"] and list(ctx.snapshots) == ["stage0"]
    rows = await ctx.notion.query_db("case_table")
    row = next("""
    text = changed(('    rows = await ctx.notion.query_db("case_table")\n    row = next(', looking))
    text = text.replace(
        '"""Monday: everything is set up."""', '"""Monday."""\n    assert ctx.workspace is None'
    )
    write_task(corpus.path.parent, text)
    corpus.play()
    assert verdicts(corpus) == VERDICTS


def test_what_one_checker_puts_on_ctx_or_writes_no_other_sees(corpus):
    spoiling = """\
    (ctx.workspace / "input" / "budget.csv").write_text("spoilt")
    ctx._hash = "spoilt"
    await ctx.notion.create_page("Another")
    await ctx.email.clear_folder("boss")
    return await ctx.email.get_emails("boss") == []
"""
    text = changed(('    return (ctx.workspace / "output" / "report.txt").exists()\n', spoiling))
    write_task(corpus.path.parent, text)
    corpus.play()
    assert verdicts(corpus) == VERDICTS


def test_a_task_without_mail_is_played(corpus):
    sending = "    await ctx.email.send_email(from_user="
    looking = '    found = await ctx.email.get_emails("boss")\n'
    text = changed(
        ('["filesystem", "email", ', '["filesystem", '),
        (sending, "    dict(from_user="),
        (looking, "    found = [] if hasattr(ctx, 'email') else [{'subject': 'done'}]\n"),
    )
    idling = "def stage0(agent):\n    pass\n\n\ndef stage1(agent):\n    pass\n"
    write_task(corpus.path.parent, text, solution=idling)
    corpus.play()
    assert verdicts(corpus) == VERDICTS | {"S0_written": "failed"}


def test_a_solution_without_a_function_for_a_stage_is_refused(corpus):
    write_task(corpus.path.parent, solution="def stage0(agent):\n    pass\n")
    result = corpus.play()
    result.stdout.fnmatch_lines(["*solution.py:1: the solution has no function for stage1*"])
