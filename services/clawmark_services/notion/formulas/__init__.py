"""Notion's formula language: parsed when a column is made, computed when a row is read."""

from clawmark_services.notion.formulas.evaluation import COLUMN_KINDS, Scope, check, evaluate, kind
from clawmark_services.notion.formulas.syntax import LENGTH_LIMIT, Call, Expression, FormulaError, parse
from clawmark_services.notion.formulas.values import PageRef, Span, UserRef, as_text

__all__ = [
    "COLUMN_KINDS",
    "LENGTH_LIMIT",
    "Call",
    "Expression",
    "FormulaError",
    "PageRef",
    "Scope",
    "Span",
    "UserRef",
    "as_text",
    "check",
    "evaluate",
    "kind",
    "parse",
]
