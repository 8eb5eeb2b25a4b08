"""Which code made a run: services keep their state in a form of their own, which another version may not read."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import clawmark_services
from pytest_clawmark.snapshots.store import canonical_json
from pytest_clawmark.task import LoadedTask


def service_digests(tasks: Iterable[LoadedTask]) -> dict[str, dict[str, str]]:
    """By task and service: identifies the service's declaration and the code that serves it."""
    return {
        task.id: {
            spec.name: hashlib.sha256(_code(type(spec)) + canonical_json(spec.to_json())).hexdigest()
            for spec in task.services
        }
        for task in sorted(tasks, key=lambda task: task.id)
    }


@cache
def _code(kind: type) -> bytes:
    """Identifies the folder that a service's class lies in, and what all services share."""
    module = sys.modules.get(kind.__module__)
    if module is None or module.__file__ is None:
        return kind.__qualname__.encode()
    own, shared = Path(module.__file__).parent, Path(clawmark_services.__file__).parent
    paths = {*shared.glob("*.py"), *(path for path in own.rglob("*") if "__pycache__" not in path.parts)}
    digest = hashlib.sha256()
    for path in sorted(path for path in paths if path.is_file()):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()
