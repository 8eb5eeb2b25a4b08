"""The schemas of what a run writes: they accept what is right and name what is wrong."""

from __future__ import annotations

import copy
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from pytest_clawmark.schemas import InvalidDocument, SchemaName, load, validate

DIGEST = "ab" * 32
SNAPSHOT: dict[str, Any] = {
    "schema": 1,
    "task": "hr/interns",
    "turn": "tuesday",
    "time": "2024-03-19T09:00:00+08:00",
    "files": [
        {"path": "a", "type": "directory", "mode": 0o755, "rank": 0},
        {"path": "a/b.txt", "type": "file", "mode": 0o644, "size": 3, "digest": DIGEST, "rank": 1},
        {"path": "link", "type": "symlink", "mode": 0o777, "target": "/etc/passwd", "rank": 2},
        {
            "path": "sparse",
            "type": "file",
            "mode": 0o644,
            "size": 2**40,
            "note": "larger than 1 byte",
            "rank": 2,
        },
        {"path": "pipe", "type": "other", "mode": 0o600, "rank": 3},
    ],
    "services": {"email": DIGEST},
    "clocks": {"email": 4},
    "digest": DIGEST,
}
DETAILS: dict[str, Any] = {"mode": 0o755, "times": [5, 7], "links": [["a", "b"]], "pipes": []}
DOCUMENTS: dict[SchemaName, dict[str, Any]] = {
    "snapshot": SNAPSHOT,
    "wake": SNAPSHOT,
    "private": {
        "schema": 1,
        "of": DIGEST,
        "workspace": DETAILS,
        "home": {"entries": SNAPSHOT["files"], **DETAILS},
        "tmp": None,
        "session": DIGEST,
        "audit": 120,
        "message": "You have mail.",
    },
    "run": {
        "schema": 1,
        "created": "2026-11-20T10:36:48.123+00:00",
        "command": ["pytest", "tasks/hr", "--agent=golden"],
        "settings": {"episodes": 2},
        "versions": {"python": "3.11.7"},
        "tasks": {"hr/interns": DIGEST},
        "agents": [{"agent": "golden"}],
        "sandbox": "bubblewrap",
    },
    "episode": {
        "schema": 1,
        "task": "hr/interns",
        "agent": "chat",
        "model": None,
        "trial": 1,
        "seed": 0,
        "state": "running",
        "attempts": [{"origin": "model", "reason": "503"}],
        "turns": [
            {
                "turn": "tuesday",
                "index": 0,
                "outcome": "worked",
                "reason": "",
                "stop_kind": "done",
                "usage": {"input_tokens": 5, "cost": None},
                "seconds": 0.5,
            }
        ],
        "usage": {},
        "seconds": 1,
    },
    "plan": {
        "schema": 1,
        "episodes": [],
        "checkers": {
            "tasks/hr/x/task.py::monday::check_a[golden]": {
                "key": ["hr/x", "golden", 1],
                "verdict": {"id": "check_a", "turn": "monday", "outcome": "void"},
            }
        },
        "tasks": {"hr/x": DIGEST},
    },
    "audit": {
        "time": "2024-03-19T09:00:01+08:00",
        "turn": "tuesday",
        "service": "email",
        "operation": "APPEND",
        "request": {"mailbox": "INBOX"},
        "status": 200,
        "actor": "agent",
        "silent": False,
    },
    "trajectory": {
        "type": "tool",
        "name": "shell",
        "arguments": {"command": "ls"},
        "output": "",
        "error": False,
    },
    "results": {"schema": 1, "run": {}, "tasks": [], "summary": {"partial": False, "labels": []}},
}


@pytest.mark.parametrize("name", get_args(SchemaName))
def test_every_schema_is_a_schema_and_accepts_its_document(name: SchemaName) -> None:
    Draft202012Validator.check_schema(load(name))
    validate(name, DOCUMENTS[name])


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        ("snapshot", ("files", 1, "digest"), "ABC", r"\$\.files\[1\]\.digest: 'ABC' does not match"),
        ("wake", ("files", 4, "type"), "socket", r"\$\.files\[4\]\.type: 'socket' is not one of"),
        ("plan", ("tasks", "hr/x"), "ABC", r"'ABC' does not match"),
        ("snapshot", ("time",), "2024-03-19T09:00:00", r"\$\.time"),
        ("snapshot", ("files", 0, "target"), "/etc", r"\$\.files\[0\]: .*/etc"),
        ("snapshot", ("clocks", "email"), -1, r"\$\.clocks\.email: -1"),
        ("run", ("schema",), 2, r"\$\.schema: 1 was expected"),
        ("run", ("versions", "python"), 3, r"\$\.versions\.python: 3 is not of type 'string'"),
        ("episode", ("state",), "done", r"\$\.state: 'done' is not one of \['running', 'ended', 'void'\]"),
        ("episode", ("attempts", 0, "origin"), "agent", r"\$\.attempts\[0\]\.origin"),
        ("episode", ("turns", 0, "usage", "input_tokens"), -3, r"usage\.input_tokens: -3"),
        ("audit", ("actor",), "root", r"\$\.actor: 'root'"),
        ("trajectory", ("name",), 5, r"\$\.name: 5 is not of type 'string'"),
        ("trajectory", ("type",), "thought", r"\$\.type: 'thought'"),
        ("results", ("summary", "labels"), None, r"\$\.summary\.labels: None"),
        ("results", ("extra",), 1, r"'extra' was unexpected"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(
    name: SchemaName, path: tuple[Any, ...], value: Any, message: str
) -> None:
    document = copy.deepcopy(DOCUMENTS[name])
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(InvalidDocument, match=message):
        validate(name, document)


def test_the_message_names_the_file_and_the_schema() -> None:
    with pytest.raises(InvalidDocument, match=r"runs/x/run\.json at \$: .*schemas/run\.json"):
        validate("run", {}, source="runs/x/run.json")


def test_a_huge_value_is_cut_in_the_message() -> None:
    with pytest.raises(InvalidDocument) as raised:
        validate("audit", {**DOCUMENTS["audit"], "actor": "x" * 100_000})
    assert len(str(raised.value)) < 1_000


def test_a_loaded_schema_may_be_changed_without_changing_the_next() -> None:
    load("run")["required"].clear()
    assert load("run")["required"]
