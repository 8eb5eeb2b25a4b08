import re
from datetime import UTC, datetime

import pytest

from pytest_clawmark.agents.contract import Interrupted, Office, TurnLimits, Workday
from pytest_clawmark.agents.scripted import ToolFailed, golden, idle
from pytest_clawmark.failures import WorldFailure

MONDAY = datetime(2024, 3, 18, 9, tzinfo=UTC)


@pytest.fixture
def play(sandbox, toolset, records):
    """Plays a solution's function `monday`; returns how the turn stopped."""

    def run(function, *, limits=None, before=lambda session: None):
        office = Office(role="clerk", sandbox=sandbox, env={}, skills={}, solution={"monday": function})
        session = golden().open(office)
        before(session)
        return session.work(
            Workday(
                turn="monday",
                index=0,
                time=MONDAY,
                message="You have mail.",
                tools=toolset(),
                limits=limits or TurnLimits(),
                record=records.append,
            )
        )

    return run


def test_a_solution_works_through_the_tools_of_an_agent(play, sandbox, records):
    seen = []

    def monday(agent):
        seen.append((agent.turn, agent.message, agent.time))
        agent.shell("echo draft > plan.txt")
        agent.tool("edit_file", path="plan.txt", old="draft", new="final")
        seen.append(agent.shell("cat plan.txt"))

    stop = play(monday)
    assert (stop.kind, stop.usage.tool_calls) == ("done", 3)
    assert seen == [("monday", "You have mail.", MONDAY), "final\n"]
    assert [record["name"] for record in records] == ["shell", "edit_file", "shell"]


def test_a_failing_command_raises_unless_told_otherwise(play):
    told = []

    def monday(agent):
        told.append(agent.shell("exit 4", check=False))
        told.append(agent.tool("read_file", path="absent", check=False))
        with pytest.raises(ToolFailed, match="exit code 4"):
            agent.shell("exit 4")
        agent.tool("read_file", path="absent")

    stop = play(monday)
    assert told == ["[exit code 4]", "'absent': no such file"]
    assert stop.kind == "error"
    assert stop.reason.endswith("ToolFailed: read_file(path='absent') failed:\n'absent': no such file")


def test_an_error_names_the_line_of_the_solution_and_not_of_the_plugin(play):
    def monday(agent):
        agent.shell("exit 4")

    reason = play(monday).reason
    line = monday.__code__.co_firstlineno + 1
    assert re.search(rf'test_scripted.py", line {line}, in monday', reason)
    assert 'scripted.py", line' not in reason.replace("test_scripted.py", "")


@pytest.mark.parametrize("raised", [SystemExit(1), pytest.fail.Exception("no"), ValueError("no")])
def test_whatever_a_solution_raises_is_its_error(play, raised):
    def monday(agent):
        raise raised

    assert play(monday).kind == "error"


def test_a_broken_world_is_not_the_solutions_error_even_when_it_catches_it(play, sandbox):
    def monday(agent):
        sandbox.broken = True
        try:
            agent.shell("true")
        except Exception:
            agent.message.lower()

    with pytest.raises(WorldFailure):
        play(monday)


def test_a_solution_cannot_claim_a_broken_world(play):
    def monday(agent):
        raise WorldFailure("not really")

    assert play(monday).kind == "error"


def test_a_solution_stops_at_the_turns_limit(play):
    def monday(agent):
        for _ in range(5):
            agent.shell("true")

    stop = play(monday, limits=TurnLimits(tool_calls=2))
    assert (stop.kind, stop.reason, stop.usage.tool_calls) == ("limit", "the turn's limit of 2 tool calls", 2)


def test_an_interrupted_solution_is_not_measured(play):
    with pytest.raises(Interrupted):
        play(lambda agent: agent.shell("true"), before=lambda session: session.interrupt())


def test_a_turn_without_a_solution_is_an_error(sandbox, toolset):
    session = golden().open(Office(role="", sandbox=sandbox, env={}, skills={}, solution={"tuesday": print}))
    day = Workday(
        turn="monday",
        index=0,
        time=MONDAY,
        message="",
        tools=toolset(),
        limits=TurnLimits(),
        record=print,
    )
    stop = session.work(day)
    assert (stop.kind, stop.reason) == (
        "error",
        "the solution has no function for the turn 'monday' (there: tuesday)",
    )


def test_the_idle_agent_touches_nothing(sandbox, toolset, records):
    session = idle().open(Office(role="", sandbox=sandbox, env={}, skills={}))
    day = Workday(
        turn="monday",
        index=0,
        time=MONDAY,
        message="",
        tools=toolset(),
        limits=TurnLimits(),
        record=records.append,
    )
    assert session.work(day).kind == "done"
    session.close()
    assert (sandbox.commands, records) == ([], [])
