"""What JUnit XML says beside pass and fail, as `user_properties` of reports.

A turn is reported before its checkers, so its own score is not known then. Each checker therefore carries
the points it earned, and the last item of an episode carries the episode's score:

    item              properties
    turn              kind, turn, outcome, stop, input_tokens, output_tokens, cost
    checker           kind, turn, weight, red_line, category, outcome, score (points; absent when void)
    last of episode   task, agent, trial, task_score, task_score_upper, task_success, task_checkers

A property without a value is left out. `outcome` tells broken from failed, which JUnit cannot.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_clawmark.reports.text import one_line
from pytest_clawmark.scoring import EpisodeResult, TurnResult, Verdict, points, score_episode

Properties = list[tuple[str, str]]

_OF_EPISODE = frozenset(
    {"task", "agent", "trial", "task_score", "task_score_upper", "task_success", "task_checkers"}
)


def turn_properties(turn: TurnResult) -> Properties:
    """For a turn's item: extend its `user_properties` before its teardown report is made."""
    return _said(
        ("kind", "turn"),
        ("turn", turn.turn),
        ("outcome", turn.outcome),
        ("stop", turn.stop_kind or None),
        *((name, turn.usage.get(name)) for name in ("input_tokens", "output_tokens", "cost")),
    )


def checker_properties(verdict: Verdict) -> Properties:
    """For a checker's item."""
    return _said(
        ("kind", "checker"),
        ("turn", verdict.turn),
        ("weight", verdict.weight),
        ("red_line", verdict.red_line),
        ("category", verdict.category or None),
        ("outcome", verdict.outcome),
        ("score", points(verdict)),
    )


def episode_properties(result: EpisodeResult) -> Properties:
    """For the last item of an episode, whichever kind it is, beside its own properties."""
    known = score_episode(result)
    return _said(
        ("task", result.task),
        ("agent", result.label),
        ("trial", result.trial),
        ("task_score", known.lower),
        ("task_score_upper", known.upper),
        ("task_success", known.success),
        ("task_checkers", f"{len(result.checkers)} of {result.planned}"),
    )


def without_episode(properties: Sequence[tuple[str, object]]) -> list[tuple[str, object]]:
    """The properties without those of an episode: another item may be its last by now."""
    return [pair for pair in properties if pair[0] not in _OF_EPISODE]


def _said(*pairs: tuple[str, object]) -> Properties:
    return [(name, _text(value)) for name, value in pairs if value is not None]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, ".6g") if isinstance(value, float) else one_line(str(value))
