"""Which code made a run: services keep their state in a form of their own, which another version may not read."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import clawmark_services
from clawmark_services import ServiceSpec
from pytest_clawmark.snapshots.store import canonical_json


def service_digests(specs: Iterable[ServiceSpec]) -> dict[str, str]:
    """By the name of each service: identifies its declaration and the code that serves it.

    Several tasks may declare services of one name, so a name stands for all of these.
    """
    parts: dict[str, set[bytes]] = {}
    for spec in specs:
        made = _code(type(spec)) + canonical_json(spec.to_json())
        parts.setdefault(spec.name, set()).add(hashlib.sha256(made).digest())
    return {
        name: hashlib.sha256(b"".join(sorted(found))).hexdigest() for name, found in sorted(parts.items())
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
