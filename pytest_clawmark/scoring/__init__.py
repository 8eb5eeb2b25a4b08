"""From verdicts to scores, rates and totals; `scoring.score.score` scores a bare list of verdicts."""

from pytest_clawmark.scoring.analysis import LabelAnalysis, analyse
from pytest_clawmark.scoring.score import (
    RED_LINE_COST,
    Score,
    TurnScore,
    points,
    score_episode,
    score_turns,
)
from pytest_clawmark.scoring.summary import LabelSummary, Summary, Totals, Usage, summarise
from pytest_clawmark.scoring.verdict import (
    Attempt,
    EpisodeResult,
    Outcome,
    TurnOutcome,
    TurnResult,
    Verdict,
)

__all__ = [
    "RED_LINE_COST",
    "Attempt",
    "EpisodeResult",
    "LabelAnalysis",
    "LabelSummary",
    "Outcome",
    "Score",
    "Summary",
    "Totals",
    "TurnOutcome",
    "TurnResult",
    "TurnScore",
    "Usage",
    "Verdict",
    "analyse",
    "points",
    "score_episode",
    "score_turns",
    "summarise",
]
