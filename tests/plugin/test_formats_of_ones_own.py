"""Tasks written down in a format that somebody else's plugin reads."""

from __future__ import annotations

import json

import pytest

PLUGIN = '''
import json
from datetime import datetime
from types import ModuleType

import pytest

from pytest_clawmark import Account, Task
from pytest_clawmark.checker import Checker
from pytest_clawmark.failures import TaskError
from pytest_clawmark.formats.contract import Declared, ReadTask
from pytest_clawmark.task import Place, Turn


class ChoreFormat:
    file_name = "chore.json"
    material_folders = ("props",)

    def claims(self, text, tree):
        return b"chores" in text

    def read(self, source, config):
        said = json.loads(source.text)
        place = Place(file=str(source.path), line=1)
        if not said["chores"]:
            raise TaskError(f"{place}: there is nothing to do")
        task = Task(role="house keeper", agent=Account("mia", "mia@company.example"))
        task.place = place
        for index, (name, chore) in enumerate(said["chores"].items()):
            task.turns[name] = Turn(
                name=name, index=index, time=datetime.fromisoformat(chore["time"]),
                function=lambda world, text=chore["say"]: text, inject=None, tools=None, place=place,
            )
        last = list(task.turns)[-1]

        def check_tidy(snapshot):
            """Nothing lies about."""
            assert not snapshot.files.paths

        checker = Checker(
            name="tidy", turn=last, weight=1.0, red_line=False, category="scenario",
            description="Nothing lies about.", place=place, group="final",
        )
        return ReadTask(
            task=task,
            module=ModuleType("chores"),
            checkers={"tidy": Declared(checker=checker, function=check_tidy)},
            marks=[pytest.mark.household],
        )


def pytest_configure(config):
    config.addinivalue_line("markers", "household: at home")


def pytest_clawmark_formats(config):
    return {"chores": ChoreFormat()}
'''

CHORES = {"chores": {"morning": {"time": "2024-03-19T09:00+08:00", "say": "Tidy up."}}}


@pytest.fixture
def chores(office):
    (office.root / "conftest.py").write_text(PLUGIN)
    folder = office.root / "tasks" / "home" / "kitchen"
    folder.mkdir(parents=True)
    (folder / "chore.json").write_text(json.dumps(CHORES))
    return folder


def listed(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


def test_its_files_are_collected_with_groups_of_its_own_after_the_last_turn(office, chores) -> None:
    assert listed(office.run("--agent=idle", "--collect-only", "-q")) == [
        "tasks/home/kitchen/chore.json::morning[idle]",
        "tasks/home/kitchen/chore.json::final::tidy[idle]",
    ]


def test_its_tasks_are_played_and_scored_beside_native_ones(office, chores) -> None:
    office.add()
    result = office.run("--agent=idle")
    results = json.loads((office.run_dir / "results.json").read_text())
    by_task = {episode["id"]: episode for episode in results["tasks"]}
    assert set(by_task) == {"hr/letter", "home/kitchen"}
    assert [verdict["outcome"] for verdict in by_task["home/kitchen"]["checkers"]] == ["passed"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED, "the idle agent copies no letter"


def test_its_marks_select(office, chores) -> None:
    office.add()
    assert len(listed(office.run("--agent=idle", "--collect-only", "-q", "-m", "household"))) == 2


def test_what_it_refuses_is_a_collection_error(office, chores) -> None:
    (chores / "chore.json").write_text(json.dumps({"chores": {}}))
    office.run("--agent=idle", "--collect-only").stdout.fnmatch_lines(
        ["*chore.json:1: there is nothing to do"]
    )


def test_nobody_named_is_refused_for_its_tasks_too(office, chores) -> None:
    result = office.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: tasks/home/kitchen/chore.json is a task*"])


def test_nothing_is_collected_below_its_material_folders(office, chores) -> None:
    (chores / "props").mkdir()
    (chores / "props" / "test_planted.py").write_text("def test_planted(): pass\n")
    assert not [
        line for line in listed(office.run("--agent=idle", "--collect-only", "-q")) if "planted" in line
    ]


def test_the_golden_agent_needs_a_solution_in_any_format(office, chores) -> None:
    office.run("--agent=golden").stdout.fnmatch_lines(["*--agent=golden needs the task's solution*"])
