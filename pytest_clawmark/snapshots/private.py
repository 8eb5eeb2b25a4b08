"""What resuming and forking need beside a snapshot, and no checker sees: the agent's private state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_clawmark.snapshots.trees import FrozenTree, TreeDetails

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateState:
    """One frozen moment of an agent, beside the snapshot whose digest is `of`.

    `workspace` completes the snapshot's files; `home` and `tmp` are the agent's, None where it begins with fresh
    ones. `session` is the digest of what its session froze (JSON), None when that is nothing. `audit` counts the
    bytes of the turn's `audit.jsonl` so far; `message` is what woke the agent, None at the end of a turn.
    """

    of: str
    workspace: TreeDetails
    home: FrozenTree | None
    tmp: FrozenTree | None
    session: str | None
    audit: int
    message: str | None

    def to_json(self) -> dict[str, Any]:
        """As `wake.private.json` and `snapshot.private.json` hold it; schema in `schemas/private.json`."""
        return {
            "schema": SCHEMA,
            "of": self.of,
            "workspace": self.workspace.to_json(),
            "home": self.home.to_json() if self.home else None,
            "tmp": self.tmp.to_json() if self.tmp else None,
            "session": self.session,
            "audit": self.audit,
            "message": self.message,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PrivateState:
        """The inverse of `to_json`; raises `ValueError` for another schema."""
        if data.get("schema") != SCHEMA:
            raise ValueError(
                f"a private state of schema {data.get('schema')!r} cannot be read, only {SCHEMA}"
            )
        return cls(
            of=data["of"],
            workspace=TreeDetails.from_json(data["workspace"]),
            home=FrozenTree.from_json(data["home"]) if data["home"] else None,
            tmp=FrozenTree.from_json(data["tmp"]) if data["tmp"] else None,
            session=data["session"],
            audit=data["audit"],
            message=data["message"],
        )
