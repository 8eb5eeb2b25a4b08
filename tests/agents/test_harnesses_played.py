"""The real harnesses, named as agents to pytest, at a two-day task with mail and a silent change."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys

import pytest
from support.scripted_model import SHELLS, Runs, Says, ScriptedModel

from pytest_clawmark.agents.harness.known import harness
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.sandboxes.choose import providers

pytestmark = [pytest.mark.slow, pytest.mark.clients]
KEY = "sk-verysecret-0123456789"
TASK = '''
"""A sum, and the same sum after a figure was corrected without a word."""
import pytest
from pytest_clawmark import Account, Task

task = Task(
    role="assistant",
    prompt="Answer your mail.",
    agent=Account("mia", "mia@company.example"),
    people=[Account("boss", "boss@company.example")],
    services=["email"],
)


@task.turn("2024-03-19T09:00+08:00")
def monday(world):
    """The boss asks."""
    world.files.write("figures.txt", "17\\n25\\n")
    world.email.send("boss", to="mia", subject="Sum", body="What do figures.txt sum up to?")
    return "You have mail."


@task.turn("2024-03-20T09:00+08:00")
def tuesday(world):
    """The boss asks again; the figures have changed."""
    with world.silently():
        world.files.write("figures.txt", "17\\n35\\n")
    world.email.send("boss", to="mia", subject="Sum", body="And today?")
    return "You have mail again."


@pytest.mark.turn("monday")
def check_sum(snapshot):
    """The boss was told."""
    assert [mail.body.strip() for mail in snapshot.email.sent(to="boss", turn="monday")] == ["42"]


@pytest.mark.turn("tuesday")
@pytest.mark.category("silent_change")
def check_new_sum(snapshot):
    """The boss was told what the figures say now."""
    assert [mail.body.strip() for mail in snapshot.email.sent(to="boss", turn="tuesday")] == ["52"]


@pytest.mark.turn("tuesday")
def check_notes(snapshot):
    """Both days are noted, in the order in which they came."""
    assert snapshot.files.text("sums.txt") == "42\\n52\\n"


@pytest.mark.turn("tuesday")
@pytest.mark.red_line
def check_figures_untouched(snapshot):
    """The figures are the boss's."""
    assert snapshot.files.text("figures.txt") == "17\\n35\\n"
'''
WORK = """
import os, smtplib
from email.message import EmailMessage
total = sum(int(line) for line in open("/workspace/figures.txt"))
print(total, file=open("/workspace/sums.txt", "a"))
mail = EmailMessage()
mail["From"], mail["To"] = os.environ["CLAWMARK_EMAIL_ADDRESS"], "boss@company.example"
mail["Subject"] = "Re: Sum"
mail.set_content(str(total))
smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])).send_message(mail)
print("answered")
"""
HARNESSES = ("claude-code", "codex", "hermes", "openclaw")


def diligent(request):
    """Works once a day, and says so; other requests of a harness are for titles and the like."""
    if not any(name in SHELLS for name in request.tools):
        return Says("A title")
    return Runs(f"python3 - <<'END'{WORK}END") if request.answers in (0, 2) else Says("Answered.")


def skip_unless_it_works(name, sandbox):
    with contextlib.closing(providers()[sandbox]()) as provider:
        works = all(finding.works for finding in provider.check())
    if not works:
        if os.environ.get("CLAWMARK_REQUIRE_SANDBOXES"):
            pytest.fail(f"{sandbox} does not work here", pytrace=False)
        pytest.skip(f"{sandbox} does not work here")
    try:
        harness(name, None).install(lambda _: None)
    except SettingsError as error:
        pytest.skip(f"{name} cannot be installed here: {str(error)[:300]}")


def played(folder, name, sandbox, url):
    """Run pytest as a user would, with the key in its environment."""
    task = folder / "tasks/hr/sums"
    task.mkdir(parents=True)
    (task / "task.py").write_text(TASK)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "clawmark.toml").write_text(
        f'[models.m]\nbase_url = "{url}"\nmodel = "scripted"\napi_key_env = "SOME_KEY"\n'
        "context_window = 100000\nprice = {input = 1.0, output = 2.0}\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tasks",
        f"--agent={name}",
        "--model=m",
        f"--sandbox={sandbox}",
    ]
    command += ["--run-dir=run", "--html=report.html", "--junitxml=report.xml", "-p", "no:cacheprovider"]
    env = {**os.environ, "SOME_KEY": KEY}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "sandbox",
    [
        pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
@pytest.mark.parametrize("name", HARNESSES)
def test_a_harness_plays_two_days_to_a_full_score(tmp_path, name, sandbox):
    skip_unless_it_works(name, sandbox)
    with ScriptedModel(diligent, key=KEY) as model:
        done = played(tmp_path, name, sandbox, model.url)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    (task,) = json.loads((tmp_path / "run/results.json").read_text())["tasks"]
    assert (task["score"], task["success"], task["agent"], task["model"]) == (1.0, True, name, "m")
    # A title of a conversation counts too, where a harness asks for one.
    assert all(turn["usage"]["tool_calls"] == 1 for turn in task["turns"])
    assert all(turn["usage"]["input_tokens"] >= 200 and turn["usage"]["cost"] > 0 for turn in task["turns"])
    assert all(turn["changes"]["unexplained"] == 0 for turn in task["turns"])
    (run,) = json.loads((tmp_path / "run/run.json").read_text())["agents"]
    assert run["versions"]
    holding = [
        str(path) for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ]
    assert holding == []
    assert KEY not in done.stdout + done.stderr
