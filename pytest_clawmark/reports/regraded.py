"""What grading again changed, as lines of text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from pytest_clawmark.reports.terminal import Line, Tone, write_lines
from pytest_clawmark.reports.text import cut, one_line
from pytest_clawmark.scoring.regraded import KINDS, Comparison, Difference
from pytest_clawmark.scoring.verdict import Verdict

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

_LINES, _INDENT = 4, 13


def regraded_lines(comparison: Comparison, *, width: int = 100) -> list[Line]:
    """How many verdicts are as before, and every one that is not."""
    total = comparison.same + sum(count for kind, count in comparison.counts.items() if kind != "gone")
    parts = [f"{comparison.counts[kind]} {kind}" for kind in KINDS if comparison.counts.get(kind)]
    if comparison.left_out:
        parts.append(f"{comparison.left_out} not graded this time")
    head = f"{comparison.same} of {total} verdicts are as before" + "".join(f", {part}" for part in parts)
    return [
        Line(head, "plain" if comparison.differences else "good"),
        *(
            Line(text, _tone(difference))
            for difference in comparison.differences
            for text in _wrapped(_told(difference), width)
        ),
    ]


def write_regraded(reporter: TerminalReporter, comparison: Comparison) -> None:
    """Print them below a rule."""
    reporter.write_sep("=", "graded again")
    write_lines(reporter, regraded_lines(comparison, width=reporter._tw.fullwidth))  # noqa: SLF001 - no public width


def _wrapped(text: str, width: int) -> list[str]:
    shown = cut(text, _LINES * width)
    return textwrap.wrap(shown, width, subsequent_indent=" " * _INDENT, break_on_hyphens=False)


def _told(difference: Difference) -> str:
    task, label, trial = difference.episode
    verdict = difference.verdict
    who = f"{task}[{label}{f'-{trial}' if trial > 1 else ''}] {verdict.turn}::{verdict.id}"
    return f"  {difference.kind:<9}  {one_line(who)}: {_change(difference)}"


def _change(difference: Difference) -> str:
    before, after = difference.before, difference.after
    if before is None or after is None:
        return _said(difference.verdict)
    if difference.kind == "changed":
        return f"{before.outcome} -> {_said(after)}"
    if difference.kind == "reworded":
        return f"{after.outcome}: {one_line(before.reason)} -> {one_line(after.reason)}"
    names = ("turn", "weight", "red_line", "category", "description")
    changed = [n for n in names if getattr(before, n) != getattr(after, n)]
    told = [f"{name} {getattr(before, name)} -> {getattr(after, name)}" for name in changed]
    return one_line(f"{after.outcome}: {', '.join(told)}")


def _said(verdict: Verdict) -> str:
    return f"{verdict.outcome}: {one_line(verdict.reason)}" if verdict.reason else verdict.outcome


def _tone(difference: Difference) -> Tone:
    if difference.kind != "changed" or difference.after is None:
        return "odd"
    return "good" if difference.after.outcome == "passed" else "bad"
