"""One turn as a piece of HTML: what woke the agent, what it did and changed, and what the checkers said of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_clawmark.reports import figures, markup
from pytest_clawmark.reports.compressing import details_of, size_that_fits
from pytest_clawmark.reports.text import middle_cut, one_line
from pytest_clawmark.reports.transcript import Step, steps
from pytest_clawmark.reports.world_changes import groups

EXPLANATION = 16_000
_OPENED = 12
_BRIEF = 110
_CALLS = (("model_calls", "model answer"), ("tool_calls", "tool call"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One checker of a turn, with pytest's `explanation` of why it failed and what it printed."""

    id: str
    outcome: str
    score: float | None = None
    weight: float = 1.0
    red_line: bool = False
    category: str = ""
    description: str = ""
    reason: str = ""
    explanation: str = ""
    printed: tuple[tuple[str, str], ...] = ()

    @property
    def crossed(self) -> bool:
        """Whether it is a red line that was crossed."""
        return self.red_line and self.outcome in ("failed", "broken")


def turn_html(payload: Mapping[str, Any], *, share: float = 1.0) -> str:
    """What woke the agent, what it did and what changed; `share` of the long parts, cut in their middle."""
    told = details_of(payload)
    return markup.render(
        "turn.jinja2",
        wakeup=str(told.get("wakeup") or ""),
        steps=[_view(step) for step in _cut(paired(steps(told.get("trajectory") or ())), share)],
        counts=_counts(payload),
        ended=_ended(payload),
        changes=[_change(change, share) for change in told.get("changes") or ()],
        world=told.get("world") or {},
        services=groups(told.get("world") or {}),
    )


def checks_html(checks: Sequence[Check], *, share: float = 1.0) -> str:
    """The checkers of a turn, those that did not pass first in sight."""
    return markup.render(
        "checks.jinja2",
        checks=[_check(check, share) for check in checks],
        open=sum(check.outcome != "passed" for check in checks) <= _OPENED,
    )


def _check(check: Check, share: float) -> dict[str, Any]:
    return {
        "id": one_line(check.id),
        "outcome": check.outcome if check.outcome.isalpha() else "broken",
        "points": points(check.outcome, check.score, check.weight, red_line=check.red_line),
        "weight": f"{check.weight:g}",
        "red_line": check.red_line,
        "crossed": check.crossed,
        "category": check.category,
        "description": check.description,
        "reason": "" if check.explanation else check.reason,
        "lines": _explained(middle_cut(check.explanation, int(EXPLANATION * share))),
        "printed": [(title, middle_cut(text, int(EXPLANATION * share))) for title, text in check.printed],
    }


def _explained(text: str) -> list[tuple[str, str]]:
    """pytest's lines, each with what it is: the failing line, an explanation, or the source around it."""
    kinds = {"E": "cm-why", ">": "cm-here"}
    return [(kinds.get(line[:1], ""), line) for line in text.split("\n")] if text else []


def points(outcome: str, score: float | None, weight: float, *, red_line: bool) -> str:
    """What a checker came to: a red line held or crossed, or points of its weight."""
    if outcome == "void":
        return "void"
    broken = ", broken" if outcome == "broken" else ""
    if red_line:
        return f"red line {'held' if outcome == 'passed' else 'crossed'}{broken}"
    return f"{score or 0:g} of {weight or 0:g}{broken}"


def paired(found: Iterable[Step]) -> list[Step]:
    """Steps in which a model's calls are told only where no tool's own step tells of them."""
    kept: list[Step] = []
    model: int | None = None
    for step in found:
        if step.kind == "tool" and model is not None and kept[model].calls:
            kept[model] = replace(kept[model], calls=kept[model].calls[1:])
        elif step.kind == "model":
            model = len(kept)
        kept.append(step)
    return kept


def _cut(found: Sequence[Step], share: float) -> list[Step]:
    """A share of the text of the steps: what tools were given and said is cut first, the longest of it."""
    if share >= 1:
        return list(found)
    tools = [size for step in found for size in (len(step.given), len(step.text)) if step.kind == "tool"]
    said = [size for step in found for size in (len(step.thinking), len(step.text)) if step.kind != "tool"]
    budget = int(share * (sum(tools) + sum(said)))
    spoken = _limit(said, budget // 2)
    called = _limit(tools, budget - sum(min(size, spoken) for size in said))
    return [_shortened(step, called if step.kind == "tool" else spoken) for step in found]


def _limit(sizes: Sequence[int], budget: int) -> int:
    limit = size_that_fits(sizes, max(budget, 0))
    return max(sizes, default=0) if limit is None else max(limit, 80)


def _shortened(step: Step, limit: int) -> Step:
    return replace(
        step,
        given=middle_cut(step.given, limit),
        text=middle_cut(step.text, limit),
        thinking=middle_cut(step.thinking, limit),
    )


def _view(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "title": step.title,
        "facts": step.facts,
        "given": step.given,
        "brief": one_line(step.given[: 4 * _BRIEF])[:_BRIEF],
        "text": step.text,
        "thinking": step.thinking,
        "calls": step.calls,
        "wrong": step.wrong,
        "lines": step.text.count("\n") + 1 if step.text else 0,
    }


def _change(change: Any, share: float) -> dict[str, Any]:
    found = change if isinstance(change, Mapping) else {}
    kind = found.get("change")
    diff = str(found.get("diff") or "")
    lines = _lines(middle_cut(diff, max(int(len(diff) * share), 200)))
    return {
        "path": one_line(str(found.get("path", "?"))),
        "change": kind if kind in ("added", "removed") else "modified",
        "note": one_line(str(found.get("note") or "")),
        "lines": lines,
        "added": sum(line.startswith("+") for line in lines),
        "removed": sum(line.startswith("-") for line in lines),
    }


def _lines(diff: str) -> list[str]:
    """The lines of a difference without the two that name the file, which stands above it."""
    lines = diff.split("\n") if diff else []
    return lines[2:] if lines[:1] and lines[0].startswith("--- ") else lines


def _ended(payload: Mapping[str, Any]) -> str:
    """How the turn ended where it did not end well, else nothing."""
    outcome = str(payload.get("outcome") or "")
    if outcome in ("", "worked"):
        return ""
    kind = f": {payload['stop_kind']}" if payload.get("stop_kind") else ""
    reason = one_line(str(payload.get("reason") or ""))
    return f"{outcome}{kind}{f' ({reason})' if reason else ''}"


def _counts(payload: Mapping[str, Any]) -> str:
    used = payload.get("usage") or {}
    found = [figures.counted(int(used[name]), what) for name, what in _CALLS if used.get(name)]
    if used.get("input_tokens") or used.get("output_tokens"):
        given, cached, said = (
            int(used.get(name) or 0) for name in ("input_tokens", "cached_tokens", "output_tokens")
        )
        of_cache = f" ({figures.amount(cached)} cached)" if cached else ""
        found.append(f"{figures.amount(given)} tokens in{of_cache}, {figures.amount(said)} out")
    if used.get("cost") is not None:
        found.append(figures.money(used["cost"]))
    if payload.get("seconds"):
        found.append(figures.duration(payload["seconds"]))
    return ", ".join(found)
