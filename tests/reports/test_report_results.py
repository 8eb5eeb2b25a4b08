"""`results.json` on disk."""

from __future__ import annotations

import json
import os
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from pytest_clawmark.reports.results import results_document, write_results
from pytest_clawmark.schemas import InvalidDocument, validate
from pytest_clawmark.scoring import Attempt, EpisodeResult, TurnResult, Verdict

RUN = {"created": "2026-11-20T10:00:00+00:00", "sandbox": "bubblewrap"}


def results() -> list[EpisodeResult]:
    turns = (
        TurnResult(
            turn="wednesday",
            index=1,
            outcome="stopped",
            stop_kind="limit",
            usage={"input_tokens": 7, "cost": None},
        ),
        TurnResult(turn="tuesday", index=0, outcome="worked", stop_kind="done", seconds=1.5),
    )
    checkers = (
        Verdict(id="check_b", turn="tuesday", outcome="broken", weight=2, reason="KeyError", seconds=0.3),
        Verdict(id="check_a", turn="wednesday", outcome="passed", category="writing"),
        Verdict(id="check_a", turn="tuesday", outcome="passed", description="The \udcff seat."),
        Verdict(id="check_r", turn="wednesday", outcome="failed", red_line=True),
    )
    measured = EpisodeResult(
        task="hr/interns",
        family="hr",
        agent="chat",
        model="m",
        label="m",
        turns=turns,
        checkers=checkers,
        planned=4,
        attempts=(Attempt(origin="world", reason="no space left"),),
    )
    void = EpisodeResult(
        task="hr/a", family="hr", agent="golden", label="golden", planned=1, void_reason="it raised"
    )
    unreached = EpisodeResult(task="hr/b", family="hr", agent="golden", label="golden", planned=2, trial=2)
    return [measured, void, unreached]


def test_the_document_follows_its_schema_and_tells_the_scores() -> None:
    document = results_document(RUN, results())
    validate("results", document)
    void, unreached, measured = document["tasks"]
    assert (void["id"], void["score"], void["success"], void["partial"]) == ("hr/a", None, None, True)
    assert (unreached["score"], unreached["trial"]) == (None, 2)
    assert measured["score"] == pytest.approx(2 / 7)
    assert measured["score_upper"] == pytest.approx(4 / 7)
    assert measured["success"] is False
    assert [(turn["turn"], turn["score"]) for turn in measured["turns"]] == [
        ("tuesday", pytest.approx(1 / 3)),
        ("wednesday", 0.25),
    ]
    assert [(checker["turn"], checker["id"]) for checker in measured["checkers"]] == [
        ("tuesday", "check_a"),
        ("tuesday", "check_b"),
        ("wednesday", "check_a"),
        ("wednesday", "check_r"),
    ]
    assert document["summary"]["labels"][1]["episodes"]["measured"] == 1


def test_the_document_does_not_depend_on_the_order_of_results_or_verdicts() -> None:
    dealt = random.Random(1)
    known = results()
    seen = set()
    for _ in range(10):
        dealt.shuffle(known)
        mixed = [EpisodeResult.from_json({**one.to_json(), "checkers": _mixed(one, dealt)}) for one in known]
        seen.add(json.dumps(results_document(RUN, mixed), sort_keys=True))
    assert len(seen) == 1


def _mixed(result: EpisodeResult, dealt: random.Random) -> list[dict[str, Any]]:
    checkers = [verdict.to_json() for verdict in result.checkers]
    dealt.shuffle(checkers)
    return checkers


def test_grading_again_gives_the_same_tasks_however_long_it_took() -> None:
    slower = [
        EpisodeResult.from_json(
            {**one.to_json(), "checkers": [{**v.to_json(), "seconds": 9.0} for v in one.checkers]}
        )
        for one in results()
    ]
    assert results_document(RUN, slower)["tasks"] == results_document(RUN, results())["tasks"]


def test_what_is_written_reads_back_the_same_even_half_a_surrogate_pair(tmp_path: Path) -> None:
    document = results_document(RUN, results())
    path = tmp_path / "runs" / "results.json"
    write_results(path, document)
    assert json.loads(path.read_text("utf-8")) == document
    assert [entry.name for entry in path.parent.iterdir()] == ["results.json"]


def test_a_document_against_the_schema_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    document = results_document(RUN, results())
    document["tasks"][2]["checkers"][0]["outcome"] = "skipped"
    with pytest.raises(
        InvalidDocument, match=r"results\.json at \$\.tasks\[2\]\.checkers\[0\]\.outcome: 'skipped'"
    ):
        write_results(path, document)
    assert path.read_text() == "old"


def test_a_failure_while_writing_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_results(path, results_document(RUN, results()))
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]
    assert path.read_text() == "old"


def test_two_writers_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    documents = [results_document({**RUN, "n": n}, results()) for n in range(8)]
    threads = [threading.Thread(target=write_results, args=(path, document)) for document in documents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(path.read_text("utf-8")) in documents


def test_a_number_that_json_cannot_carry_is_refused(tmp_path: Path) -> None:
    document = results_document({"n": float("nan")}, results())
    with pytest.raises(ValueError, match="JSON"):
        write_results(tmp_path / "results.json", document)
    assert not list(tmp_path.iterdir())


def test_a_score_apart_from_any_turn_is_told_and_read_back() -> None:
    from pytest_clawmark.reports.reading import result_of

    verdict = Verdict(id="c", turn="stage0", outcome="passed", group="final", weighed=True, red_line=True)
    result = EpisodeResult(task="hr/a", family="hr", agent="a", label="a", checkers=(verdict,), planned=1)
    (task,) = results_document(RUN, [result])["tasks"]
    assert task["groups"] == {"final": {"score": 1.0, "score_upper": 1.0}}
    assert (task["checkers"][0]["group"], task["checkers"][0]["weighed"]) == ("final", True)
    assert result_of(task) == result
