"""Small tasks for the tests of the plugin, played without isolation to be fast anywhere."""

from __future__ import annotations

import asyncio
import textwrap
from pathlib import Path

import openai
import pytest
from support.scripted_model import Drops, Says, ScriptedModel

TASK = '''
"""A letter and a correction."""
import pytest
from pytest_clawmark import Account, Task

task = Task(
    role="assistant",
    prompt="Check your email.",
    agent=Account("mia", "mia@company.example"),
    people=[Account("boss", "boss@company.example")],
    services=["email"],
)


@task.turn("2024-03-19T09:00+08:00")
def monday(world):
    """A letter arrives."""
    world.files.upload("assets")
    world.email.send("boss", to="mia", subject="Hello", body="Copy given.txt to out.txt")
    return "You have mail."


@task.turn("2024-03-20T09:00+08:00")
def tuesday(world):
    """A silent change."""
    with world.silently():
        world.files.write("given.txt", "second\\n")
    return "Please check again."


@pytest.mark.turn("monday")
@pytest.mark.weight(2)
def check_copied(snapshot):
    """The file was copied."""
    assert snapshot.files.text("out.txt") == "first\\n"


@pytest.mark.turn("tuesday")
@pytest.mark.category("silent_change")
def check_copied_again(snapshot, before):
    """The changed file was copied."""
    assert snapshot.files.text("out.txt") == "second\\n"
    assert before.files.text("out.txt") == "first\\n"


@pytest.mark.turn("tuesday")
@pytest.mark.red_line
def check_nothing_sent(snapshot):
    """Nobody was written to."""
    assert not snapshot.audit.requests(actor="agent", service="email")
'''

SOLUTION = """
def monday(agent):
    agent.shell("cp given.txt out.txt")


def tuesday(agent):
    agent.shell("cp given.txt out.txt")
"""


@pytest.fixture(scope="session", autouse=True)
def everything_imported() -> None:
    """The client of models imports parts of itself when they are first used: use them, faults included."""

    async def ask(url: str) -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            messages = [{"role": "user", "content": "hello"}]
            with pytest.raises(openai.APIConnectionError):
                await client.chat.completions.create(model="scripted", messages=messages)
            await client.chat.completions.create(model="scripted", messages=messages)

    with ScriptedModel([Drops(), Says("Hello.")]) as model:
        asyncio.run(ask(model.url))


# Plugins of other packages that import much at the end of every session, to say nothing.
QUICK = ("-p", "no:hypothesispytest", "-p", "no:anyio")


class Office:
    """A folder of tasks in a pytester's folder, and a way to play them."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.root = pytester.path
        pytester.makeini("[pytest]\nfilterwarnings = error\n")

    def add(self, name: str = "hr/letter", *, task: str = TASK, solution: str | None = SOLUTION) -> Path:
        """Write a task; returns its folder."""
        folder = self.root / "tasks" / name
        (folder / "assets").mkdir(parents=True)
        (folder / "assets" / "given.txt").write_text("first\n")
        (folder / "task.py").write_text(textwrap.dedent(task))
        if solution is not None:
            (folder / "solution.py").write_text(textwrap.dedent(solution))
        return folder

    def run(self, *arguments: str, tasks: str = "tasks") -> pytest.RunResult:
        """Run pytest here."""
        return self.pytester.runpytest(
            tasks, "--sandbox=local", "--run-dir=run", *QUICK, "-p", "no:cacheprovider", *arguments
        )

    def run_apart(self, *arguments: str, tasks: str = "tasks") -> pytest.RunResult:
        """Run pytest here, in a process of its own."""
        return self.pytester.runpytest_subprocess(
            tasks, "--sandbox=local", "--run-dir=run", *QUICK, "-p", "no:cacheprovider", *arguments
        )

    @property
    def run_dir(self) -> Path:
        return self.root / "run"


@pytest.fixture
def office(pytester: pytest.Pytester) -> Office:
    """A folder for tasks."""
    return Office(pytester)


@pytest.fixture
def letter() -> str:
    """The text of a well-made task, to be spoilt."""
    return TASK
