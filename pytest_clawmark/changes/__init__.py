"""What changed in the world between two snapshots, and by whom."""

from pytest_clawmark.changes.told import FILES, Changes, WorldChange
from pytest_clawmark.changes.turn import TurnRecord, turn_changes

__all__ = ["FILES", "Changes", "TurnRecord", "WorldChange", "turn_changes"]
