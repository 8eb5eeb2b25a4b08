"""A sandbox without walls: a temporary folder and subprocesses, for tests of what stands above it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes.contract import Completed, Tree


class PlainSandbox:
    """Implements `Sandbox`; `broken` makes every command raise `WorldFailure`."""

    def __init__(self, root: Path, *, kept_output: int = 1024 * 1024) -> None:
        self._roots = {tree: root / tree for tree in ("workspace", "home", "tmp")}
        for folder in self._roots.values():
            folder.mkdir(parents=True)
        self._kept_output = kept_output
        self.listeners = {}
        self.trust = {}
        self.broken = False
        self.commands: list[Sequence[str]] = []

    @property
    def paths(self) -> Mapping[Tree, str]:
        return {tree: str(folder) for tree, folder in self._roots.items()}

    @property
    def workspace(self) -> Path:
        return self._roots["workspace"]

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout: float | None = None,
    ) -> Completed:
        if self.broken:
            raise WorldFailure("the sandbox is gone")
        self.commands.append(command)
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd or self.workspace,
            env={"PATH": os.environ["PATH"], "HOME": self.paths["home"], "LANG": "C.UTF-8", **(env or {})},
            start_new_session=True,
        )
        timed_out = False
        try:
            out, err = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
            os.killpg(process.pid, 9)
            out, err = process.communicate()
        return Completed(
            exit_code=process.returncode,
            stdout=out[: self._kept_output],
            stderr=err[: self._kept_output],
            timed_out=timed_out,
            truncated=max(len(out), len(err)) > self._kept_output,
        )

    def tree(self, tree: Tree) -> int:
        return os.open(self._roots[tree], os.O_DIRECTORY)

    def set_time(self, moment: datetime) -> None:
        """Programs see the machine's time here."""

    def settle(self) -> None:
        pass

    def as_agent(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def close(self) -> None:
        pass
