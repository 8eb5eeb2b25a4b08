"""Sums, counts and extremes of ranges that grow: `SUM(A$1:A900)` goes on where `SUM(A$1:A899)` ended.

Without it a column of n running totals costs n squared. Totals are exact, as `math.fsum` gives them, since
what is kept is the sum's exact expansion (Shewchuk's partial sums) and not a rounded number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clawmark_services.sheets.functions import DIVISION, FormulaFailed, Problem, Value

_HUGE = 1e290
"""Beyond it a partial sum might overflow where the whole does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the cells of a range come to: `parts` sum up to their exact total; `problem` is the first error
    among them."""

    parts: tuple[float, ...] = ()
    numbers: int = 0
    filled: int = 0
    least: float = math.inf
    most: float = -math.inf
    problem: Problem | None = None

    def with_row(self, row: Sequence[Value]) -> Tally | None:
        """The tally of one more row; None where it cannot be kept exactly."""
        parts, count, filled = list(self.parts), self.numbers, self.filled
        least, most, problem = self.least, self.most, self.problem
        for value in row:
            filled += value is not None
            if isinstance(value, Problem):
                problem = problem or value
            elif isinstance(value, int | float) and not isinstance(value, bool):
                amount = float(value)
                if not abs(amount) < _HUGE:
                    return None
                _add(parts, amount)
                count, least, most = count + 1, min(least, amount), max(most, amount)
        return Tally(
            parts=tuple(parts), numbers=count, filled=filled, least=least, most=most, problem=problem
        )


def _add(parts: list[float], amount: float) -> None:
    kept = 0
    for part in parts:
        larger, smaller = (amount, part) if abs(amount) >= abs(part) else (part, amount)
        amount = larger + smaller
        lost = smaller - (amount - larger)
        if lost:
            parts[kept] = lost
            kept += 1
    parts[kept:] = [amount]


def _checked(tally: Tally) -> Tally:
    if tally.problem is not None:
        raise FormulaFailed(tally.problem.code)
    return tally


def _average(tally: Tally) -> Value:
    if not _checked(tally).numbers:
        raise FormulaFailed(DIVISION)
    return math.fsum(tally.parts) / tally.numbers


# The functions of one range that its tally answers.
TALLIED: dict[str, Callable[[Tally], Value]] = {
    "SUM": lambda tally: math.fsum(_checked(tally).parts),
    "AVERAGE": _average,
    "COUNT": lambda tally: tally.numbers,
    "COUNTA": lambda tally: tally.filled,
    "MIN": lambda tally: _checked(tally).least if tally.numbers else 0.0,
    "MAX": lambda tally: _checked(tally).most if tally.numbers else 0.0,
}
