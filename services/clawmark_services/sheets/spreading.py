"""Which formulas may come to more than one value."""

from __future__ import annotations

import re
from functools import cache

SPREADING = frozenset(
    {
        *(
            "ARRAYFORMULA",
            "SORT",
            "SORTN",
            "FILTER",
            "UNIQUE",
            "SEQUENCE",
            "SPLIT",
            "TRANSPOSE",
            "QUERY",
            "INDEX",
        ),
        *("FLATTEN", "TOCOL", "TOROW", "HSTACK", "VSTACK", "CHOOSEROWS", "CHOOSECOLS", "ARRAY_CONSTRAIN"),
        *("WRAPROWS", "WRAPCOLS", "MMULT", "FREQUENCY", "SUMPRODUCT", "{}"),
    }
)
"""Functions whose arguments are arrays, so that what stands in them is applied to each value."""


@cache
def _form() -> re.Pattern[str]:
    names = "|".join(sorted(SPREADING - {"{}", "SUMPRODUCT"}))
    return re.compile(rf"\{{|\b(?:{names})\s*\(", re.IGNORECASE)


def may_spill(formula: str) -> bool:
    """Whether a formula can fill cells beside its own; for most a look at the text says no."""
    return _form().search(formula) is not None
