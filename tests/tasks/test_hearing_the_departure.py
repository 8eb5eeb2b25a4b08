"""The recordings of the task `departure`: models that hear are played them, others are told that they are not."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.scripted_model import Calls, Request, Says, ScriptedModel

ROOT = Path(__file__).resolve().parents[2]
TASK = ROOT / "tasks" / "hr" / "departure"
RECORDINGS = {path.name: path for folder in ("assets", "inject") for path in (TASK / folder).rglob("*.mp3")}
FIRST, SECOND, THIRD = sorted(RECORDINGS)
DAYS = [
    Calls(("listen", {"path": FIRST}), ("listen", {"path": SECOND})),
    Says("Heard both."),
    Calls(("listen", {"path": THIRD})),
    Says("Heard."),
    Says("Nothing more."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What was asked of the model, each turn's records, the task's results, and what pytest printed."""

    requests: list[Request]
    records: list[list[dict[str, Any]]]
    results: dict[str, Any]
    printed: str

    @property
    def unread(self) -> list[dict[str, Any]]:
        """What the model asked for and was not given."""
        return [record for turn in self.records for record in turn if record["type"] == "unread"]

    @property
    def offered(self) -> set[str]:
        """The tools of the first request."""
        return {tool["function"]["name"] for tool in self.requests[0].body["tools"]}

    @property
    def heard(self) -> list[bytes]:
        """The recordings that the last request carries, in their order."""
        contents = (message["content"] for message in self.requests[-1].body["messages"])
        parts = [part for content in contents if isinstance(content, list) for part in content]
        sounds = [part["input_audio"] for part in parts if part["type"] == "input_audio"]
        assert {sound["format"] for sound in sounds} <= {"mp3"}
        return [base64.b64decode(sound["data"], validate=True) for sound in sounds]


def _play(folder: Path, *takes: str) -> Played:
    """The whole task by a scripted model that listens, and that takes text and `takes`."""
    shutil.copytree(TASK, folder / "tasks" / "hr" / "departure", ignore=shutil.ignore_patterns("__pycache__"))
    with ScriptedModel(DAYS) as model:
        (folder / "clawmark.toml").write_text(
            f'[models.scripted]\nbase_url = "{model.url}"\nmodel = "scripted"\n'
            f"input = {json.dumps(['text', *takes])}\n"
        )
        (folder / "pytest.ini").write_text("[pytest]\n")
        command = [sys.executable, "-m", "pytest", "tasks/hr", "--model=scripted", "--sandbox=local"]
        command += ["--run-dir=run", "-q", "-p", "no:cacheprovider"]
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        requests = list(model.requests)
    paths = sorted((folder / "run").rglob("trajectory.jsonl"))
    assert len(paths) == 3, f"{done.stdout}\n{done.stderr}"
    return Played(
        requests=requests,
        records=[[json.loads(line) for line in path.read_text().splitlines()] for path in paths],
        results=json.loads((folder / "run" / "results.json").read_text())["tasks"][0],
        printed=done.stdout,
    )


@pytest.mark.slow
def test_a_model_that_hears_is_played_the_very_bytes_of_the_recordings(tmp_path: Path) -> None:
    played = _play(tmp_path, "audio")
    assert "listen" in played.offered
    assert played.heard == [RECORDINGS[name].read_bytes() for name in (FIRST, SECOND, THIRD)]
    assert played.unread == []


@pytest.mark.slow
def test_a_model_that_does_not_hear_is_told_so_and_what_it_missed_is_written_down(tmp_path: Path) -> None:
    played = _play(tmp_path, "image")
    assert "listen" not in played.offered
    assert played.heard == []
    results = [m["content"] for m in played.requests[-1].body["messages"] if m["role"] == "tool"]
    assert [name for name, told in zip((FIRST, SECOND, THIRD), results, strict=True) if name in told] == [
        FIRST,
        SECOND,
        THIRD,
    ]
    assert all("you were not given it" in told for told in results)
    assert [record["what"].partition(":")[0] for record in played.unread] == [FIRST, SECOND, THIRD]
    assert {record["why"] for record in played.unread} == {"the model takes no audio/mp3"}


@pytest.mark.slow
def test_what_a_model_could_not_hear_is_listed_with_the_task(tmp_path: Path) -> None:
    played = _play(tmp_path)
    listed = {
        turn["turn"]: [each["what"] for each in turn.get("unread", ())] for turn in played.results["turns"]
    }
    assert [told.partition(":")[0] for told in listed["tuesday"]] == [FIRST, SECOND]
    assert [told.partition(":")[0] for told in listed["wednesday"]] == [THIRD]
    assert listed["thursday"] == []
    assert "not shown to the model: 3" in played.printed


def test_the_recordings_are_small_enough_for_every_service_that_takes_them() -> None:
    assert len(RECORDINGS) == 3
    for path in RECORDINGS.values():
        assert path.stat().st_size < 150_000, path.name


@pytest.mark.parametrize(
    "fact",
    [
        "MH-904",
        "KC-558",
        "lindenpost",
        "Kofi Mensah take",
        "Ruben Aalto",
        "Nadira Osei",
        "2025-10-31",
        "half past",
    ],
)
def test_what_was_spoken_is_written_nowhere_that_an_agent_reads(fact: str) -> None:
    """Mails and files only: checkers and the solution know it, and are outside the world."""
    source = (TASK / "task.py").read_text(encoding="utf-8")
    mails = source[source.index("@task.turn(") : source.index("CONFIDED =")]
    files = "".join(path.read_text(encoding="utf-8") for path in (TASK / "assets").glob("*.md"))
    assert fact.casefold() not in f"{mails}\n{files}".casefold()
