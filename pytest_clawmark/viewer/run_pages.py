"""The pages about runs: all of them, one, and several side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from flask import Response, jsonify, request, url_for

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.reports import figures
from pytest_clawmark.reports.comparing import Comparison, compare
from pytest_clawmark.reports.reading import StoredRun
from pytest_clawmark.reports.text import middle_cut, one_line, visible
from pytest_clawmark.runs.progress import Progress, ProgressReader
from pytest_clawmark.viewer import drawing, markup
from pytest_clawmark.viewer.boards import board, tokens_of, told, troubles
from pytest_clawmark.viewer.places import Listing, Place
from pytest_clawmark.viewer.remembering import Memory, version
from pytest_clawmark.viewer.stored import Front, Shelf

MAX_LOG = 400_000
Json = dict[str, Any]


class RunPages:
    """Each method answers one address."""

    def __init__(self, listing: Listing, shelf: Shelf) -> None:
        self._listing, self._shelf = listing, shelf
        self._readers = Memory(64)
        self._compared = Memory(16)

    def front(self) -> str:
        """All runs, the newest first, and how each agent has done over time."""
        fronts = sorted(
            (self._shelf.front(place) for place in self._listing.places().values()),
            key=lambda front: (_moment(front.created), front.place.name),
            reverse=True,
        )
        rows = [self._row(front) for front in fronts]
        return markup.render("front.html", crumbs=(), runs=rows, agents=list(_trends(fronts)))

    def _row(self, front: Front) -> Json:
        progress = self._progress(front.place) if front.state != "finished" else Progress()
        over = progress.count("ended", "void")
        return {
            "name": front.place.name,
            "state": front.state,
            "created": _when(front.created),
            "iso": front.created,
            "tasks": _count(front.record.get("tasks")) or len({each.task for each in progress.episodes}),
            "episodes": front.episodes or len(progress.episodes),
            "over": over,
            "running": progress.count("running"),
            "labels": [_label_row(label) for label in front.labels],
            "agents": _agents(front.record),
            "origin": _origin(front.record),
            "damage": front.damage,
        }

    def run(self, name: str) -> str:
        """One run; while it is played, its board is asked for again and again by `?part=board`."""
        place = self._listing.place(name)
        run = self._shelf.read(place)
        part = request.args.get("part") == "board"
        return markup.render(
            "board.html" if part else "run.html",
            crumbs=(("Runs", url_for("front")),),
            run=run,
            name=name,
            created=_when(str(run.record.get("created", ""))),
            facts=list(_facts(run.record)),
            origin=_origin(run.record),
            notes=troubles(run),
            board=board(run, self._progress(place)),
        )

    def progress(self, name: str) -> Response:
        """How far the run is by now."""
        place = self._listing.place(name)
        progress = self._progress(place)
        return jsonify(
            {
                "state": self._shelf.state(place),
                **told(progress),
            }
        )

    def log(self, name: str) -> Response:
        """What the plugin and the services logged, the end of it."""
        place = self._listing.place(name)
        text = place.bytes_of(place.root / "log.txt")[-MAX_LOG:].decode("utf-8", "replace")
        return Response(visible(text), mimetype="text/plain")

    def compare(self) -> str:
        """The runs named by `run`, against the first; `anyway` compares what is common to unlike ones."""
        names = list(dict.fromkeys(request.args.getlist("run")))
        anyway = request.args.get("anyway") == "1"
        places = [self._listing.place(name) for name in names]
        comparison, refused = None, ""
        try:
            comparison = self._compare(places, anyway=anyway)
        except SettingsError as error:
            refused = str(error)
        return markup.render(
            "compare.html",
            crumbs=(("Runs", url_for("front")),),
            names=names,
            comparison=_comparison(comparison) if comparison else None,
            refused=refused,
            anyway=anyway,
        )

    def _compare(self, places: Sequence[Place], *, anyway: bool) -> Comparison:
        if not places:
            raise SettingsError("choose runs on the list of runs: two, or one of two agents")
        roots = tuple(place.root for place in places)
        now = version(root / "results.json" for root in roots)
        return self._compared.recall(
            (roots, anyway), now, lambda: compare(list(map(self._stored, places)), anyway=anyway)
        )

    def _stored(self, place: Place) -> StoredRun:
        """A run that has ended and is whole; raises `SettingsError`, saying what is wrong with any other."""
        run = self._shelf.read(place)
        if run.state != "finished" or run.damage:
            return StoredRun.read(place.root)
        return StoredRun(path=place.root, record=run.record, results=run.results)

    def _progress(self, place: Place) -> Progress:
        reader: ProgressReader = self._readers.recall(
            place.root, version([place.root / "plan.json"]), lambda: ProgressReader(place.folder)
        )
        try:
            return reader.read()
        except (ValueError, KeyError, TypeError, AttributeError):
            # A damaged record; the board names it.
            return Progress()


def _facts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a run was made with."""
    command = record.get("command")
    if isinstance(command, list):
        yield "command", " ".join(map(str, command))
    settings = record.get("settings")
    for name, value in settings.items() if isinstance(settings, Mapping) else ():
        if value not in (None, [], "", {}):
            yield name.replace("_", " "), _plain(value)
    versions = record.get("versions")
    if isinstance(versions, Mapping):
        yield "versions", ", ".join(f"{name} {value}" for name, value in versions.items())
    for again in record.get("resumed") or ():
        if isinstance(again, Mapping):
            yield "resumed", _when(str(again.get("at", "")))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items() if each is not None)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _origin(record: Mapping[str, Any]) -> str:
    """Where a run that was not simply played comes from."""
    derived, merged = record.get("derived_from"), record.get("merged_from")
    if isinstance(derived, Mapping):
        regraded = record.get("regraded")
        changed = len(regraded.get("differences", ())) if isinstance(regraded, Mapping) else 0
        return f"graded again from {derived.get('path')}; {figures.counted(changed, 'difference')}"
    if isinstance(merged, list) and merged:
        return f"merged from {', '.join(map(str, merged))}"
    settings = record.get("settings")
    fork = settings.get("fork") if isinstance(settings, Mapping) else None
    if not isinstance(fork, Mapping):
        return ""
    return f"forked from {PurePath(str(fork.get('source'))).name} at {fork.get('at')}"


def _agents(record: Mapping[str, Any]) -> list[str]:
    agents = record.get("agents")
    found = agents if isinstance(agents, list) else []
    return [str(agent.get("label", "?")) for agent in found if isinstance(agent, Mapping)]


def _label_row(label: Mapping[str, Any]) -> Json:
    estimate = label.get("score_estimate") or {}
    low, high = estimate.get("interval") or (None, None)
    return {
        "name": label["label"],
        "score": figures.span(label["score"], label["score_upper"]),
        "interval": f"{figures.share(low)} to {figures.share(high)}" if low != high else "",
        "bar": drawing.bar(label["score"], label["score_upper"], low, high),
        "success": figures.rate(label["success_rate"], label["successes"], label["judged"]),
        "crossed": label["red_lines_crossed"],
        "coverage": figures.of(label["episodes"]["measured"], label["episodes"]["planned"]),
        "void": label["episodes"]["void"],
        "cost": figures.money(label["usage"]["cost"], unpriced=label["usage"]["unpriced"]),
        "tokens": tokens_of(label["usage"]["input_tokens"] + label["usage"]["output_tokens"]),
        "seconds": label["usage"]["seconds"],
    }


def _trends(fronts: Iterable[Front]) -> Iterator[Json]:
    """Each agent's mean scores from run to run, the oldest first."""
    points: dict[str, list[drawing.Point]] = {}
    for front in sorted(fronts, key=lambda front: (_moment(front.created), front.place.name)):
        for label in front.labels:
            score = label["score"]
            if score is not None:
                told = f"{front.place.name}: {figures.share(score)}"
                href = url_for("run", name=front.place.name)
                points.setdefault(label["label"], []).append(drawing.Point(value=score, told=told, href=href))
    for name, known in sorted(points.items()):
        change = known[-1].value - known[-2].value if len(known) > 1 else None
        yield {
            "name": name,
            "runs": len(known),
            "latest": figures.share(known[-1].value),
            "best": figures.share(max(point.value for point in known)),
            "change": "" if change is None else f"{change:+.2f}" if change else "=",
            "better": None if not change else change > 0,
            "spark": drawing.sparkline(known[-40:]),
        }


def _comparison(found: Comparison) -> Json:
    return {
        "warnings": found.warnings,
        "standings": [
            {
                "standing": standing,
                "bar": drawing.bar(
                    standing.score.value if standing.score else None,
                    standing.score.value if standing.score else None,
                    standing.score.interval.low if standing.score and standing.score.interval else None,
                    standing.score.interval.high if standing.score and standing.score.interval else None,
                ),
            }
            for standing in found.standings
        ],
        "differences": [
            {
                "found": difference,
                "score": figures.estimate(difference.score, signed=True),
                "chance": "" if difference.p_value is None else figures.p_value(difference.p_value),
                "moves": [move for move in difference.moves if move.by][:20],
                "still": sum(not move.by for move in difference.moves),
            }
            for difference in found.differences
        ],
        "telling": [row for row in found.telling if row.spread > 0],
        "silent": [row.task for row in found.telling if row.spread <= 0],
        "names": list(found.telling[0].scores) if found.telling else [],
    }


def _moment(created: str) -> float:
    try:
        return datetime.fromisoformat(created).timestamp()
    except ValueError:
        return 0.0


def _when(created: str) -> str:
    try:
        return f"{datetime.fromisoformat(created).astimezone():%d %b %Y, %H:%M}"
    except ValueError:
        return middle_cut(one_line(created), 40)


def _count(value: Any) -> int:
    return len(value) if isinstance(value, Mapping | list) else 0
