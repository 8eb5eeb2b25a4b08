"""HTML from templates in which nothing that anybody wrote is markup: every value is escaped.

Escaping is the environment's, not the templates': each value becomes visible text (no control
characters) and is then escaped, unless a template of ours made it.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pytest_clawmark.reports.text import visible


def render(template: str, **values: Any) -> str:
    """One of the templates, such as `turn.jinja2`, filled in."""
    return _environment().get_template(template).render(**values)


def cell(name: str, text: str, *, css: str = "") -> str:
    """A cell of pytest-html's table, on one line; its column is sorted by its text."""
    return Markup('<td class="col-{} {}">{}</td>').format(name, css, visible(text).replace("\n", " "))


def source(name: str) -> Markup:
    """One of our files as it is, such as `style.css`: ours, so it is markup."""
    environment = _environment()
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])  # noqa: S704 - a file of ours


def data(value: Any) -> Markup:
    """JSON for `<script type="application/json">`: with nothing in it that could end the element."""
    text = visible(json.dumps(value, ensure_ascii=True))
    escaped = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(escaped)  # noqa: S704 - no character in it means anything in HTML


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pytest_clawmark.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
    )
    environment.filters["diff_class"] = _diff_class
    return environment


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _diff_class(line: str) -> str:
    return {"+": "cm-plus", "-": "cm-minus", "@": "cm-at"}.get(line[:1], "")
