"""The agents' Python: where it is kept, that it is whole, and what it does not show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.toolbox import build, cache, ensure, interpreter, locate
from pytest_clawmark.toolbox.interpreter import Interpreter


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("CLAWMARK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("environment", "uid", "folder"),
    [
        ({"CLAWMARK_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, 0, "/c"),
        ({"CLAWMARK_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, 1000, "/c"),
        ({"XDG_CACHE_HOME": "/x"}, 0, "/var/cache/clawmark"),
        ({"XDG_CACHE_HOME": "/x"}, 1000, "/x/clawmark"),
        ({}, 1000, "/home/somebody/.cache/clawmark"),
    ],
)
def test_the_cache_lies_where_the_user_or_the_system_says(
    environment: dict[str, str], uid: int, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/somebody"))
    assert cache.cache_folder(environment) == Path(folder)


def test_every_requirement_is_pinned_to_one_version_and_named_once() -> None:
    found = build.requirements()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9.post]*", line) for line in found)
    names = [re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in found]
    assert len(names) == len(set(names))
    assert set(names) >= {"caldav", "gspread", "notion-client", "openpyxl", "pypdf", "pillow", "lxml"}


def test_a_toolbox_depends_on_its_requirements_and_its_interpreter(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Interpreter(program=Path("/a/bin/python3.11"), prefix=Path("/a"), version="3.11.7")
    other = Interpreter(program=Path("/a/bin/python3.11"), prefix=Path("/a"), version="3.11.8")
    folders = {cache._folder(one), cache._folder(other)}
    changed = tmp_path / "requirements.txt"
    changed.write_text("six==1.17.0\n")
    monkeypatch.setattr(cache, "REQUIREMENTS", changed)
    folders.add(cache._folder(one))
    assert len(folders) == 3
    assert cache._folder(one) == cache._folder(one)


def test_many_that_ask_at_once_get_one_that_was_built_once(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks of one file opened twice exclude each other within a process as between two."""
    built = []
    together = threading.Barrier(8)

    def fake(_: Interpreter, folder: Path, progress: object) -> None:
        built.append(folder)
        folder.mkdir()
        (folder / "whole").touch()

    monkeypatch.setattr(cache, "build", fake)

    def ask(_: int) -> Path:
        together.wait()
        return ensure()

    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(ask, range(8)))
    assert len(built) == 1
    assert folders == {locate()}
    assert (folders.pop() / "whole").exists()


def test_one_that_fails_to_build_leaves_nothing_and_is_built_anew(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Interpreter, folder: Path, progress: object) -> None:
        folder.mkdir()
        raise SettingsError("no network")

    monkeypatch.setattr(cache, "build", fail)
    with pytest.raises(SettingsError, match="no network"):
        ensure()
    assert locate() is None
    assert [path.suffix for path in (elsewhere / "toolboxes").iterdir()] == [".lock"]

    monkeypatch.setattr(cache, "build", lambda _, folder, progress: folder.mkdir())
    assert ensure() == locate()


def test_what_a_killed_process_left_is_not_taken_for_a_toolbox(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = cache._folder(interpreter.current()).with_suffix(".part")
    aside.mkdir(parents=True)
    (aside / "half").touch()
    monkeypatch.setattr(cache, "build", lambda _, folder, progress: folder.mkdir())
    assert locate() is None
    assert list(ensure().iterdir()) == []


def test_a_cache_that_cannot_be_made_is_an_error_that_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CLAWMARK_CACHE", str(tmp_path / "file"))
    with pytest.raises(SettingsError, match=r"cannot be kept in .*CLAWMARK_CACHE"):
        ensure()


def test_packages_that_cannot_be_installed_are_told_in_pips_words(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = tmp_path / "requirements.txt"
    changed.write_text("clawmark-no-such-package==1.0\n")
    monkeypatch.setattr(build, "REQUIREMENTS", changed)
    monkeypatch.setattr(build, "provide", _link_to_this_python)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SettingsError, match=r"clawmark-no-such-package(.|\n)*pytest-clawmark setup"):
        ensure()


def _link_to_this_python(_: Interpreter, folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)


def test_binaries_search_their_libraries_beside_themselves(tmp_path: Path) -> None:
    binary = tmp_path / "bin/python"
    binary.parent.mkdir()
    binary.write_bytes(b"\x7fELF\0/opt/some/python/lib\0/opt/some/python/lib/python3.zip\0tail")
    size = binary.stat().st_size
    interpreter._relocate(binary, Path("/opt/some/python/lib"), tmp_path / "lib")
    content = binary.read_bytes()
    assert content.startswith(b"\x7fELF\0$ORIGIN/../lib\0")
    assert content.endswith(b"\0/opt/some/python/lib/python3.zip\0tail")
    assert len(content) == size


def test_a_binary_without_room_for_the_new_path_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "bin/python"
    binary.parent.mkdir()
    binary.write_bytes(b"\0/p/lib\0")
    with pytest.raises(SettingsError, match="cannot be made relocatable"):
        interpreter._relocate(binary, Path("/p/lib"), tmp_path / "lib")


@pytest.fixture(scope="module")
def toolbox() -> Path:
    """The real one, built if this machine has none."""
    return ensure()


@pytest.mark.slow
def test_the_toolbox_has_what_an_office_agent_needs(toolbox: Path) -> None:
    program = (
        "import bs4, caldav, docx, gspread, icalendar, lxml.etree, notion_client, openpyxl, PIL.Image, pypdf"
    )
    done = subprocess.run([toolbox / "bin/python3", "-I", "-c", program], env={"HOME": "/"}, check=False)
    assert done.returncode == 0


@pytest.mark.slow
def test_the_toolbox_shows_neither_the_plugin_nor_pytest(toolbox: Path) -> None:
    program = "from importlib.util import find_spec as f; print(f('pytest'), f('pytest_clawmark'), f('pip'))"
    done = subprocess.run([toolbox / "bin/python3", "-I", "-c", program], capture_output=True, check=True)
    assert done.stdout == b"None None None\n"


@pytest.mark.slow
def test_the_toolboxes_requirements_fit_together(toolbox: Path) -> None:
    command = [sys.executable, "-m", "pip", "--python", toolbox / "bin/python3", "check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_toolboxes_scripts_run_wherever_it_is_seen(toolbox: Path, tmp_path: Path) -> None:
    (tmp_path / "seen here").symlink_to(toolbox)
    done = subprocess.run([tmp_path / "seen here/bin/tabulate", "--help"], capture_output=True, check=False)
    assert done.returncode == 0
    named = str(toolbox).encode()
    scripts = [path for path in (toolbox / "bin").iterdir() if path.is_file() and not path.is_symlink()]
    assert not [path for path in scripts if named in path.read_bytes()[:500]]


@pytest.mark.slow
def test_everybody_can_read_the_toolbox(toolbox: Path) -> None:
    closed = []
    for parent, _, names in os.walk(toolbox):
        for path in (Path(parent), *(Path(parent, name) for name in names)):
            wanted = 0o555 if path.is_dir() else 0o444
            if not path.is_symlink() and path.stat().st_mode & wanted != wanted:
                closed.append(path)
    assert closed == []
