"""A run as its folder tells of it: finished, being played, interrupted or damaged."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from pytest_clawmark.reports.reading import result_of
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.runs import verdicts
from pytest_clawmark.runs.episodes import EpisodeRecord
from pytest_clawmark.runs.layout import EpisodeFolder
from pytest_clawmark.scoring import EpisodeResult, Summary, analyse, summarise
from pytest_clawmark.scoring.analysis import LabelAnalysis
from pytest_clawmark.viewer.analysed import analysed
from pytest_clawmark.viewer.places import Damaged, Missing, Place
from pytest_clawmark.viewer.remembering import Memory, version

_SUMMARY = b'\n  "summary": '
_END = 64 * 1024
_WRONG = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that a run's pages need beside its episodes' own files.

    `state` is finished, running, interrupted, or damaged where there are results that cannot be read. `damage` says
    what could not be read, for people.
    """

    place: Place
    state: str
    record: Mapping[str, Any]
    results: tuple[EpisodeResult, ...]
    damage: tuple[str, ...] = ()
    stored: Any = None

    @cached_property
    def summary(self) -> Summary:
        """Totals, with what is known by now."""
        return summarise(self.results)

    @cached_property
    def analysis(self) -> tuple[LabelAnalysis, ...]:
        """Intervals and courses: those that were stored, else worked out, which takes a moment."""
        try:
            return analysed(self.stored, self.summary)
        except (ValueError, KeyError, TypeError, AttributeError):
            return analyse(self.results, self.summary)

    @cached_property
    def episodes(self) -> Mapping[str, EpisodeResult]:
        """By key, such as `hr/interns/golden/1`: the episode's folder below `episodes/`."""
        return {key_of(result): result for result in self.results}


def key_of(result: EpisodeResult) -> str:
    """How an episode is called in addresses."""
    return f"{result.task}/{result.label.replace('/', '-')}/{result.trial}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Reads runs, each again only when its files have changed; safe to call from any thread."""

    runs: Memory = field(default_factory=lambda: Memory(24))
    fronts: Memory = field(default_factory=lambda: Memory(4096))
    parts: Memory = field(default_factory=lambda: Memory(4096))
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def state(self, place: Place) -> str:
        """finished, running or interrupted. A resumed run has results, but its record is younger than they are."""
        results, record = (_changed(place.root / name) for name in ("results.json", "run.json"))
        if results and results >= record:
            return "finished"
        # To ask who holds a lock is to hold it for an instant: two threads must not see each other.
        with self._asking:
            played = _is_played(place.root)
        return "running" if played else ("finished" if results else "interrupted")

    def read(self, place: Place) -> Run:
        """The whole run."""
        root, state = place.root, self.state(place)
        known = [root / "run.json", root / "results.json", root / "plan.json"]
        if state == "finished":
            return self.runs.recall(root, version(known), lambda: _finished(place, self.parts))
        planned = self.parts.recall((root, "plan"), version(known), lambda: _planned_of(place))
        known += [path for entry in planned.episodes for path in _files_of(place, entry)]
        return self.runs.recall((root, state), version(known), lambda: _unfinished(place, state, self.parts))

    def front(self, place: Place) -> Front:
        """What the list of runs tells of it."""
        state = self.state(place)
        known = [place.root / "run.json", place.root / "results.json"]
        return self.fronts.recall((place.root, state), version(known), lambda: _front(place, state))


def _changed(path: Path) -> int:
    """When a file was last written, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _is_played(root: Path) -> bool:
    """Whether a session holds the run at this moment."""
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        # A file system without locks.
        return False
    finally:
        os.close(descriptor)
    return False


def record_of(place: Place, damage: list[str]) -> Mapping[str, Any]:
    """`run.json`; empty, and told in `damage`, where it cannot be read."""
    try:
        return place.object_of(place.root / "run.json")
    except (Missing, Damaged) as error:
        damage.append(f"run.json: {error}" if isinstance(error, Missing) else str(error))
        return {}


def _finished(place: Place, memory: Memory) -> Run:
    damage: list[str] = []
    try:
        document = place.object_of(place.root / "results.json")
        entries: Sequence[Any] = document["tasks"]
        record: Mapping[str, Any] = document["run"]
        if not isinstance(entries, Sequence) or not isinstance(record, Mapping):
            raise TypeError("tasks is no list")
    except (Missing, Damaged, *_WRONG) as error:
        told = str(error) if isinstance(error, Damaged) else f"results.json is damaged: {_said(error)}"
        fallback = _unfinished(place, "damaged", memory)
        return replace(fallback, damage=(told, *fallback.damage))
    results = []
    for place_in_list, entry in enumerate(entries):
        try:
            results.append(result_of(entry))
        except _WRONG as error:
            damage.append(f"results.json: tasks[{place_in_list}] is damaged: {_said(error)}")
    return Run(
        place=place,
        state="finished",
        record=record,
        results=tuple(results),
        damage=tuple(damage),
        stored=document.get("analysis"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """The planned episodes whose folders lie in the run, and what of the plan cannot be used."""

    episodes: tuple[EpisodeResult, ...] = ()
    damage: tuple[str, ...] = ()


def _planned_of(place: Place) -> _Plan:
    try:
        entries = place.object_of(place.root / "plan.json")["episodes"]
    except Missing:
        return _Plan()
    except (Damaged, *_WRONG) as error:
        return _Plan(damage=(str(error) if isinstance(error, Damaged) else "plan.json is damaged",))
    episodes, damage = [], []
    for entry in entries:
        try:
            found = EpisodeResult.from_json(entry)
            place.folder.episode(found.task, found.label, found.trial)
        except _WRONG as error:
            damage.append(f"plan.json: an episode is damaged: {_said(error)}")
        else:
            episodes.append(found)
    return _Plan(episodes=tuple(episodes), damage=tuple(damage))


def _files_of(place: Place, planned: EpisodeResult) -> tuple[Path, Path]:
    folder = place.folder.episode(planned.task, planned.label, planned.trial)
    return folder.path / "episode.json", folder.path / verdicts.FILE


def _unfinished(place: Place, state: str, memory: Memory) -> Run:
    """What the plan and the episodes' own records say."""
    damage: list[str] = []
    record = record_of(place, damage)
    planned = _planned_of(place)
    damage += planned.damage
    results = []
    for entry in planned.episodes:
        files = _files_of(place, entry)
        found, wrong = memory.recall(files[0], version(files), partial(_read_so_far, place, entry, files[0]))
        results.append(found)
        damage += wrong
    return Run(place=place, state=state, record=record, results=tuple(results), damage=tuple(damage))


def _read_so_far(place: Place, planned: EpisodeResult, path: Path) -> tuple[EpisodeResult, list[str]]:
    """The episode with the turns that are over; its checkers count when it has ended."""
    try:
        record = EpisodeRecord.from_json(place.object_of(path))
    except Missing:
        return planned, []
    except (Damaged, *_WRONG) as error:
        told = str(error) if isinstance(error, Damaged) else f"{place.within(path)}: {_said(error)}"
        return planned, [told]
    ended = record.state in ("ended", "void")
    checkers = tuple(settled.verdict for settled in _verdicts(place, path.parent)) if ended else ()
    return (
        replace(
            planned,
            turns=record.turns,
            checkers=checkers,
            planned=max(planned.planned, len(checkers)),
            void_reason=str(record.void) if record.void else planned.void_reason,
            attempts=record.attempts or planned.attempts,
        ),
        [],
    )


def _verdicts(place: Place, folder: Path) -> Iterable[verdicts.Settled]:
    try:
        place.inside(folder / verdicts.FILE)
    except Missing:
        return ()
    return verdicts.read(EpisodeFolder(folder)).values()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(str(error))[:200]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What the list of runs tells of one: cheap to read, however many episodes it has.

    `labels` are `summary.labels` of `results.json`, each with `score_estimate` and `success_estimate`.
    """

    place: Place
    state: str
    record: Mapping[str, Any]
    labels: tuple[Mapping[str, Any], ...]
    episodes: int = 0
    damage: tuple[str, ...] = ()

    @property
    def created(self) -> str:
        """ISO 8601, empty where it is not known."""
        created = self.record.get("created", "")
        return created if isinstance(created, str) else ""


def _front(place: Place, state: str) -> Front:
    damage: list[str] = []
    record = record_of(place, damage)
    labels: tuple[Mapping[str, Any], ...] = ()
    if state == "finished":
        try:
            labels = tuple(_labels(_end(place, place.root / "results.json")))
        except (Missing, Damaged, OSError, *_WRONG) as error:
            damage.append(f"results.json is damaged: {_said(error)}")
    counted = sum(_planned(label) for label in labels)
    return Front(
        place=place, state=state, record=record, labels=labels, episodes=counted, damage=tuple(damage)
    )


def _end(place: Place, path: Path) -> Mapping[str, Any]:
    """`summary` and `analysis`. They stand last, and only keys of the document are indented by two blanks."""
    content = b""
    with place.inside(path).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        reach = _END
        while True:
            file.seek(max(size - reach, 0))
            content = file.read()
            start = content.rfind(_SUMMARY)
            if start >= 0 or reach >= size:
                break
            reach *= 4
    document = json.loads(b"{" + content[start:] if start >= 0 else content)
    if not isinstance(document, Mapping):
        raise TypeError("it holds no JSON object")
    return document


def _labels(end: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    analysed = {
        (found["label"], found["agent"], found["model"]): found for found in end.get("analysis") or ()
    }
    for label in end["summary"]["labels"]:
        found = analysed.get((label["label"], label["agent"], label["model"]), {})
        yield {
            **label,
            "score_estimate": found.get("score"),
            "success_estimate": found.get("success"),
        }


def _planned(label: Mapping[str, Any]) -> int:
    return int(label["episodes"]["planned"])
