"""The scores at the end of a run, as lines of text.

Up to `DETAILED` episodes have a row each; above that, families of tasks do. Totals follow, the agents side
by side, and then what spoils a number: red lines crossed, broken checkers, void episodes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_clawmark.reports import figures, notes
from pytest_clawmark.reports.columns import Column, render
from pytest_clawmark.reports.text import cut, one_line
from pytest_clawmark.scoring import (
    EpisodeResult,
    LabelAnalysis,
    Summary,
    Totals,
    analyse,
    score_episode,
    score_turns,
    summarise,
)
from pytest_clawmark.scoring.intervals import rate
from pytest_clawmark.scoring.taxonomy import Failures

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

DETAILED = 40
NOTED = 10
NARROWEST = 40
_LOUD = "all but silent_change"

Tone = Literal["plain", "head", "good", "bad", "odd"]


class Line(NamedTuple):
    """One line, and the tone that a terminal with colours may give it."""

    text: str
    tone: Tone = "plain"


def table(results: Iterable[EpisodeResult], *, width: int = 100, location: str = "") -> list[str]:
    """The report as plain lines of at most `width` columns (no fewer than 40).

    `results` holds every planned episode, in any order; `location` says where the run lies, and is never
    cut, because it is there to be copied.
    """
    return [line.text for line in lines(results, width=width, location=location)]


def lines(results: Iterable[EpisodeResult], *, width: int = 100, location: str = "") -> list[Line]:
    """`table`, with tones. No results are no lines."""
    known = sorted(results, key=lambda result: (result.task, result.label, result.agent, result.trial))
    if not known:
        return []
    width = max(width, NARROWEST)
    summary = summarise(known)
    analysis = analyse(known, summary)
    detailed = len(known) <= DETAILED
    blocks = [
        _episodes(known, summary, width) if detailed else _families(analysis, width),
        _totals(analysis, width, families=detailed),
        _categories(analysis, width),
        _legend(known, summary, width),
        *(_note(note, width) for note in notes.notes(known)),
        [Line(f"run: {one_line(location)}")] if location else [],
    ]
    return _joined([block for block in blocks if block])


def write_scores(reporter: TerminalReporter, results: Iterable[EpisodeResult], *, location: str = "") -> None:
    """Print the scores below a rule, in colour where the terminal has it."""
    found = lines(results, width=reporter._tw.fullwidth, location=location)  # noqa: SLF001 - no public width
    if found:
        reporter.write_sep("=", "scores")
    write_lines(reporter, found)


def write_lines(reporter: TerminalReporter, found: Iterable[Line]) -> None:
    """Print lines in the colours of their tones."""
    markup: dict[Tone, dict[str, bool]] = {
        "plain": {},
        "head": {"bold": True},
        "good": {"green": True},
        "bad": {"red": True},
        "odd": {"yellow": True},
    }
    for line in found:
        reporter.write_line(line.text, **markup[line.tone])


def _joined(blocks: Sequence[list[Line]]) -> list[Line]:
    found: list[Line] = []
    for block in blocks:
        found += [Line(""), *block] if found else block
    return found


# --- one row per episode -------------------------------------------------------------------------------


def _episodes(results: Sequence[EpisodeResult], summary: Summary, width: int) -> list[Line]:
    scores = [score_episode(result) for result in results]
    found = [Column("task", [one_line(result.task) for result in results], least=12)]
    if len(summary.labels) > 1:
        found.append(_agents(results, summary))
    if any(result.trial > 1 for result in results):
        found.append(Column("trial", [str(result.trial) for result in results], right=True))
    found += _turns(results)
    pairs = list(zip(results, scores, strict=True))
    found.append(Column("score", [figures.episode_score(result, known) for result, known in pairs]))
    found.append(Column("success", [figures.success(known.success) for known in scores], short="ok"))
    found.append(
        Column("red lines", [figures.of(known.crossed, known.red_lines) for known in scores], short="red")
    )
    if any(result.partial for result in results):
        found.append(Column("checkers", [_ran(result) for result in results]))
    head, *rows = render(found, width)
    return [
        Line(head, "head"),
        *(Line(row, tone(result)) for row, result in zip(rows, results, strict=True)),
    ]


def _agents(results: Sequence[EpisodeResult], summary: Summary) -> Column:
    names = figures.names(summary.labels)
    return Column(
        "agent", [one_line(names[result.label, result.agent, result.model]) for result in results], least=10
    )


def _turns(results: Sequence[EpisodeResult]) -> list[Column]:
    """One column per turn, by its number, `t1` where `turn 1` is too wide; then one per group that is none."""
    apart = list(dict.fromkeys(v.group for result in results for v in result.checkers if v.group))
    known = [{turn.turn: figures.turn_score(turn) for turn in score_turns(result)} for result in results]
    scores = [[score for turn, score in turns.items() if turn not in apart] for turns in known]
    numbered = [
        Column(
            f"turn {number + 1}",
            [turns[number] if number < len(turns) else "" for turns in scores],
            short=f"t{number + 1}",
            droppable=True,
        )
        for number in range(max(map(len, scores), default=0))
    ]
    return numbered + [
        Column(name, [turns.get(name, "") for turns in known], droppable=True) for name in apart
    ]


def _ran(result: EpisodeResult) -> str:
    return f"{len(result.checkers)} of {result.planned}"


def tone(result: EpisodeResult) -> Tone:
    """How an episode went: good, bad (a red line crossed), odd (void or broken) or plain."""
    known = score_episode(result)
    if result.void:
        return "odd"
    if known.crossed:
        return "bad"
    if known.success:
        return "good"
    return "odd" if known.counts.get("broken") else "plain"


# --- totals --------------------------------------------------------------------------------------------


def _families(analysis: Sequence[LabelAnalysis], width: int) -> list[Line]:
    names = figures.names([label.summary for label in analysis])
    rows = sorted(
        (
            (family, names[label.summary.label, label.summary.agent, label.summary.model], totals, label)
            for label in analysis
            for family, totals in label.summary.families
        ),
        key=lambda row: row[:2],
    )
    found = [
        Column("family", [one_line(family) for family, _, _, _ in rows], least=16),
        Column("agent", [one_line(name) for _, name, _, _ in rows], least=12),
        Column(
            "mean score", [figures.mean(totals, label.families[family]) for family, _, totals, label in rows]
        ),
        Column("success", [_success(totals) for _, _, totals, _ in rows]),
        Column(
            "red lines", [figures.of(totals.red_lines_crossed, totals.red_lines) for _, _, totals, _ in rows]
        ),
    ]
    head, *lines = render(found, width)
    return [Line(head, "head"), *map(Line, lines)]


def _success(totals: Totals) -> str:
    return figures.rate_of(rate(totals.successes, totals.judged), totals.successes, totals.judged)


def _totals(analysis: Sequence[LabelAnalysis], width: int, *, families: bool) -> list[Line]:
    """The agents side by side; in several blocks where they do not fit beside each other."""
    labels = [label.summary for label in analysis]
    names = figures.names(labels)
    shown = sorted({family for label in labels for family, _ in label.families}) if families else []
    facts = [_facts(label, shown if len(shown) > 1 else []) for label in analysis]
    rows = [name for name in facts[0] if any(fact[name] is not None for fact in facts)]
    first = Column("totals", rows)
    others = [
        Column(
            one_line(names[label.label, label.agent, label.model]),
            [fact[row] or figures.NONE for row in rows],
            least=12,
        )
        for label, fact in zip(labels, facts, strict=True)
    ]
    found: list[Line] = []
    for block in _fitting(first, others, width):
        head, *lines = render([first, *block], width)
        found += [*([Line("")] if found else []), Line(head, "head"), *map(Line, lines)]
    return found


def _fitting(first: Column, others: Sequence[Column], width: int) -> list[list[Column]]:
    blocks: list[list[Column]] = []
    room = 0
    for column in others:
        if not blocks or column.width + 2 > room:
            blocks.append([])
            room = width - first.width
        blocks[-1].append(column)
        room -= column.width + 2
    return blocks


def _facts(analysis: LabelAnalysis, families: Sequence[str]) -> dict[str, str | None]:
    """Figures of one agent by name, the same names in the same order for all; None for what did not happen."""
    label = analysis.summary
    totals = label.totals
    known = dict(label.families)
    used = figures.usage(totals.usage)
    parts = {
        f"  {one_line(name)}": figures.mean(known[name], analysis.families[name]) if name in known else None
        for name in families
    }
    odd = {
        "broken checkers": totals.checkers["broken"],
        "void episodes": totals.episodes.void,
        "partial episodes": totals.episodes.partial,
        "episodes not run": totals.episodes.unreached,
    }
    return {
        "mean score (episodes)": figures.mean(totals, analysis.score),
        **parts,
        "strict success": figures.rate_of(analysis.success, totals.successes, totals.judged),
        **_trials(analysis),
        **_course(analysis),
        "red lines crossed": figures.of(totals.red_lines_crossed, totals.red_lines),
        "checkers measured": figures.of(totals.checkers_measured, totals.checkers_planned),
        **{name: str(count) if count else None for name, count in odd.items()},
        "tokens in, out": used.get("tokens in, out"),
        "cost": used.get("cost"),
        "agent time": figures.duration(totals.usage.seconds),
    }


def _trials(analysis: LabelAnalysis) -> dict[str, str | None]:
    """Any and all of the most trials that some task had."""
    if not analysis.trials:
        return {"pass@k": None, "pass^k": None}
    last = analysis.trials[-1]
    return {
        "pass@k": f"{figures.estimate(last.any_passes)} (k={last.k})",
        "pass^k": f"{figures.estimate(last.all_pass)} (k={last.k})",
    }


def _course(analysis: LabelAnalysis) -> dict[str, str | None]:
    """How the later turns differ from the first, for the length that most tasks have."""
    several = [course for course in analysis.courses if course.second is not None and course.second.count > 1]
    if not several:
        return {"turn 2 against turn 1": None, "last turn against turn 1": None}
    course = max(several, key=lambda found: found.second.count if found.second else 0)
    of = f"({course.second.count if course.second else 0} tasks of {course.turns} turns)"
    return {
        "turn 2 against turn 1": f"{figures.estimate(course.second, signed=True)} {of}",
        "last turn against turn 1": f"{figures.estimate(course.last, signed=True)}"
        if course.turns > 2
        else None,
    }


def _categories(analysis: Sequence[LabelAnalysis], width: int) -> list[Line]:
    """How often checkers failed, by category; nothing where no task says what its checkers are about."""
    labels = [label.summary for label in analysis]
    names = figures.names(labels)
    found = [_failures(label) for label in analysis]
    rows = [row for row in dict.fromkeys(row for known in found for row in known) if row != _LOUD]
    rows += [_LOUD] if any(_LOUD in known for known in found) else []
    if len(rows) < 2:
        return []
    columns = [Column("checkers failed", [one_line(row) for row in rows], least=14)]
    for label, known in zip(labels, found, strict=True):
        cells = [
            figures.failed(known[row].rate, known[row].failed + known[row].broken, known[row].measured)
            if row in known
            else figures.NONE
            for row in rows
        ]
        columns.append(
            Column(one_line(names[label.label, label.agent, label.model]), cells, least=12, droppable=True)
        )
    head, *lines = render(columns, width)
    return [Line(head, "head"), *map(Line, lines)]


def _failures(label: LabelAnalysis) -> dict[str, Failures]:
    """By category, and all changes that the agent was told of together where some were silent."""
    found = {failures.category: failures for failures in label.categories}
    by_news = {failures.category: failures for failures in label.announced}
    return {**found, _LOUD: by_news["loud"]} if len(by_news) > 1 else found


# --- what spoils a number ------------------------------------------------------------------------------


def _legend(results: Sequence[EpisodeResult], summary: Summary, width: int) -> list[Line]:
    found = []
    if any(label.totals.checkers["broken"] for label in summary.labels):
        found.append("a..b: broken checkers earn nothing (a); b is the score had they passed")
    if summary.partial:
        found.append("every episode is partial: means are over the checkers that ran, success is not known")
    elif any(result.partial and not result.void for result in results):
        found.append("partial episodes are not in the means: some of their checkers did not run")
    return [Line(line) for text in found for line in textwrap.wrap(text, width)]


def _note(note: notes.Note, width: int) -> list[Line]:
    if not note.texts:
        return []
    shown = [Line(cut(f"  {one_line(text)}", width)) for text in note.texts[:NOTED]]
    rest = len(note.texts) - len(shown)
    more = [Line(f"  ... and {rest} more in results.json")] if rest else []
    return [Line(f"{note.title}: {len(note.texts)}", note.tone), *shown, *more]
