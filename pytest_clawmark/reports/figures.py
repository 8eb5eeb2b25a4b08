"""How figures are said in reports, on the terminal and in HTML alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_clawmark.scoring import EpisodeResult, LabelSummary, Score, Totals, TurnScore, Usage
from pytest_clawmark.scoring.intervals import Estimate

NONE = "-"


def share(value: float | None) -> str:
    """A score of 0 to 1 with two digits. Only a perfect score reads 1.00, and only nothing reads 0.00."""
    if value is None:
        return NONE
    if 0 < value < 1:
        value = min(max(value, 0.01), 0.99)
    return f"{value:.2f}"


def span(lower: float | None, upper: float | None) -> str:
    """A score with its upper bound where that differs: `0.61..0.70`."""
    return share(lower) if lower == upper else f"{share(lower)}..{share(upper)}"


def of(part: int, whole: int) -> str:
    """`3/4`, or a dash where there is nothing to count."""
    return f"{part}/{whole}" if whole else NONE


def rate(value: float | None, part: int, whole: int) -> str:
    """`25 % (1/4)`."""
    return NONE if value is None else f"{value * 100:.0f} % ({part}/{whole})"


def success(value: bool | None) -> str:  # noqa: FBT001 - it is what is said, not how
    """`yes`, `no`, or a dash where it is not known."""
    return NONE if value is None else ("yes" if value else "no")


def episode_score(result: EpisodeResult, known: Score) -> str:
    """The score of an episode, or why it has none."""
    if result.void:
        return "void"
    return span(known.lower, known.upper) if result.reached else "not run"


def turn_score(turn: TurnScore) -> str:
    """The lower bound of a turn's score, or `void`."""
    return "void" if turn.score.counts.get("void") else share(turn.score.lower)


def mean(totals: Totals, known: Estimate | None = None) -> str:
    """A mean with its interval and coverage: `0.61..0.70 [0.50, 0.72] (5/6)`, of planned episodes."""
    shown = span(totals.score, totals.score_upper)
    return f"{shown}{_between(known)} ({totals.scored}/{totals.episodes.planned})"


def rate_of(known: Estimate | None, part: int, whole: int) -> str:
    """`25 % [5, 70] (1/4)`."""
    return NONE if known is None else f"{percent(known)} ({part}/{whole})"


def failed(known: Estimate, part: int, whole: int) -> str:
    """`54 % [40, 67] (26/48)`."""
    return f"{percent(known)} ({part}/{whole})"


def counted(number: int, thing: str) -> str:
    """`1 episode`, `2 episodes`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def amount(number: int) -> str:
    """Tokens: `950`, `12.3k`, `4.56M`."""
    if number < 1_000:
        return str(number)
    return f"{number / 1_000:.1f}k" if number < 999_950 else f"{number / 1_000_000:.2f}M"


def money(cost: float | None, *, unpriced: int = 0) -> str:
    """US dollars; `at least` where some turns have no price."""
    if cost is None:
        return NONE
    shown = f"${cost:.4f}" if cost < 1 else f"${cost:.2f}"
    return f"at least {shown}" if unpriced else shown


def duration(seconds: float) -> str:
    """`0.4s`, `12s`, `3m05s`, `2h07m`."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def names(labels: Iterable[LabelSummary]) -> dict[tuple[str, str, str | None], str]:
    """What each agent is called in a table: its label, with the agent where two share one label."""
    known = list(labels)
    taken = [label.label for label in known]
    return {
        (label.label, label.agent, label.model): (
            f"{label.label} ({label.agent})" if taken.count(label.label) > 1 else label.label
        )
        for label in known
    }


def void_reason(result: EpisodeResult) -> str:
    """Why an episode is void: what ended it, else its first void turn's or checker's reason."""
    if result.void_reason:
        return result.void_reason
    reasons = [turn.reason for turn in result.turns if turn.outcome == "void"]
    reasons += [verdict.reason for verdict in result.checkers if verdict.outcome == "void"]
    return next(filter(None, reasons), "no reason given")


def usage(used: Usage) -> dict[str, str]:
    """Tokens and cost by name; nothing where no model was called."""
    if not (used.model_calls or used.input_tokens or used.output_tokens):
        return {}
    return {
        "tokens in, out": f"{amount(used.input_tokens)}, {amount(used.output_tokens)}",
        "cost": money(used.cost, unpriced=used.unpriced),
    }


def estimate(known: Estimate | None, *, signed: bool = False) -> str:
    """A figure with its interval: `0.61 [0.50, 0.72]`; `+0.05 [-0.01, +0.11]` for a difference.

    An interval of no width is left out: tasks that all agree say nothing of how sure the figure is.
    """
    if known is None:
        return NONE
    say = _signed if signed else share
    return f"{say(known.value)}{_between(known, say)}"


def _between(known: Estimate | None, say: Callable[[float], str] | None = None) -> str:
    if known is None or known.interval is None or known.interval.low == known.interval.high:
        return ""
    tell = say or share
    return f" [{tell(known.interval.low)}, {tell(known.interval.high)}]"


def p_value(value: float) -> str:
    """Three digits, and never quite 0."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.2f}"


def percent(known: Estimate | None) -> str:
    """A rate with its interval: `25 % [10, 49]`."""
    if known is None:
        return NONE
    shown = f"{known.value * 100:.0f} %"
    if known.interval is None:
        return shown
    return f"{shown} [{known.interval.low * 100:.0f}, {known.interval.high * 100:.0f}]"
