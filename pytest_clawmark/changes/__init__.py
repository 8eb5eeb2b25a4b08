"""What changed in the world between two snapshots, and by whom."""

from pytest_clawmark.changes.told import Changes, WorldChange
from pytest_clawmark.changes.turn import TurnRecord, turn_changes

__all__ = ["Changes", "TurnRecord", "WorldChange", "turn_changes"]
