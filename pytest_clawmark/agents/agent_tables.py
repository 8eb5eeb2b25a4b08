"""The agents that a project's configuration describes: `[agents.<name>]` in `clawmark.toml` or `pyproject.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pytest_clawmark.failures import SettingsError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_KEYS = ("command", "message", "env", "show", "version", "system_prompt")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTable:
    """What is set for one agent. `command` makes it a command line of the user's own; `show` are folders of
    this machine that the world shows it; `version` replaces the pinned one of a harness; `system_prompt` is a
    text that replaces the chat agent's own."""

    name: str
    command: tuple[str, ...] = ()
    message: Literal["stdin", "argument"] = "stdin"
    env: Mapping[str, str] = field(default_factory=dict)
    show: tuple[Path, ...] = ()
    version: str | None = None
    system_prompt: str | None = None


def load_agents(root: Path) -> Mapping[str, AgentTable]:
    """The tables by name; those of `clawmark.toml` win, whole. Raises `SettingsError`."""
    found: dict[str, AgentTable] = {}
    for path, prefix in ((root / "pyproject.toml", ("tool", "clawmark")), (root / "clawmark.toml", ())):
        for name, table in _tables(path, prefix).items():
            where = f"{path}: [{'.'.join((*prefix, 'agents', name))}]"
            found[name] = _agent(name, table, where, root)
    return found


def _tables(path: Path, prefix: Sequence[str]) -> Mapping[str, Any]:
    try:
        table: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as TOML: {error}") from error
    for key in (*prefix, "agents"):
        table = table.get(key, {})
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {key} = {table!r} must be a table, [{key}.<name>]")
    return table if isinstance(table, dict) else {}


def _agent(name: str, table: Any, where: str, root: Path) -> AgentTable:
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{where}: an agent's name has letters, digits, '.', '_' and '-' only")
    if not isinstance(table, dict):
        raise SettingsError(f"{where} = {table!r} must be a table with keys such as command")
    for key in table:
        if key not in _KEYS:
            raise SettingsError(f"{where}: unknown key {key!r}: use {', '.join(_KEYS)}")
    message = table.get("message", "stdin")
    if message not in ("stdin", "argument"):
        raise SettingsError(f"{where}: message = {message!r} must be 'stdin' or 'argument'")
    prompt = _text(table, "system_prompt", where)
    return AgentTable(
        name=name,
        command=_texts(table, "command", where),
        message=message,
        env=_env(table, where),
        show=tuple(_folder(root, path, where) for path in _texts(table, "show", where)),
        version=_text(table, "version", where),
        system_prompt=None if prompt is None else _file(root, prompt, where),
    )


def _text(table: Mapping[str, Any], key: str, where: str) -> str | None:
    value = table.get(key)
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise SettingsError(f"{where}: {key} = {value!r} must be a text that is not empty")
    return value


def _texts(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise SettingsError(
            f'{where}: {key} = {value!r} must be a list of texts, such as ["python3", "x.py"]'
        )
    return tuple(value)


def _env(table: Mapping[str, Any], where: str) -> Mapping[str, str]:
    value = table.get("env", {})
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise SettingsError(f"{where}: env must be a table of texts; no key belongs there, agents see it")
    return value


def _folder(root: Path, path: str, where: str) -> Path:
    folder = (root / path).resolve()
    if not folder.is_dir():
        raise SettingsError(f"{where}: show names {path!r}, and {folder} is no folder")
    return folder


def _file(root: Path, path: str, where: str) -> str:
    try:
        return (root / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{where}: system_prompt names a file that cannot be read: {error}") from error
