"""The web application: which address gives which page."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from pytest_clawmark.reports.text import one_line
from pytest_clawmark.viewer import markup
from pytest_clawmark.viewer.episode_pages import EpisodePages
from pytest_clawmark.viewer.file_pages import FilePages
from pytest_clawmark.viewer.guard import METHODS, guard
from pytest_clawmark.viewer.places import Damaged, Listing, Missing
from pytest_clawmark.viewer.run_pages import RunPages
from pytest_clawmark.viewer.stored import Shelf


def make_app(listing: Listing, hosts: Iterable[str]) -> Flask:
    """The application over these runs, for requests to these hosts (with their ports)."""
    app = Flask(__name__, static_folder="static", static_url_path="/static", template_folder=None)
    app.url_map.merge_slashes = False
    guard(app, hosts)
    shelf = Shelf()
    runs, episodes, files = RunPages(listing, shelf), EpisodePages(listing, shelf), FilePages(listing, shelf)
    routes: dict[str, Callable[..., str | Response]] = {
        "/": runs.front,
        "/compare": runs.compare,
        "/runs/<name>": runs.run,
        "/runs/<name>/progress.json": runs.progress,
        "/runs/<name>/log": runs.log,
        "/runs/<name>/episodes/<path:key>": episodes.episode,
        "/runs/<name>/steps/<path:key>": episodes.steps,
        "/runs/<name>/panel/<path:key>": episodes.panel,
        "/runs/<name>/file/<path:key>": files.file,
    }
    for rule, view in routes.items():
        app.add_url_rule(rule, view.__name__, view, methods=METHODS)
    app.register_error_handler(Missing, lambda error: _problem(404, "Not here", str(error)))
    app.register_error_handler(Damaged, lambda error: _problem(500, "Damaged", str(error)))
    app.register_error_handler(HTTPException, _http_problem)
    return app


def _http_problem(error: HTTPException) -> Response:
    return _problem(error.code or 500, error.name, error.description or "")


def _problem(status: int, title: str, text: str) -> Response:
    page = markup.render("problem.html", title=title, text=one_line(text)[:2_000], crumbs=())
    return Response(page, status=status, mimetype="text/html")
