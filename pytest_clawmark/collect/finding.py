"""Which files are tasks, and which places are never looked into. Light: every pytest session asks this."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_clawmark.formats.contract import Source, TaskFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A file that is a task, and the format that it is written in."""

    source: Source
    format: TaskFormat


class Formats:
    """Every format that this session knows."""

    def __init__(self, formats: Mapping[str, TaskFormat]) -> None:
        self._formats = tuple(formats.values())
        self.file_names = frozenset(known.file_name for known in self._formats)

    def claim(self, path: Path) -> Claim | None:
        """The task in a file, None if it is anybody else's."""
        if path.name not in self.file_names:
            return None
        parsing = _Parsing(path)
        for known in self._formats:
            if known.file_name == path.name and known.claims(parsing.text, parsing.tree):
                return Claim(source=Source(path=path, text=parsing.text, tree=parsing.tree()), format=known)
        return None

    def is_material(self, path: Path) -> bool:
        """Whether a path is a folder of a task's materials, or a run: places that nothing is collected from."""
        beside = any(
            path.name in known.material_folders and (path.parent / known.file_name).is_file()
            for known in self._formats
        )
        return beside or ((path / "run.json").is_file() and (path / "episodes").is_dir())


class _Parsing:
    """A file's text, and its tree from when somebody asks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.text = path.read_bytes()
        self._tree: ast.Module | None = None

    def tree(self) -> ast.Module:
        if self._tree is None:
            try:
                self._tree = ast.parse(self.text, filename=str(self._path))
            except (SyntaxError, ValueError):
                self._tree = ast.Module(body=[], type_ignores=[])
        return self._tree


_FORMATS = pytest.StashKey[Formats]()


def formats_of(config: pytest.Config) -> Formats:
    """The formats that plugins offer; of one name, that of the plugin registered last. Asked for once."""
    if _FORMATS not in config.stash:
        found: dict[str, TaskFormat] = {}
        for offer in reversed(config.hook.pytest_clawmark_formats(config=config)):
            found.update(offer or {})
        config.stash[_FORMATS] = Formats(found)
    return config.stash[_FORMATS]
