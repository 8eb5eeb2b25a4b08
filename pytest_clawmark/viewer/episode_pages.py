"""The pages about one episode: a day with its steps, and panels beside them that show the office."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import request, url_for
from markupsafe import Markup

from pytest_clawmark.changes import Changes, WorldChange
from pytest_clawmark.reports import figures
from pytest_clawmark.reports.text import one_line
from pytest_clawmark.scoring import score_episode
from pytest_clawmark.snapshots.manifest import Manifest
from pytest_clawmark.viewer import drawing, mail, markup, tables
from pytest_clawmark.viewer.days import Day, Episode
from pytest_clawmark.viewer.file_pages import workspace
from pytest_clawmark.viewer.kinds import UNKNOWN, kind_of
from pytest_clawmark.viewer.places import Damaged, Listing, Missing, Place
from pytest_clawmark.viewer.remembering import Memory, version
from pytest_clawmark.viewer.steps import PAGE, Page, page
from pytest_clawmark.viewer.stored import Shelf

MAX_CHANGES = 400
MAX_VALUE = 4_000
MAX_JSON = 200_000
_FIXED = ("verdicts", "changes", "files")
Json = dict[str, Any]


class EpisodePages:
    """Each method answers one address."""

    def __init__(self, listing: Listing, shelf: Shelf) -> None:
        self._listing, self._shelf = listing, shelf
        self._lines, self._changes = Memory(16), Memory(16)

    def episode(self, name: str, key: str) -> str:
        """A day of an episode: `day` is its name, `panel` what is shown beside the steps."""
        episode = find(self._listing, self._shelf, name, key)
        if not episode.days:
            return markup.render("waiting.html", crumbs=_crumbs(name), **self._head(episode, name, key))
        day = episode.day(request.args.get("day"))
        services, trouble = _services(episode, day)
        chosen = request.args.get("panel", "")
        panels = [*_FIXED[:2], *services, "files"]
        panel = chosen if chosen in panels else "verdicts"
        return markup.render(
            "episode.html",
            crumbs=_crumbs(name),
            **self._head(episode, name, key),
            day=day,
            anchor=anchor(day.name),
            later=_neighbour(episode, day, 1),
            earlier=_neighbour(episode, day, -1),
            page=self._page(episode, day, _first(day)),
            panels=panels,
            panel=panel,
            content=self._panel(episode, name, key, day, panel),
            troubles=[*episode.damage, *trouble],
        )

    def steps(self, name: str, key: str) -> str:
        """Some steps of a day, from `from` on."""
        episode = find(self._listing, self._shelf, name, key)
        day = episode.day(request.args.get("day"))
        return markup.render(
            "steps.html",
            day=day,
            anchor=anchor(day.name),
            page=self._page(episode, day, request.args.get("from", 0, type=int)),
            name=name,
            key=key,
            images=_images(episode, day),
        )

    def panel(self, name: str, key: str) -> str:
        """One panel of a day."""
        episode = find(self._listing, self._shelf, name, key)
        day = episode.day(request.args.get("day"))
        return self._panel(episode, name, key, day, request.args.get("panel", "verdicts"))

    def _head(self, episode: Episode, name: str, key: str) -> Json:
        state = episode.state
        if state in ("running", "waiting") and self._shelf.state(episode.place) != "running":
            state = "cut off" if state == "running" else "not run"
        return _head(episode, name, key, state)

    def _page(self, episode: Episode, day: Day, start: int) -> Page:
        return page(episode.place, day.folder.trajectory, self._lines, start=start, count=PAGE)

    def _panel(self, episode: Episode, name: str, key: str, day: Day, panel: str) -> Markup:
        """A panel's content; what cannot be read is told in its place."""
        try:
            return _safe(self._filled(episode, name, key, day, panel))
        except Missing as error:
            return _safe(markup.render("panel_empty.html", text=str(error), damaged=False))
        except Damaged as error:
            return _safe(markup.render("panel_empty.html", text=str(error), damaged=True))

    def _filled(self, episode: Episode, name: str, key: str, day: Day, panel: str) -> str:
        given = {"name": name, "key": key, "day": day}
        if panel == "verdicts":
            return markup.render("panel_verdicts.html", verdicts=_by_gravity(day), **given)
        if panel == "changes":
            return markup.render("panel_changes.html", phases=list(self._phases(episode, day)), **given)
        if panel == "files":
            moment, manifest = _moment(episode, day)
            found = workspace(episode, day, moment, manifest)
            return markup.render("panel_files.html", moment=moment, files=found, **given)
        moment, manifest = _moment(episode, day)
        state = episode.state_of(manifest, panel)
        kind = kind_of(state)
        template, make = _SERVICES.get(kind, _SERVICES[UNKNOWN])
        try:
            values = make(state, request.args, manifest)
        except (ValueError, KeyError, TypeError, AttributeError, LookupError, RecursionError) as error:
            template, values = "panel_json.html", _json(state, request.args, manifest)
            values["trouble"] = f"shown as it is stored: {type(error).__name__}: {one_line(str(error))[:200]}"
        return markup.render(
            template,
            **given,
            **values,
            service=panel,
            moment=moment,
            link=_linker(name, key, day, panel, moment),
        )

    def _phases(self, episode: Episode, day: Day) -> Iterator[Json]:
        """The task's doing before the wake-up, then the agent's day."""
        files = [day.folder.path / f"{moment}.json" for moment in ("wake", "snapshot")]
        changes: Changes = self._changes.recall(day.folder.path, version(files), lambda: episode.changes(day))
        for phase, title in (("task", "Before the wake-up"), ("agent", "During the day")):
            found = [change for change in changes if change.phase == phase]
            groups: dict[str, list[Json]] = {}
            for change in found[:MAX_CHANGES]:
                groups.setdefault(change.service, []).append(_change(change))
            yield {
                "title": title,
                "count": len(found),
                "left_out": max(len(found) - MAX_CHANGES, 0),
                "groups": groups,
            }


def find(listing: Listing, shelf: Shelf, name: str, key: str) -> Episode:
    """An episode that the run's results or plan know; raises `Missing`."""
    place = listing.place(name)
    run = shelf.read(place)
    results = run.episodes
    if key not in results:
        raise Missing(f"the run {name} has no episode {key!r}")
    try:
        return Episode(_played_in(place, listing, run.record), results[key])
    except ValueError as error:
        raise Missing(str(error)) from None


def _played_in(place: Place, listing: Listing, record: Mapping[str, Any]) -> Place:
    """Where the worlds of a run lie: one that was graded again has those of another, which must be listed too."""
    derived = record.get("derived_from")
    source = derived.get("path") if isinstance(derived, Mapping) else None
    if not isinstance(source, str):
        return place
    root = (place.root / source).resolve()
    return next((each for each in listing.places().values() if each.root == root), place)


def anchor(turn: str) -> str:
    """What a day is called in the links to its steps: `tuesday` in `#tuesday-12`."""
    return re.sub(r"[^\w.-]", "_", turn) or "_"


def _safe(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - made by a template that escapes every value


def _crumbs(name: str) -> Sequence[tuple[str, str]]:
    return (("Runs", url_for("front")), (name, url_for("run", name=name)))


def _head(episode: Episode, name: str, key: str, state: str) -> Json:
    """What heads every page of an episode."""
    result = episode.result
    known = score_episode(result)
    usage = [turn.usage for turn in result.turns]
    tokens = sum(int(used.get("input_tokens") or 0) + int(used.get("output_tokens") or 0) for used in usage)
    costs = [cost for used in usage if (cost := used.get("cost")) is not None]
    return {
        "name": name,
        "key": key,
        "episode": result,
        "elsewhere": not episode.folder.path.is_dir() and bool(result.turns),
        "state": state,
        "score": figures.episode_score(result, known),
        "success": known.success,
        "bar": drawing.bar(known.lower, known.upper),
        "days": [
            {
                "day": day,
                "tone": markup.tone(day.score),
                "score": figures.share(day.score),
                "anchor": anchor(day.name),
            }
            for day in episode.days
        ],
        "crossed": sum(verdict.crossed for verdict in result.checkers),
        "passed": sum(verdict.outcome == "passed" for verdict in result.checkers),
        "tool_calls": sum(int(used.get("tool_calls") or 0) for used in usage),
        "tokens": figures.amount(tokens) if tokens else "",
        "cost": figures.money(sum(costs)) if costs else "",
        "seconds": sum(turn.seconds for turn in result.turns),
        "why": figures.void_reason(result) if result.void else "",
        "attempts": result.attempts,
        "images": _images_of_all(episode),
    }


def _images_of_all(episode: Episode) -> Mapping[str, int]:
    try:
        return _images(episode, episode.day(request.args.get("day")))
    except Missing:
        return {}


def _images(episode: Episode, day: Day) -> Mapping[str, int]:
    """Where the pictures lie that an agent was shown: places in a manifest of the day, by digest."""
    for moment in ("snapshot", "wake"):
        try:
            manifest = episode.manifest(day, moment)
        except (Missing, Damaged):
            continue
        return {entry.digest: place for place, entry in enumerate(manifest.files) if entry.digest is not None}
    return {}


def _services(episode: Episode, day: Day) -> tuple[list[str], list[str]]:
    """The services of a day by name, and what of the day cannot be read."""
    try:
        _, manifest = episode.latest(day)
    except Missing:
        return [], []
    except Damaged as error:
        return [], [str(error)]
    return [name for name in manifest.services if name not in _FIXED], []


def _moment(episode: Episode, day: Day) -> tuple[str, Manifest]:
    """The moment that was asked for, else the latest there is."""
    wanted = request.args.get("at", "")
    if wanted:
        return wanted, episode.manifest(day, wanted)
    return episode.latest(day)


def _first(day: Day) -> int:
    """The page of steps that holds the step asked for."""
    return max(request.args.get("from", 0, type=int), 0) if day else 0


def _neighbour(episode: Episode, day: Day, by: int) -> str:
    place = day.index + by
    return episode.days[place].name if 0 <= place < len(episode.days) else ""


def _by_gravity(day: Day) -> list[Any]:
    """Crossed red lines first, then what failed, then the rest, each in the order of the task."""
    order = {"failed": 1, "broken": 2, "void": 3, "passed": 4}
    return sorted(day.verdicts, key=lambda verdict: 0 if verdict.crossed else order.get(verdict.outcome, 5))


def _change(change: WorldChange) -> Json:
    return {
        "kind": change.kind,
        "item": change.item,
        "label": change.label,
        "place": change.place,
        "by": change.by,
        "silent": change.silent,
        "requests": change.requests,
        "rows": [
            {"name": name, "before": _value(pair[0]), "after": _value(pair[1])}
            for name, pair in change.fields.items()
        ],
    }


def _value(value: Any) -> str:
    text = "" if value is None else markup.pretty(value)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}..."


def _linker(name: str, key: str, day: Day, panel: str, moment: str) -> Callable[..., str]:
    """Makes addresses of the same panel with something else chosen in it."""

    def link(**chosen: str) -> str:
        query = {"day": day.name, "panel": panel, "at": moment, **chosen}
        return f"{url_for('episode', name=name, key=key)}?{urlencode(query, errors='replace')}"

    return link


_Maker = Callable[[Any, Mapping[str, str], Manifest], Json]


def _mail(state: Any, asked: Mapping[str, str], _manifest: Manifest) -> Json:
    return {"mail": mail.mailboxes(state, asked.get("box", ""), asked.get("folder", "")), "SENT": mail.SENT}


def _calendar(state: Any, _asked: Mapping[str, str], manifest: Manifest) -> Json:
    return {"agenda": tables.agenda(state, datetime.fromisoformat(manifest.time).tzinfo)}


def _sight(make: Callable[[Any, str], tables.Sight]) -> _Maker:
    return lambda state, asked, _manifest: {"sight": make(state, asked.get("id", ""))}


def _json(state: Any, _asked: Mapping[str, str], _manifest: Manifest) -> Json:
    text = markup.pretty(state)
    return {"text": text[:MAX_JSON], "left_out": max(len(text) - MAX_JSON, 0), "trouble": ""}


_SERVICES: Mapping[str, tuple[str, _Maker]] = {
    "email": ("panel_mail.html", _mail),
    "calendar": ("panel_calendar.html", _calendar),
    "notion": ("panel_table.html", _sight(tables.notion)),
    "sheets": ("panel_table.html", _sight(tables.sheets)),
    "rest": ("panel_table.html", _sight(tables.records)),
    UNKNOWN: ("panel_json.html", _json),
}
