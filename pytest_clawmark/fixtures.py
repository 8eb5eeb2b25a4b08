"""The fixtures that checkers take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_clawmark.changes import Changes
    from pytest_clawmark.collect.items import EpisodeItem
    from pytest_clawmark.grading.desk import Grading
    from pytest_clawmark.measurement import PlayedEpisode
    from pytest_clawmark.snapshots.records import Audit, Trajectory
    from pytest_clawmark.snapshots.view import Snapshot


def _item(request: pytest.FixtureRequest) -> EpisodeItem:
    from pytest_clawmark.collect.items import CheckerItem, TurnItem

    node = request.node
    if not isinstance(node, (TurnItem, CheckerItem)):
        pytest.fail(
            f"the fixture {request.fixturename!r} is for a task's checkers (functions check_* in a task.py), and "
            f"{node.nodeid} is none",
            pytrace=False,
        )
    return node


@pytest.fixture
def episode(request: pytest.FixtureRequest) -> PlayedEpisode:
    """The episode that a checker looks at, played as far as the checker's turn.

    Shared by all checkers of the episode; made of frozen values. Raises what made the turn void.
    """
    from pytest_clawmark.measurement import MEASUREMENT

    item = _item(request)
    return request.config.stash[MEASUREMENT].played(item)


@pytest.fixture
def snapshot(episode: PlayedEpisode, request: pytest.FixtureRequest) -> Snapshot:
    """The frozen world at the end of the checker's turn: files, mail, calendar, tables, audit, steps.

    Each checker receives one of its own; nothing done to it is seen by another.
    """
    return episode.snapshot(_item(request).turn_name)


@pytest.fixture
def wake(episode: PlayedEpisode, request: pytest.FixtureRequest) -> Snapshot:
    """The frozen world when the agent was woken: what the task had changed, before the agent's work.

    Each checker receives one of its own.
    """
    return episode.snapshot(_item(request).turn_name, "wake")


@pytest.fixture
def before(episode: PlayedEpisode, request: pytest.FixtureRequest) -> Snapshot:
    """The frozen world at the end of the turn before.

    Each checker receives one of its own. The first turn has none before it: asking there is an error.
    """
    return episode.before(_item(request).turn_name)


@pytest.fixture
def trajectory(snapshot: Snapshot) -> Trajectory:
    """The agent's steps in the checker's turn: its tool calls, answers, and why it stopped."""
    return snapshot.trajectory


@pytest.fixture
def audit(snapshot: Snapshot) -> Audit:
    """Every request to every service from the first turn to the checker's, the task's own included."""
    return snapshot.audit


@pytest.fixture
def changes(episode: PlayedEpisode, request: pytest.FixtureRequest) -> Changes:
    """What changed in the checker's turn, and by whom: `changes.of("notion").updated(...)`, `changes.unexplained`.

    From the turn before to the end of this one; made of values, worked out when it is asked for.
    """
    return episode.changes(_item(request).turn_name)


@pytest.fixture
def grading(episode: PlayedEpisode, request: pytest.FixtureRequest) -> Iterator[Grading]:
    """The frozen files as a folder, and commands over them in a throw-away sandbox, recorded with the run.

    Each checker receives one of its own; the sandboxes end with the checker.
    """
    from pytest_clawmark.measurement import MEASUREMENT

    found = episode.grading(request.config.stash[MEASUREMENT].desk)
    yield found
    found.close()
