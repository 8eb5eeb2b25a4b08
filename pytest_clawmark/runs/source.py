"""A run on disk, as a later session reads it: who played what, and with which verdicts. Nothing is written."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.runs import verdicts
from pytest_clawmark.runs.layout import PLAN_FILE, RUN_FILE, RunFolder
from pytest_clawmark.scoring.verdict import Verdict

SCHEMA = 1
DERIVED_FROM = "derived_from"

EpisodeKey = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRun:
    """`record` is its `run.json`, `plan` its `plan.json`."""

    folder: RunFolder
    record: Mapping[str, Any]
    plan: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path, option: str) -> SourceRun:
        """The run in a folder, or the one that a graded result there was derived from.

        Raises `SettingsError`, naming the `option` that asked for it, for what is no run, what another version
        wrote, and what ended before anything was planned.
        """
        record = read_record(path, option)
        derived = record.get(DERIVED_FROM)
        if derived is not None:
            source = _source_of(path, derived["path"], option)
            return cls.open(source, option)
        plan = _read(path / PLAN_FILE, option)
        if plan is None:
            raise SettingsError(
                f"{option}={path}: the session ended before it had collected its tasks, so nothing was played"
            )
        return cls(folder=RunFolder(path.absolute()), record=record, plan=plan)

    @property
    def episodes(self) -> dict[EpisodeKey, Mapping[str, Any]]:
        """Every planned episode by its key, with nothing known of it yet."""
        return {(e["task"], e["label"], e["trial"]): e for e in self.plan["episodes"]}

    @property
    def trials(self) -> int:
        """How many trials it has at most."""
        return max((trial for _, _, trial in self.episodes), default=1)

    def verdicts(self) -> dict[tuple[EpisodeKey, str], Verdict]:
        """What its checkers came to, by episode and checker: of `results.json`, else as they came."""
        document = _read(self.folder.results, "the run")
        if document is None:
            return {
                (key, name): settled.verdict
                for key in self.episodes
                for name, settled in verdicts.read(self.folder.episode(*key)).items()
            }
        return {
            ((task["id"], task["label"], task["trial"]), verdict["id"]): Verdict(**verdict)
            for task in document["tasks"]
            for verdict in task["checkers"]
        }

    @property
    def verdicts_digest(self) -> str | None:
        """What identifies its verdicts, None where the session did not come to its end."""
        document = _read(self.folder.results, "the run")
        return document.get("verdicts") if document is not None else None

    def beside(self) -> Path:
        """A folder that does not exist yet, for what is derived from it."""
        path = self.folder.path
        names = (path.with_name(f"{path.name}.regrade-{number}") for number in itertools.count(1))
        return next(name for name in names if not name.exists())


def read_record(path: Path, option: str) -> dict[str, Any]:
    """`run.json`; raises `SettingsError` for what is no run, or one of another version."""
    record = _read(path / RUN_FILE, option)
    if record is None:
        raise SettingsError(
            f"{option}={path}: that is no run, for it has no {RUN_FILE}. See `pytest-clawmark runs list`."
        )
    if record.get("schema") != SCHEMA:
        writer = record.get("versions", {}).get("pytest-clawmark", "another version")
        raise SettingsError(
            f"{option}={path}: the run was recorded in schema {record.get('schema')!r} and this version reads "
            f"{SCHEMA} only. Use the version that recorded it: pip install 'pytest-clawmark=={writer}'."
        )
    return record


def _source_of(derived: Path, relative: str, option: str) -> Path:
    """Where the run lies that a result was derived from: where it was, or beside the result under its name."""
    known = Path(relative)
    for source in (derived / known, derived.absolute().parent / known.name):
        if (source / RUN_FILE).is_file():
            return source.resolve()
    raise SettingsError(
        f"{option}={derived}: that was derived from the run {known.name}, which holds all that was recorded and "
        "is not there any more. Put it beside this folder, or name it instead."
    )


def _read(path: Path, option: str) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{option}: {path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise SettingsError(f"{option}: {path} is damaged: a JSON object is wanted")
    return found
