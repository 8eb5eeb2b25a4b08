"""The rows of pytest-html's table: one per turn, with the turn's checkers inside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_clawmark.reports import figures, markup
from pytest_clawmark.reports.compressing import size_that_fits, squeezed
from pytest_clawmark.reports.html_turns import Check, checks_html, points, turn_html
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.scoring import EpisodeResult, TurnScore, score_turns

BUDGET = 17_000_000
"""How many characters all that is compressed inside the page may have; the longest turns are cut first."""

_TURNS = 4.0
"""How many turns an episode has, more or less, with some room for its checkers."""

COLUMNS = (
    ("agent", "Agent"),
    ("score", "Score"),
    ("checkers", "Checkers"),
    ("redline", "Red lines"),
)
# What says nothing: pytest-html's word for an empty log, and the line in which pytest-xdist names a worker.
_NOTHING = re.compile(r"\[gw\d+\] .*|No log output captured\.")
_LINKS = ("json", "text", "url")

Key = tuple[str, str, int]
Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Turn:
    """What was reported of a turn: by its own item, and by its checkers, by their node ids."""

    key: Key
    name: str
    nodeid: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    body: str = ""
    checkers: dict[str, list[pytest.TestReport]] = field(default_factory=dict)
    checks: str = ""

    @property
    def outcome(self) -> str:
        """Of the turn itself: worked, stopped or void; empty where its item was not run."""
        return str(self.payload.get("outcome") or "")

    @property
    def verdicts(self) -> list[Mapping[str, Any]]:
        """The last word on each checker."""
        told = [_payloads(reports) for reports in self.checkers.values()]
        return [payloads[-1] for payloads in told if payloads]

    @property
    def outcomes(self) -> set[str]:
        """By which it is found: the turn's own, and its checkers'."""
        found = {str(verdict.get("outcome")) for verdict in self.verdicts}
        return found | ({self.outcome} if self.outcome in ("stopped", "void") else set())

    @property
    def crossed(self) -> int:
        """How many red lines were crossed."""
        return sum(_red(verdict) and verdict.get("outcome") in _BAD for verdict in self.verdicts)

    @property
    def lines(self) -> int:
        """How many red lines there are."""
        return sum(map(_red, self.verdicts))


_BAD = ("failed", "broken")


def _red(verdict: Mapping[str, Any]) -> bool:
    return bool(verdict.get("red_line"))


def _payloads(reports: Sequence[pytest.TestReport]) -> list[Mapping[str, Any]]:
    return [
        payload for report in reports if isinstance(payload := getattr(report, "clawmark", None), Mapping)
    ]


class Rows:
    """Gathers turns from reports; `settle` writes their rows and fills `parts`.

    `episodes` tells how many are planned, once the first turn has been reported.
    """

    def __init__(self, episodes: Callable[[], int] = int) -> None:
        self._episodes, self._room = episodes, 0
        # How large a turn's piece of the page is beside its payload, as seen so far.
        self._grows = 1.0
        self._turns: dict[tuple[Key, str], Turn] = {}
        self.parts: list[Json] = []

    def take(self, report: pytest.TestReport) -> None:
        """A report with a payload of ours; what is long is drawn and compressed at once."""
        payload = getattr(report, "clawmark")  # noqa: B009 - it is no attribute of its class
        key = (str(payload.get("task")), str(payload.get("label")), int(payload.get("trial") or 1))
        name = str(payload.get("turn"))
        turn = self._turns.setdefault((key, name), Turn(key=key, name=name, nodeid=report.nodeid))
        if payload.get("kind") == "turn":
            if not turn.payload:
                turn.nodeid, turn.payload = report.nodeid, payload
                turn.body = self._body(payload)
        else:
            turn.checkers.setdefault(report.nodeid, []).append(report)

    def _body(self, payload: Mapping[str, Any]) -> str:
        """As much of a turn as will probably fit beside all others: cutting them at the end would take long."""
        if not self._room:
            self._room = int(BUDGET / (max(self._episodes(), 1) * _TURNS))
        details = payload.get("details")
        packed = len(details) if isinstance(details, str) else 1
        share = min(self._room / (packed * self._grows), 1.0)
        body = squeezed(turn_html(payload, share=share))
        if share < 1:
            self._grows += (len(body) / (share * packed) - self._grows) / 4
        if len(body) > self._room * 1.25:
            body = squeezed(turn_html(payload, share=share * self._room / len(body)))
        return body

    def settle(self, results: Iterable[EpisodeResult], tests: MutableMapping[str, Any]) -> list[Json]:
        """Put one row per turn into pytest-html's `tests`, in the place of its items' own; returns what rows are
        found by, in the order of `parts`: that of the results."""
        known = {(result.task, result.label, result.trial): result for result in results}
        scores = {
            (key, turn.turn): (place, turn)
            for key, result in known.items()
            for place, turn in enumerate(score_turns(result))
        }
        order = {key: place for place, key in enumerate(known)}
        turns = sorted(
            self._turns.values(),
            key=lambda turn: (
                order.get(turn.key, len(order)),
                turn.key,
                scores[turn.key, turn.name][0] if (turn.key, turn.name) in scores else len(scores),
            ),
        )
        for turn in turns:
            turn.checks = squeezed(checks_html(_checks(turn)))
        self._fit(turns)
        self.parts = [{"body": turn.body, "checks": turn.checks} for turn in turns]
        index = []
        for number, turn in enumerate(turns):
            found = scores.get((turn.key, turn.name))
            _rewrite(turn, number, found[1] if found else None, tests)
            result = known.get(turn.key)
            index.append(_entry(turn, result.family if result is not None else ""))
        return index

    @staticmethod
    def _fit(turns: Sequence[Turn]) -> None:
        """Cut the longest until all fit."""
        for share in (1.0, 0.8, 0.5, 0.2):
            limit = size_that_fits([len(turn.body) + len(turn.checks) for turn in turns], BUDGET)
            if limit is None:
                return
            for turn in turns:
                size = len(turn.body) + len(turn.checks)
                if size > limit:
                    part = share * limit / size
                    turn.body = squeezed(turn_html(turn.payload, share=part)) if turn.payload else ""
                    turn.checks = squeezed(checks_html(_checks(turn), share=part))


def _checks(turn: Turn) -> list[Check]:
    found = [_check(nodeid, reports) for nodeid, reports in turn.checkers.items()]
    return sorted(found, key=lambda check: (check.outcome == "passed", not check.red_line))


def _check(nodeid: str, reports: Sequence[pytest.TestReport]) -> Check:
    payload = _payloads(reports)[-1]
    verdict = payload.get("verdict") or {}
    return Check(
        id=str(verdict.get("id") or nodeid.rpartition("::")[2]),
        outcome=str(payload.get("outcome")),
        score=payload.get("score"),
        weight=payload.get("weight") or 0.0,
        red_line=_red(payload),
        category=str(payload.get("category") or ""),
        description=str(verdict.get("description") or ""),
        reason=str(verdict.get("reason") or ""),
        explanation="\n".join(filter(None, (_said(report.longreprtext) for report in reports))),
        printed=tuple((title, text) for title, text in reports[-1].sections if text),
    )


def cells_of(payload: Mapping[str, Any]) -> list[str]:
    """Our cells of an item before its turn is settled; empty ones for what is none of ours."""
    values = dict.fromkeys((name for name, _ in COLUMNS), "")
    outcome = str(payload.get("outcome", ""))
    if payload:
        values["agent"] = _who(str(payload.get("label")), payload.get("trial"))
    if payload.get("kind") == "turn":
        stop = payload.get("stop_kind")
        values["score"] = f"{outcome}: {stop}" if outcome == "stopped" and stop else outcome
    elif payload:
        values["score"] = points(
            outcome, payload.get("score"), payload.get("weight") or 0.0, red_line=_red(payload)
        )
    return [markup.cell(name, value) for name, value in values.items()]


def _who(label: str, trial: Any) -> str:
    return f"{label} #{trial}" if isinstance(trial, int) and trial > 1 else label


def _entry(turn: Turn, family: str) -> Json:
    """What the page's filters look at; foreign text that only ever becomes text again."""
    task, label, trial = turn.key
    verdicts = turn.verdicts
    missed = {str(v.get("category") or "none") for v in verdicts if v.get("outcome") in _BAD}
    return {
        "task": one_line(task),
        "family": one_line(family),
        "agent": one_line(label),
        "trial": trial,
        "turn": one_line(turn.name),
        "outcomes": sorted(turn.outcomes),
        "red": "crossed" if turn.crossed else ("held" if turn.lines else ""),
        "missed": sorted(map(one_line, missed)),
    }


def _rewrite(turn: Turn, number: int, scored: TurnScore | None, tests: MutableMapping[str, Any]) -> None:
    """Make the rows of a turn's items one."""
    own = list(tests.get(turn.nodeid, ())) if turn.payload else []
    rows = [row for nodeid in (turn.nodeid, *turn.checkers) for row in tests.pop(nodeid, ())]
    if not rows:
        return
    extras = {id(extra): extra for row in rows for extra in row.get("extras", ())}.values()
    values = _values(turn, number, scored)
    place = {
        "format_type": "html",
        "content": markup.render("place.jinja2", number=number),
        "name": None,
        "mime_type": None,
        "extension": None,
    }
    tests[turn.nodeid] = [
        {
            **rows[0],
            **values,
            # pytest-html sorts by this one.
            "duration": f"{round(float(turn.payload.get('seconds') or 0) * 1000)} ms",
            "resultsTableRow": _cells(turn, values, scored, extras, rows[0].get("resultsTableRow", ())),
            "extras": [place, *extras],
            "log": "\n".join(filter(None, (_said(row.get("log", "")) for row in own))),
        }
    ]


def _values(turn: Turn, number: int, scored: TurnScore | None) -> dict[str, str]:
    """What the cells say, and what pytest-html sorts by."""
    task, label, trial = turn.key
    passed = sum(verdict.get("outcome") == "passed" for verdict in turn.verdicts)
    held = f"{turn.lines} held" if turn.lines else ""
    return {
        "result": _result(turn),
        "testId": f"{task} {_who(label, trial)} {number:06}",
        "agent": _who(label, trial),
        "score": figures.turn_score(scored) if scored is not None else figures.NONE,
        "checkers": f"{passed}/{len(turn.checkers)}" if turn.checkers else figures.NONE,
        "redline": f"{turn.crossed} crossed" if turn.crossed else held,
        "duration": figures.duration(float(turn.payload.get("seconds") or 0)) if turn.payload else "",
    }


def _cells(
    turn: Turn,
    values: Mapping[str, str],
    scored: TurnScore | None,
    extras: Iterable[Mapping[str, Any]],
    before: Iterable[str],
) -> list[str]:
    """The row: our cells, and those of other plugins as they were `before`, all in one text, because pytest-html
    parses each text of the list by itself."""
    made = markup.render(
        "row.jinja2",
        **values,
        nodeid=turn.nodeid,
        task=turn.key[0],
        turn=turn.name,
        ended=turn.outcome if turn.outcome in ("stopped", "void") else "",
        lower=scored.score.lower if scored is not None else None,
        crossed=turn.crossed,
        links=[extra for extra in extras if extra.get("format_type") in _LINKS],
    )
    ours = {found[1]: found[0] for found in re.finditer(r'<td class="col-(\w+).*?</td>', made, re.DOTALL)}
    return ["".join(ours.get(_column(cell), cell) for cell in before)]


def _said(text: str) -> str:
    """A log without a first line that says nothing."""
    first, _, rest = text.partition("\n")
    return rest if _NOTHING.fullmatch(first) else text


def _column(cell: str) -> str:
    found = re.search(r"col-(\w+)", cell)
    return found[1] if found else ""


def _result(turn: Turn) -> str:
    """pytest-html's word for a turn: it colours rows and filters them by it."""
    if "void" in turn.outcomes:
        return "Error"
    return "Failed" if turn.outcomes & {"failed", "broken", "stopped"} else "Passed"
