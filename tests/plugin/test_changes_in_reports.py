"""What changed in the world reaches checkers, results, the terminal and the HTML report."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.pages import page_told

CHECKS = '''

@pytest.mark.turn("tuesday")
def check_changes(changes):
    """The fixture tells whose every change is."""
    assert [c.label for c in changes.silent] == ["given.txt"]
    assert [c.label for c in changes.by("agent").of("files").updated(field="content")] == ["out.txt"]
    assert not changes.unexplained


@pytest.mark.turn("monday")
def check_mail_arrived(changes):
    """What the task did is told too."""
    (mail,) = changes.of("email").created(item="mail")
    assert (mail.label, mail.by, mail.phase) == ("Hello", "task", "task")
'''

TRICK = '''

@pytest.mark.turn("tuesday")
def check_that_somebody_else_wrote(changes):
    """A service whose state changed without any request."""
    assert [c.label for c in changes.unexplained] == ["Forged"]
'''


def _turns(office: Any, label: str) -> dict[str, Any]:
    results = json.loads((office.run_dir / "results.json").read_text("utf-8"))
    (task,) = [task for task in results["tasks"] if task["label"] == label]
    return {turn["turn"]: turn.get("changes") for turn in task["turns"]}


def test_each_turn_tells_what_changed_and_by_whom(office: Any, letter: str) -> None:
    office.add(task=letter + CHECKS)
    done = office.run("--agent=golden", "--agent=idle", "-k", "golden or monday")
    done.assert_outcomes(passed=9, failed=1)
    monday = _turns(office, "golden")["monday"]
    assert (monday["agent"], monday["unexplained"], monday["silent"]) == (1, 0, 0)
    assert {c["label"]: c["by"] for c in monday["shown"]} == {
        "Hello": "task",
        "given.txt": "task",
        "out.txt": "agent",
    }
    idle = _turns(office, "idle")["monday"]
    assert (idle["agent"], idle["unexplained"]) == (0, 0)
    done.stdout.no_fnmatch_line("*unexplained*")


def test_it_is_told_wherever_items_run_and_whichever_are_selected(office: Any, letter: str) -> None:
    office.add(task=letter + CHECKS)
    office.run_apart("--agent=golden", "-n", "2", "-k", "check_changes")
    assert _turns(office, "golden")["tuesday"]["agent"] == 1


def test_a_change_without_a_request_is_told_everywhere(
    office: Any, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail service is given a mail behind everybody's back, between the wake-up and the end."""
    from pytest_clawmark.agents.scripted import IdleSession
    from pytest_clawmark.world.world import World

    opened: list[World] = []
    build = World.build
    monkeypatch.setattr(World, "build", lambda self: (opened.append(self), build(self))[1])

    def work(self: IdleSession, day: Any) -> Any:
        store = opened[-1].services["email"]._store  # type: ignore[attr-defined]
        store.append("mia@company.example", "INBOX", b"Subject: Forged\r\n\r\n<script>x</script>", day.time)
        return idle(self, day)

    idle = IdleSession.work
    monkeypatch.setattr(IdleSession, "work", work)
    office.add(task=letter + TRICK)
    done = office.run(
        "--agent=idle", "-k", "somebody or tuesday", "--html=report.html", "--self-contained-html"
    )
    told = _turns(office, "idle")["tuesday"]
    assert told["unexplained"] == 1
    (change,) = [c for c in told["shown"] if c["by"] == "unexplained"]
    assert (change["item"], change["kind"], change["fields"]["subject"]) == (
        "message",
        "created",
        [None, "Forged"],
    )
    done.stdout.fnmatch_lines(
        ["*unexplained changes: *", "*tuesday: email: message 'Forged' in mia@company.example*"]
    )
    page = page_told(office.root / "report.html")
    assert "Changes in the services" in page
    assert "1 unexplained" in page
