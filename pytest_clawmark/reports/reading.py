"""Reads what a finished run left: who played what, and every verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.schemas import InvalidDocument, validate
from pytest_clawmark.scoring import EpisodeResult

_COMPUTED = ("id", "score", "score_upper", "success", "partial", "groups")
_TURN_COMPUTED = ("score", "score_upper")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """One run as `results.json` tells of it; `record` is what `run.json` said at its end."""

    path: Path
    record: Mapping[str, Any]
    results: tuple[EpisodeResult, ...]

    @property
    def name(self) -> str:
        """What the run's folder is called."""
        return self.path.name

    @classmethod
    def read(cls, path: Path) -> StoredRun:
        """Raises `SettingsError` for a folder that is no run, or one that has not ended or was damaged."""
        file = path / "results.json"
        try:
            document = json.loads(file.read_bytes())
            validate("results", document, source=str(file))
        except FileNotFoundError:
            raise SettingsError(_missing(path)) from None
        except OSError as error:
            raise SettingsError(f"{file} cannot be read: {error.strerror}") from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} is damaged: {error}") from None
        except InvalidDocument as error:
            raise SettingsError(str(error)) from None
        return cls(
            path=path.absolute(),
            record=document["run"],
            results=tuple(result_of(entry) for entry in document["tasks"]),
        )


def result_of(entry: Mapping[str, Any]) -> EpisodeResult:
    """The episode that an entry of `results.json` was written from, without how long its checkers took."""
    fields = {key: value for key, value in entry.items() if key not in _COMPUTED}
    turns = [
        {key: value for key, value in turn.items() if key not in _TURN_COMPUTED} for turn in entry["turns"]
    ]
    return EpisodeResult.from_json({**fields, "task": entry["id"], "turns": turns})


def _missing(path: Path) -> str:
    if not path.is_dir():
        return f"there is no run at {path}: name the folder of one, such as runs/2026-11-20-101500-golden"
    if (path / "run.json").is_file():
        return f"the run {path} has no results yet: it was interrupted. Continue it with --resume={path}"
    return f"{path} is no run: it has no run.json"
