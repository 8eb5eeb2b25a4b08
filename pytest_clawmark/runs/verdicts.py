"""`verdicts.jsonl`: what came of an episode's checkers, with pytest's own reports, as it came."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_clawmark.runs.layout import EpisodeFolder
from pytest_clawmark.scoring.verdict import Verdict

FILE = "verdicts.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A checker's verdict and the reports that told of it, as pytest serialises them."""

    verdict: Verdict
    reports: Sequence[Mapping[str, Any]]


def append(folder: EpisodeFolder, settled: Settled) -> None:
    """Add a line, handed to the kernel whole; one process at a time may do so."""
    line = {"verdict": settled.verdict.to_json(), "reports": list(settled.reports)}
    content = json.dumps(line, ensure_ascii=True, separators=(",", ":"), default=repr).encode() + b"\n"
    path = folder.path / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, b"\n" + content if _is_torn(descriptor) else content)
    finally:
        os.close(descriptor)


def read(folder: EpisodeFolder) -> dict[str, Settled]:
    """The last line of each checker, by its id; lines that a kill cut short are left out."""
    path = folder.path / FILE
    found: dict[str, Settled] = {}
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            data = json.loads(line)
            settled = Settled(verdict=Verdict.from_json(data["verdict"]), reports=data["reports"])
        except (ValueError, KeyError, TypeError):
            continue
        found[settled.verdict.id] = settled
    return found


def forget(folder: EpisodeFolder) -> None:
    """Remove them: the episode will be played again."""
    Path(folder.path / FILE).unlink(missing_ok=True)


def _is_torn(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
