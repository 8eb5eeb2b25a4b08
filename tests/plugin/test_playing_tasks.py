"""How episodes are played: as far as needed, with whom, and what happens when something breaks."""

from __future__ import annotations

import json

import pytest


def results(office) -> dict:
    return json.loads((office.run_dir / "results.json").read_text())


def episode(office, task: str = "hr/letter", label: str = "golden", trial: int = 1) -> dict:
    return json.loads((office.run_dir / "episodes" / task / label / str(trial) / "episode.json").read_text())


def test_the_solution_scores_one_and_the_idle_agent_nothing(office) -> None:
    office.add()
    result = office.run("--agent=golden", "--agent=idle")
    result.assert_outcomes(passed=8, failed=2)
    scores = {entry["agent"]: (entry["score"], entry["success"]) for entry in results(office)["tasks"]}
    assert scores == {"golden": (1.0, True), "idle": (0.0, False)}


@pytest.mark.parametrize(
    "selection",
    [
        ["tasks/hr/letter/task.py::tuesday::check_copied_again"],
        ["tasks/hr/letter/task.py::tuesday::check_copied_again[golden]"],
        ["tasks", "-k", "copied_again"],
        ["tasks", "-k", "tuesday and copied"],
    ],
)
def test_selecting_one_checker_plays_the_days_before_it(office, selection: list[str]) -> None:
    office.add()
    result = office.run("--agent=golden", *selection[1:], tasks=selection[0])
    result.assert_outcomes(passed=1, deselected=4 if len(selection) > 1 else 0)
    assert [turn["turn"] for turn in episode(office)["turns"]] == ["monday", "tuesday"]


def test_selecting_by_mark_selects_checkers(office) -> None:
    office.add()
    office.run("--agent=golden", "-m", "red_line").assert_outcomes(passed=1, deselected=4)


def test_days_after_the_last_selected_checker_are_not_played(office) -> None:
    office.add()
    office.run("--agent=golden", "-k", "monday")
    assert [turn["turn"] for turn in episode(office)["turns"]] == ["monday"]


def test_the_failed_checkers_alone_can_be_run_again(office) -> None:
    office.add(solution="def monday(agent): pass\ndef tuesday(agent): agent.shell('cp given.txt out.txt')\n")
    arguments = ["tasks", "--agent=golden", "--sandbox=local"]
    first = office.pytester.runpytest(*arguments, "--run-dir=one")
    first.assert_outcomes(passed=3, failed=2)
    again = office.pytester.runpytest(*arguments, "--run-dir=two", "--lf")
    again.assert_outcomes(failed=2)


def test_stopping_at_the_first_failure_stops(office) -> None:
    office.add(solution="def monday(agent): pass\ndef tuesday(agent): pass\n")
    office.run("--agent=golden", "-x").assert_outcomes(passed=1, failed=1)


def test_each_trial_is_an_episode_of_its_own(office) -> None:
    office.add()
    office.run("--agent=golden", "--trials=2").assert_outcomes(passed=10)
    assert episode(office, trial=1)["seed"] != episode(office, trial=2)["seed"]


def test_a_tool_that_a_turn_does_not_allow_is_refused(office, letter: str) -> None:
    task = letter.replace('"2024-03-20T09:00+08:00"', '"2024-03-20T09:00+08:00", tools=["read_file"]')
    office.add(task=task)
    office.run("--agent=golden").assert_outcomes(passed=3, failed=2)
    turns = {turn["turn"]: turn for turn in episode(office)["turns"]}
    assert turns["monday"]["outcome"] == "worked"
    assert turns["tuesday"]["stop_kind"] == "error"
    assert "not allowed today" in turns["tuesday"]["reason"]


@pytest.mark.parametrize("leaving", ["raise SystemExit(3)", "pytest.fail('no')", "pytest.skip('no')"])
def test_a_turn_function_that_leaves_in_any_way_is_void(office, letter: str, leaving: str) -> None:
    spoilt = letter.replace('return "Please check again."', leaving)
    office.add("hr/spoilt", task=spoilt)
    office.add("hr/zzz")
    office.run("--agent=golden").assert_outcomes(passed=7, errors=3)
    assert episode(office, "hr/spoilt")["attempts"][0]["origin"] == "task"
    assert {task["id"]: task["score"] for task in results(office)["tasks"]} == {
        "hr/spoilt": None,
        "hr/zzz": 1.0,
    }


def test_checkers_of_parametrized_fixtures_count_each(office, letter: str) -> None:
    more = """

@pytest.fixture(params=[1, 2, 3])
def number(request):
    return request.param


@pytest.mark.turn("monday")
def check_number(snapshot, number):
    pass
"""
    office.add(task=letter + more)
    office.run("--agent=golden", "-k", "check_number")
    entry = results(office)["tasks"][0]
    assert (entry["planned"], len(entry["checkers"]), entry["partial"]) == (6, 3, True)


def test_a_solution_that_raises_is_the_agents_failure_and_is_graded(office) -> None:
    office.add(solution="def monday(agent):\n    raise OSError('lost')\n\ndef tuesday(agent): pass\n")
    result = office.run("--agent=golden")
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(["the agent was stopped (error): *", "OSError: lost"])
    assert episode(office)["state"] == "ended"


def test_a_turn_function_that_raises_makes_the_episode_void_at_once(office, letter: str) -> None:
    task = letter.replace('world.files.write("given.txt"', 'world.files.writ("given.txt"')
    office.add(task=task)
    result = office.run("--agent=golden")
    result.assert_outcomes(passed=2, errors=3)
    result.stdout.fnmatch_lines(
        ["void (task): *task.py:2?: the turn function 'tuesday' raised AttributeError*"]
    )
    assert len(episode(office)["attempts"]) == 1
    assert results(office)["tasks"][0]["score"] is None


def test_a_turn_function_must_return_its_message(office, letter: str) -> None:
    office.add(task=letter.replace('return "You have mail."', "return None"))
    office.run("--agent=golden").stdout.fnmatch_lines(["void (task): *'monday' returned None*"])


FAILING_SERVICE = '''
import pytest
from pytest_clawmark.builtin import pytest_clawmark_services as builtin

class Flaky:
    """The email service, whose freezing fails as often as the file beside says."""

    name = "email"

    def __init__(self, path):
        self.spec, self.path = builtin()["email"](), path

    def open(self, context):
        service = self.spec.open(context)
        freeze = service.freeze

        def failing():
            left = int(self.path.read_text())
            if left:
                self.path.write_text(str(left - 1))
                raise RuntimeError("the service fell over")
            return freeze()

        service.freeze = failing
        return service

    def view(self, state):
        return self.spec.view(state)

    def to_json(self):
        return self.spec.to_json()


def pytest_clawmark_services(config):
    return {"email": lambda: Flaky(config.rootpath / "failures.txt")}
'''


@pytest.mark.parametrize(
    ("failures", "attempts", "state"), [(1, 1, "ended"), (2, 2, "ended"), (9, 3, "void")]
)
def test_a_world_that_fails_is_tried_twice_more(office, failures: int, attempts: int, state: str) -> None:
    office.add()
    office.pytester.makeconftest(FAILING_SERVICE)
    (office.root / "failures.txt").write_text(str(failures))
    result = office.run("--agent=golden")
    record = episode(office)
    assert (record["state"], len(record["attempts"])) == (state, attempts)
    assert {attempt["origin"] for attempt in record["attempts"]} == {"world"}
    if state == "ended":
        result.assert_outcomes(passed=5)
    else:
        result.assert_outcomes(errors=5)
        result.stdout.fnmatch_lines(["*RuntimeError: the service fell over*"])


def test_the_wake_up_message_tells_prompt_news_and_time(office) -> None:
    office.add()
    office.run("--agent=idle")
    path = office.run_dir / "episodes/hr/letter/idle/1"
    first, second = (
        json.loads((path / day / "trajectory.jsonl").read_text().splitlines()[0])["message"]
        for day in ("monday", "tuesday")
    )
    assert first == "Check your email.\n\nYou have mail.\n\nIt is Tuesday, 19 March 2024, 09:00 (UTC+08:00)."
    assert second == "Please check again.\n\nIt is Wednesday, 20 March 2024, 09:00 (UTC+08:00)."


def test_what_the_task_changed_is_told_apart_from_what_the_agent_changed(office, letter: str) -> None:
    task = (
        letter
        + """

@pytest.mark.turn("tuesday")
def check_apart(wake, before, snapshot):
    assert before.files.text("given.txt") == "first\\n"
    assert wake.files.text("given.txt") == "second\\n" and wake.files.text("out.txt") == "first\\n"
    assert snapshot.files.text("out.txt") == "second\\n"


@pytest.mark.turn("monday")
def check_audit(audit, trajectory):
    sent = audit.requests(service="email", actor="task")
    assert [entry["turn"] for entry in sent] == ["monday"]
    assert trajectory.commands == ["cp given.txt out.txt"]
    assert trajectory.stop["kind"] == "done"
"""
    )
    office.add(task=task)
    office.run("--agent=golden").assert_outcomes(passed=7)


def test_injected_files_are_there_when_the_turn_begins(office, letter: str) -> None:
    folder = office.add(task=letter.replace('world.files.write("given.txt", "second\\n")', "pass"))
    assert "pass" in (folder / "task.py").read_text()
    (folder / "inject" / "tuesday").mkdir(parents=True)
    (folder / "inject" / "tuesday" / "given.txt").write_text("second\n")
    office.run("--agent=golden").assert_outcomes(passed=5)


def test_what_an_episode_prints_is_in_its_own_log_and_under_no_report(office) -> None:
    for name in ("hr/a", "hr/b"):
        office.add(name, solution=f"def monday(agent): print('said by {name}')\n\ndef tuesday(agent): pass\n")
    result = office.run("--agent=golden", "--episodes=1")
    assert "said by" not in "\n".join(result.outlines)
    for name in ("hr/a", "hr/b"):
        assert (office.run_dir / "episodes" / name / "golden/1/log.txt").read_text() == f"said by {name}\n"


def test_an_episodes_world_ends_with_it(office) -> None:
    office.add(solution="def monday(agent): agent.shell('sleep 1000 &')\n\ndef tuesday(agent): pass\n")
    office.run("--agent=golden", "-k", "nothing_sent").assert_outcomes(passed=1, deselected=4)


def test_a_run_directory_that_holds_something_is_refused(office) -> None:
    office.add()
    office.run_dir.mkdir()
    (office.run_dir / "precious.txt").write_text("mine")
    result = office.run("--agent=golden")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*already holds something, and a run is never overwritten*"])
    assert [path.name for path in office.run_dir.iterdir()] == ["precious.txt"]


def test_settings_in_the_configuration_file_are_checked(office) -> None:
    office.add()
    (office.root / "clawmark.toml").write_text("trails = 2\n")
    result = office.run("--agent=golden")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*clawmark.toml: unknown key 'trails'*trials*"])


def test_settings_in_the_configuration_file_are_used(office) -> None:
    office.add()
    (office.root / "clawmark.toml").write_text("trials = 2\n")
    office.run("--agent=golden").assert_outcomes(passed=10)
    other = office.pytester.runpytest(
        "tasks", "--agent=golden", "--trials=1", "--sandbox=local", "--run-dir=other"
    )
    other.assert_outcomes(passed=5)
