"""pytest's hooks, and nothing else: state lives in the objects that they register."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_clawmark import builtin, hookspecs
from pytest_clawmark.collect import CONTESTANTS
from pytest_clawmark.collect.finding import formats_of
from pytest_clawmark.options import add_options
from pytest_clawmark.session import configure

MARKERS = (
    "turn(name): the turn after which a task's checker looks at the frozen world",
    "weight(number): what a checker counts in its task's score (default: 1)",
    "red_line: a checker that must never fail: crossed, it lowers the score; held, it earns nothing",
    "category(name): what kind of failure a checker's failing is, such as silent_change or writeback",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, in a group of their own."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """The extension points."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Markers always; everything else when a task is met or somebody is named to play."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.pluginmanager.register(builtin, "clawmark-builtin")
    configure(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nothing below a task's materials or a run is collected: an agent may have written it."""
    return True if formats_of(config).is_material(collection_path) else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A task in a folder that is collected; a file named on the command line comes by the hook below."""
    if file_path.name not in formats_of(parent.config).file_names:
        return None
    from pytest_clawmark.collect.claiming import collect_found

    return collect_found(file_path, parent)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A task where pytest would make a module of its own."""
    if module_path.name not in formats_of(parent.config).file_names:
        return None
    from pytest_clawmark.collect.claiming import collect_named

    return collect_named(module_path, parent)


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One item per agent and trial; the bracket's last part names them."""
    if not metafunc.config.stash[CONTESTANTS]:
        return
    from pytest_clawmark.collect.claiming import parametrize

    parametrize(metafunc)
