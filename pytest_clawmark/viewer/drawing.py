"""Small figures that stand in tables, as SVG without a style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pytest_clawmark.viewer import markup

_WIDTH, _HEIGHT, _EDGE = 150, 30, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run in a trend: its mean score, and what is told of it."""

    value: float
    told: str
    href: str


def sparkline(points: Sequence[Point]) -> Markup:
    """Scores from 0 to 1 over time; empty without points."""
    if not points:
        return Markup("")
    step = (_WIDTH - 2 * _EDGE) / max(len(points) - 1, 1)
    placed = [
        {
            "x": round(_EDGE + place * step if len(points) > 1 else _WIDTH / 2, 1),
            "y": round(_EDGE + (1 - point.value) * (_HEIGHT - 2 * _EDGE), 1),
            "told": point.told,
            "href": point.href,
        }
        for place, point in enumerate(points)
    ]
    text = markup.render("sparkline.svg", points=placed, width=_WIDTH, height=_HEIGHT)
    return Markup(text)  # noqa: S704 - the template escapes every value


def bar(
    lower: float | None, upper: float | None, low: float | None = None, high: float | None = None
) -> Markup:
    """A score of 0 to 1 as a bar; what void parts might add is paler, the interval a whisker."""
    if lower is None:
        return Markup("")
    values = {"lower": lower, "upper": upper if upper is not None else lower, "low": low, "high": high}
    return Markup(markup.render("bar.svg", **values))  # noqa: S704 - as above
