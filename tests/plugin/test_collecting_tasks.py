"""How tasks become pytest's items."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

IDS = [
    "tasks/hr/letter/task.py::monday[golden]",
    "tasks/hr/letter/task.py::monday::check_copied[golden]",
    "tasks/hr/letter/task.py::tuesday[golden]",
    "tasks/hr/letter/task.py::tuesday::check_copied_again[golden]",
    "tasks/hr/letter/task.py::tuesday::check_nothing_sent[golden]",
]


def collected(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line and not line.startswith(("ERROR", "="))]


def test_turns_and_checkers_are_items_in_the_order_of_the_days(office) -> None:
    office.add()
    assert collected(office.run("--agent=golden", "--collect-only", "-q")) == IDS


def test_several_agents_and_trials_are_grouped_by_episode(office) -> None:
    office.add()
    ids = collected(office.run("--agent=golden", "--agent=idle", "--trials=2", "--collect-only", "-q"))
    brackets = [line.partition("[")[2] for line in ids]
    assert brackets == ["golden]"] * 5 + ["golden-2]"] * 5 + ["idle]"] * 5 + ["idle-2]"] * 5


def test_tasks_can_be_listed_without_naming_an_agent(office) -> None:
    office.add()
    result = office.run("--collect-only", "-q")
    assert collected(result) == [line.removesuffix("[golden]") for line in IDS]
    assert result.ret == 0


def test_collecting_records_and_builds_nothing(office) -> None:
    folder = office.add()
    office.run("--agent=golden", "--collect-only", "-q")
    assert not office.run_dir.exists()
    assert not list(folder.rglob("__pycache__"))


def test_nobody_named_is_a_usage_error_that_names_both_options(office) -> None:
    office.add()
    result = office.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: tasks/hr/letter/task.py*--model=NAME*--agent=NAME*"])


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--agent=golem", "*golem*golden*"),
        ("--model=no-such-model", "*no-such-model*nemotron-49b*"),
        ("--sandbox=chroot", "*chroot*bubblewrap*"),
    ],
)
def test_an_unknown_name_is_a_usage_error_that_lists_the_known(office, option: str, expected: str) -> None:
    office.add()
    # The last --sandbox wins, so the option under test must come after the office's own.
    agent = [] if option.startswith(("--agent", "--model")) else ["--agent=golden"]
    result = office.run(option, *agent)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([expected])
    assert not office.run_dir.exists()


@pytest.mark.bubblewrap
def test_bubblewrap_is_preferred_until_an_image_is_named(office) -> None:
    office.add()
    office.run("--agent=idle", "--sandbox=auto").stdout.fnmatch_lines(
        ["clawmark: idle; bubblewrap works here"]
    )
    result = office.run("--agent=idle", "--sandbox=auto", "--image=no-such-image", "--run-dir=other")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--sandbox=docker does not work here*"])


def test_a_plain_suite_beside_the_tasks_runs_as_if_the_plugin_were_not_there(office) -> None:
    office.pytester.makepyfile(test_plain="def test_one(): assert True")
    result = office.pytester.runpytest("test_plain.py")
    result.assert_outcomes(passed=1)
    assert "clawmark" not in "\n".join(result.outlines[5:])
    assert not (office.root / "runs").exists()


def test_a_plain_suite_runs_together_with_tasks(office) -> None:
    office.add()
    office.pytester.makepyfile(test_plain="def test_one(): assert True")
    result = office.run("test_plain.py", "--agent=golden")
    result.assert_outcomes(passed=6)


def test_a_strangers_task_file_is_left_alone(office) -> None:
    stranger = office.root / "tasks" / "other"
    stranger.mkdir(parents=True)
    (stranger / "task.py").write_text("raise SystemExit('imported')\n")
    office.add()
    result = office.run("--agent=golden")
    result.assert_outcomes(passed=5)


def test_two_tasks_with_the_same_file_name_do_not_collide(office) -> None:
    office.add("hr/letter")
    office.add("hr/other")
    result = office.run("--agent=golden")
    result.assert_outcomes(passed=10)


@pytest.mark.parametrize("material", ["assets", "inject/monday"])
def test_nothing_in_a_tasks_materials_is_collected_or_imported(office, material: str) -> None:
    folder = office.add()
    planted = folder / material
    planted.mkdir(parents=True, exist_ok=True)
    (planted / "conftest.py").write_text("raise SystemExit('imported')\n")
    (planted / "test_planted.py").write_text("raise SystemExit('imported')\n")
    result = office.run("--agent=golden")
    result.assert_outcomes(passed=5)


def test_nothing_in_an_earlier_run_is_collected_or_imported(office) -> None:
    office.add()
    office.run("--agent=golden").assert_outcomes(passed=5)
    (office.run_dir / "conftest.py").write_text("raise SystemExit('imported')\n")
    (office.run_dir / "test_planted.py").write_text("raise SystemExit('imported')\n")
    result = office.pytester.runpytest(".", "--collect-only", "-q")
    assert collected(result) == [line.removesuffix("[golden]") for line in IDS]


def test_markers_fixtures_and_options_explain_themselves(office) -> None:
    office.add()
    office.pytester.runpytest("--markers").stdout.fnmatch_lines(
        ["*mark.weight(number)*", "@pytest.mark.red_line: *"]
    )
    office.pytester.runpytest("--fixtures").stdout.fnmatch_lines(
        ["snapshot*", "*The frozen world at the end*"]
    )
    office.pytester.runpytest("--help").stdout.fnmatch_lines(["measuring AI coworkers*", "*--agent=NAME*"])


def test_a_syntax_error_in_a_task_is_told_with_its_line(office, letter: str) -> None:
    office.add(task=letter + "\ndef broken(:\n")
    office.run("--agent=golden").stdout.fnmatch_lines(["*task.py:*: not valid Python: *"])


BAD = {
    "unknown service": (
        ('services=["email"]', 'services=["emall"]'),
        ["*task.py:6: unknown service 'emall'", "*Did you mean 'email'?*calendar*notion*sheets*RestApi*"],
    ),
    "duplicate turn": (
        ("def tuesday(world)", "def monday(world)"),
        ["*task.py:*: the turn 'monday' is declared twice, first at line 15", "*function name of its own*"],
    ),
    "unknown turn": (
        ('turn("monday")', 'turn("mondya")'),
        ["*task.py:*: check_copied checks the turn 'mondya', which does not exist", "*'monday', 'tuesday'*"],
    ),
    "no turn": (
        ('@pytest.mark.turn("monday")\n', ""),
        ["*task.py:*: check_copied has no turn", "*'monday', 'tuesday'*"],
    ),
    "naive date": (
        ('"2024-03-19T09:00+08:00"', '"2024-03-19T09:00"'),
        ["*task.py:15: the turn's time '2024-03-19T09:00' cannot be used: it has no time zone", "*+08:00*"],
    ),
    "no date": (
        ('"2024-03-19T09:00+08:00"', '"monday"'),
        ["*'monday' cannot be used: it is not an ISO 8601 time"],
    ),
    "disorder": (
        ('"2024-03-20T09:00+08:00"', '"2024-03-18T09:00+08:00"'),
        ["*task.py:*'2024-03-18T09:00+08:00' is not later than the turn before, 'monday' at *"],
    ),
    "missing asset": (
        ('upload("assets")', 'upload("assets/taken.txt")'),
        ["*task.py:*: 'assets/taken.txt' does not exist in the task's folder", "*assets/given.txt*"],
    ),
    "missing inject": (
        ('"2024-03-20T09:00+08:00"', '"2024-03-20T09:00+08:00", inject="x"'),
        ["*inject='x': there is no folder inject/x", "*none*"],
    ),
    "negative weight": (("weight(2)", "weight(-2)"), ["*task.py:*: the weight -2 is not a positive number"]),
    "odd red line": (("mark.red_line", "mark.red_line(3)"), ["*'red_line' takes no value, got (3,)"]),
    "odd category": (('category("silent_change")', "category(3)"), ["*the category 3 is not a name"]),
    "no address": (('"boss@company.example"', '"boss"'), ["*'boss' has no mail address: 'boss'"]),
    "account twice": (('Account("boss"', 'Account("mia"'), ["*'mia' is declared twice"]),
    "not a task": (("task = Task(", "job = Task("), ["*"]),
    "raises": (
        ('services=["email"]', "services=[1 / 0]"),
        ["*task.py:*: importing the task failed: ZeroDivisionError*"],
    ),
    "generator": (
        ("    assert not snapshot", "    yield not snapshot"),
        ["*check_nothing_sent is a generator*"],
    ),
    "returning": (
        ("    assert not snapshot", "    return not snapshot"),
        ["*returns a value, which nobody*"],
    ),
    "asynchronous": (("def check_copied(", "async def check_copied("), ["*check_copied is asynchronous*"]),
    "defined twice": (("def check_copied_again(", "def check_copied("), ["*check_copied is defined twice*"]),
    "a test": (("def check_copied_again(", "def test_copied_again("), ["*test_copied_again is no checker*"]),
    "no parameter": (
        ("def tuesday(world)", "def tuesday()"),
        ["*'tuesday' cannot be called with the world*"],
    ),
    "no call": (
        ('@task.turn("2024-03-20T09:00+08:00")', "@task.turn"),
        ["*@task.turn needs the turn's time"],
    ),
    "services as a string": (('["email"]', '"email"'), ["*services='email' is a string"]),
    "before the first": (("check_copied(snapshot)", "check_copied(before)"), ["*takes `before`*first turn*"]),
    "missing folder": (('upload("assets")', 'upload("asets")'), ["*'asets' does not exist in the task's*"]),
    "unknown tool": (
        ('"2024-03-20T09:00+08:00"', '"2024-03-20T09:00+08:00", tools=["shel"]'),
        ["*task.py:*: unknown tool 'shel'", "*Did you mean 'shell'?*email_send*"],
    ),
    "leaves": (
        ("import pytest\n", "import pytest\npytest.fail('no')\n"),
        ["*importing the task failed: Failed: no*"],
    ),
    "exits": (("import pytest\n", "import pytest\nraise SystemExit(3)\n"), ["*SystemExit: 3"]),
    "tools as a string": (
        ('"2024-03-20T09:00+08:00"', '"2024-03-20T09:00+08:00", tools="shell"'),
        ["*tools='shell' is a string*"],
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_malformed_task_is_a_collection_error_and_leaves_the_others_running(
    office, letter: str, fault: str
) -> None:
    (old, new), expected = BAD[fault]
    assert old in letter
    office.add("hr/bad", task=letter.replace(old, new, 1))
    office.add("hr/good")
    result = office.run("--agent=golden")
    result.assert_outcomes(passed=5, errors=1)
    result.stdout.fnmatch_lines(expected)
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    "statement",
    [
        "from pytest_clawmark import Account\nfrom pytest_clawmark import Task",
        "from pytest_clawmark.task import Task\nfrom clawmark_services import Account",
        "from pytest_clawmark import *",
        "import pytest_clawmark\nAccount, Task = pytest_clawmark.Account, pytest_clawmark.Task",
    ],
)
def test_a_task_is_found_however_it_imports_what_it_needs(office, letter: str, statement: str) -> None:
    office.add(task=letter.replace("from pytest_clawmark import Account, Task", statement))
    office.run("--agent=golden").assert_outcomes(passed=5)


def test_marks_of_the_module_and_of_parameters_count(office, letter: str) -> None:
    office.add(
        task=letter
        + """

pytestmark = pytest.mark.category("evidence")


@pytest.mark.turn("monday")
@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.weight(5)),
                               pytest.param(3, marks=pytest.mark.red_line)])
def check_number(snapshot, n):
    pass
"""
    )
    office.run("--agent=golden")
    task = json.loads((office.run_dir / "results.json").read_text())["tasks"][0]
    found = {c["id"]: (c["weight"], c["red_line"], c["category"]) for c in task["checkers"]}
    assert found["check_number[1]"] == (1.0, False, "evidence")
    assert found["check_number[2]"] == (5.0, False, "evidence")
    assert found["check_number[3]"] == (1.0, True, "evidence")
    assert found["check_copied_again"] == (1.0, False, "silent_change")


def test_a_misspelt_mark_is_told_even_where_unknown_marks_are_not(office, letter: str) -> None:
    office.add(task=letter.replace("mark.red_line", "mark.redline"))
    result = office.run("--agent=golden", "-W", "default")
    result.stdout.fnmatch_lines(["*marked 'redline', which means nothing", "*'red_line'?"])


def test_a_folder_of_inject_that_no_turn_uses_is_told(office) -> None:
    folder = office.add()
    (folder / "inject" / "wednesday").mkdir(parents=True)
    office.run("--agent=golden").stdout.fnmatch_lines(["*no turn uses inject/wednesday", "*monday, tuesday*"])


def test_a_solution_with_other_parameters_is_told(office) -> None:
    office.add(solution="def monday(): pass\ndef tuesday(agent): pass\n")
    office.run("--agent=golden").stdout.fnmatch_lines(["*solution.py:1: *'monday' takes 0 arguments"])


def test_a_malformed_task_stays_in_the_denominator(office, letter: str) -> None:
    office.add("hr/bad", task=letter.replace('["email"]', '["emall"]'))
    office.add("hr/good")
    office.run("--agent=golden").stdout.fnmatch_lines(["mean score (episodes)  1.00 (1/2)"])


def test_a_solution_without_a_turn_is_a_collection_error(office) -> None:
    office.add(solution="def monday(agent): pass\n")
    office.run("--agent=golden").stdout.fnmatch_lines(
        [
            "*solution.py:1: the solution has no function for the turn 'tuesday'",
            "*monday, tuesday; it has monday*",
        ]
    )


def test_golden_needs_a_solution_and_idle_does_not(office) -> None:
    office.add(solution=None)
    office.run("--agent=golden").stdout.fnmatch_lines(["*--agent=golden needs the task's solution*"])
    (office.root / "run").rename(office.root / "other")
    office.run("--agent=idle").assert_outcomes(passed=3, failed=2)


def test_assertions_in_checkers_are_explained(office, letter: str) -> None:
    office.add(solution=SOLVES_NOTHING)
    office.run("--agent=golden").stdout.fnmatch_lines(["E*assert 'wrong\\n' == 'first\\n'"])


SOLVES_NOTHING = """
def monday(agent):
    agent.shell("echo wrong > out.txt")


def tuesday(agent):
    agent.shell("true")
"""


def test_module_fixtures_and_conftest_fixtures_serve_checkers(office, letter: str) -> None:
    folder: Path = office.add(
        task=letter
        + """

@pytest.fixture
def expected():
    return "second\\n"


@pytest.mark.turn("tuesday")
@pytest.mark.parametrize("name", ["out.txt", "given.txt"])
def check_all(snapshot, expected, name, newline):
    assert snapshot.files.text(name) == expected and expected.endswith(newline)
"""
    )
    (folder / "conftest.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef newline():\n    return chr(10)\n"
    )
    result = office.run("--agent=golden", "-v")
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(["*::tuesday::check_all[[]given.txt-golden[]] PASSED*"])
