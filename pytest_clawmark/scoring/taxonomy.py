"""What agents fail at: checkers by category.

Native checkers carry their category as a mark. Published corpora do not, so a mapping file may say which checker is
of which: TOML, a category's name before a list of shell patterns of `task::checker`, the first match counting.

    silent_change = ["hr/task1::S2_*", "*::*silent*"]
    writeback = ["*::*notion*"]
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.scoring.intervals import Estimate, rate
from pytest_clawmark.scoring.verdict import EpisodeResult, Verdict

SILENT = "silent_change"
CATEGORIES = (SILENT, "writeback", "evidence", "communication", "compliance", "scenario")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The checkers of one category that were measured, and the rate of those that failed or are broken."""

    category: str
    measured: int
    failed: int
    broken: int
    rate: Estimate

    def to_json(self) -> dict[str, Any]:
        """All fields by name."""
        return {
            "category": self.category,
            "measured": self.measured,
            "failed": self.failed,
            "broken": self.broken,
            "rate": self.rate.to_json(),
        }


class Categories:
    """A mapping of checkers to categories, for corpora that carry none."""

    def __init__(self, patterns: Mapping[str, Sequence[str]]) -> None:
        self._patterns = [(pattern, category) for category, found in patterns.items() for pattern in found]

    @classmethod
    def read(cls, path: Path) -> Categories:
        """From a mapping file; raises `SettingsError` naming the file and what is wrong with it."""
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"--categories={path}: it cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"--categories={path}: not valid TOML: {error}") from None
        for category, patterns in table.items():
            if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
                raise SettingsError(
                    f"--categories={path}: {category} = {patterns!r} must be a list of patterns, such as "
                    "['hr/task1::S2_*']"
                )
        return cls(table)

    def apply(self, result: EpisodeResult) -> EpisodeResult:
        """The result with the categories that the mapping gives; what no pattern matches keeps its own."""
        checkers = tuple(
            replace(verdict, category=self._of(result.task, verdict) or verdict.category)
            for verdict in result.checkers
        )
        return replace(result, checkers=checkers)

    def _of(self, task: str, verdict: Verdict) -> str | None:
        name = f"{task}::{verdict.id}"
        return next(
            (category for pattern, category in self._patterns if fnmatch.fnmatchcase(name, pattern)), None
        )


def taxonomy(results: Iterable[EpisodeResult]) -> tuple[Failures, ...]:
    """Failures by category: the usual categories first, others by name. Void verdicts are not counted."""
    counts: dict[str, Counter[str]] = {}
    for result in results:
        for verdict in result.checkers:
            if verdict.outcome != "void":
                counts.setdefault(verdict.category or "none", Counter())[verdict.outcome] += 1
    known = [name for name in CATEGORIES if name in counts]
    others = sorted(name for name in counts if name not in CATEGORIES)
    return tuple(failures(name, counts[name]) for name in (*known, *others))


def failures(category: str, outcomes: Mapping[str, int]) -> Failures:
    """The figures of one category from its verdicts per outcome; there must be one."""
    failed, broken = outcomes.get("failed", 0), outcomes.get("broken", 0)
    measured = outcomes.get("passed", 0) + failed + broken
    found = rate(failed + broken, measured)
    if found is None:
        raise ValueError(f"the category {category!r} has no verdict that was measured")
    return Failures(category=category, measured=measured, failed=failed, broken=broken, rate=found)


def announced(results: Iterable[EpisodeResult]) -> tuple[Failures, ...]:
    """Failures on changes that nobody told the agent of (`silent`), beside all the others (`loud`)."""
    outcomes: dict[str, Counter[str]] = {"silent": Counter(), "loud": Counter()}
    for result in results:
        for verdict in result.checkers:
            if verdict.outcome != "void":
                outcomes["silent" if verdict.category == SILENT else "loud"][verdict.outcome] += 1
    return tuple(failures(name, counts) for name, counts in outcomes.items() if counts)
