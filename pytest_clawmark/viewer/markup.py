"""The pages' templates: whatever anybody wrote becomes visible text and is escaped, by the environment alone."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flask import url_for
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pytest_clawmark.reports import figures
from pytest_clawmark.reports.text import visible


def render(template: str, **values: Any) -> str:
    """One of the templates, filled in."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pytest_clawmark.viewer"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["url_for"] = url_for
    environment.filters.update(
        share=figures.share,
        money=figures.money,
        amount=figures.amount,
        duration=figures.duration,
        estimate=figures.estimate,
        percent=figures.percent,
        diff_class=_diff_class,
        size=size,
        pretty=pretty,
        tone=tone,
    )
    return environment


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _diff_class(line: str) -> str:
    return {"+": "plus", "-": "minus", "@": "at"}.get(line[:1], "")


def size(count: int | None) -> str:
    """`912 B`, `88 KB`, `1.4 MB`."""
    if count is None:
        return ""
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1_000:.0f} KB" if count < 999_500 else f"{count / 1_000_000:.1f} MB"


def pretty(value: Any) -> str:
    """JSON to read."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1, default=str)


def tone(score: float | None) -> str:
    """Which of six shades a score has; shades are classes, because no style may stand in a page."""
    return "unknown" if score is None else f"s{min(int(score * 5 + 1e-9), 5)}" if score < 1 else "s5"
