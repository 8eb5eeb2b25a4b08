"""What reports carry of turns and checkers: plain, encodable and bounded, whatever an agent wrote."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest

from pytest_clawmark.reports.compressing import details_of
from pytest_clawmark.reports.payload import PACKED, TRANSCRIPT, bounded, checker_payload, turn_payload
from pytest_clawmark.scoring import TurnResult, Verdict

TURN = TurnResult(
    turn="tuesday", index=0, outcome="worked", stop_kind="done", usage={"cost": None}, seconds=2
)


def payload(**fields: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"wakeup": "You have mail.", "trajectory": [], "changes": [], **fields}
    return turn_payload(task="hr/a", label="m", trial=1, turn=TURN, **given)


def details(**fields: Any) -> dict[str, Any]:
    return details_of(payload(**fields))


def test_a_payload_is_plain_json_that_comes_back_the_same() -> None:
    records = [
        {"type": "tool", "name": "shell", "arguments": {"command": "ls"}, "output": "a", "error": False}
    ]
    changes = [{"path": "a", "change": "added", "diff": "+x", "note": ""}]
    made = payload(trajectory=records, changes=changes)
    assert json.loads(json.dumps(made)) == made
    assert (made["kind"], made["turn"], made["outcome"]) == ("turn", "tuesday", "worked")
    assert details_of(made) == {"wakeup": "You have mail.", "trajectory": records, "changes": changes}


def test_what_cannot_be_encoded_or_would_drive_a_terminal_becomes_its_escape() -> None:
    made = details(wakeup="\ud800 \x1b[2J", trajectory=[{"type": "tool", "name\udcff": "\udfff"}])
    json.dumps(made, ensure_ascii=False).encode()
    assert made["wakeup"] == r"\ud800 \x1b[2J"
    assert made["trajectory"] == [{"type": "tool", r"name\udcff": r"\udfff"}]


def test_a_long_transcript_keeps_its_beginning_and_its_end() -> None:
    records = [{"type": "tool", "name": f"call {n}", "output": "x" * 3_000} for n in range(1_000)]
    kept = details(trajectory=records)["trajectory"]
    assert len(json.dumps(kept)) < TRANSCRIPT + 1_000
    (gap,) = [record for record in kept if record["type"] == "gap"]
    assert gap["records"] == 1_001 - len(kept)
    assert kept[0]["name"] == "call 0"
    assert kept[-1]["name"] == "call 999"


def test_one_record_larger_than_everything_leaves_only_a_gap() -> None:
    monster = {"type": "tool", "arguments": [["y" * 4_000] * 50] * 50}
    assert details(trajectory=[monster, monster])["trajectory"] == [{"type": "gap", "records": 2}]


def test_deep_wide_and_huge_values_are_cut() -> None:
    deep: Any = "end"
    for _ in range(500):
        deep = [deep]
    assert "end" not in json.dumps(bounded(deep))
    assert len(bounded(list(range(10_000)))) < 100
    assert len(bounded({str(n): n for n in range(10_000)})) < 100
    assert bounded(10**5000) == "an integer of 16610 bits"
    assert len(bounded("x" * 10**6)) < 5_000
    assert bounded(b"bytes") == "<bytes>"
    assert bounded(True) is True


def test_records_that_are_no_records_are_left_out() -> None:
    assert details(trajectory=["text", None, {"type": "stop"}])["trajectory"] == [{"type": "stop"}]


def test_many_and_large_changes_are_bounded_and_the_rest_is_counted() -> None:
    changes = [{"path": f"f{n}", "change": "added", "diff": "+x\n" * 20_000} for n in range(500)]
    made = details(changes=changes)["changes"]
    assert len(json.dumps(made)) < 200_000
    assert made[-1]["path"] == "... and 260 more files"
    assert "characters left out" in made[0]["diff"]
    assert made[100]["diff"].startswith("... left out")


def noise(seed: int, length: int) -> str:
    return base64.b85encode(random.Random(seed).randbytes(length)).decode()


def test_what_does_not_compress_is_cut_until_it_is_small() -> None:
    records = [{"type": "tool", "name": f"call {n}", "output": noise(n, 3_000)} for n in range(60)]
    changes = [{"path": f"f{n}", "change": "added", "diff": noise(n, 8_000)} for n in range(20)]
    fields = {f"field {n}": [noise(n, 100), noise(-n, 100)] for n in range(12)}
    shown = [{"service": "notion", "fields": fields} for n in range(60)]
    world = {"task": 60, "agent": 0, "unexplained": 0, "silent": 0, "shown": shown}
    made = payload(trajectory=records, changes=changes, world=world)
    assert len(made["details"]) <= PACKED
    told = details_of(made)
    assert told["wakeup"] == "You have mail."
    assert told["trajectory"][0]["name"] == "call 0"
    assert told["trajectory"][-1]["name"] == "call 59"
    assert told["world"]["task"] == 60
    assert 0 < len(told["world"]["shown"]) < 60


@pytest.mark.parametrize("points", [0.0, 2.0, None])
def test_a_checker_s_payload_tells_its_weight_points_and_marks(points: float | None) -> None:
    verdict = Verdict(id="c", turn="tuesday", outcome="failed", weight=2, red_line=True, category="safety")
    made = checker_payload(task="hr/a", label="m", trial=2, verdict=verdict, score=points)
    assert made == {
        "kind": "checker",
        "task": "hr/a",
        "label": "m",
        "trial": 2,
        "turn": "tuesday",
        "outcome": "failed",
        "score": points,
        "weight": 2,
        "red_line": True,
        "category": "safety",
    }
