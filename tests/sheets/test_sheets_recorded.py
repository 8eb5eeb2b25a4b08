"""What Google answered, this service answers: gspread's recorded traffic, replayed."""

import os
from pathlib import Path

import pytest
from recorded_google import Replay

# Every answer that differs from the recorded one, with the reason: recording, path of the difference.
DEVIATIONS = {
    ("ClientTest.test_import_csv", ".appDataContents"): (
        "of Drive v2 only the upload is served, and its answer has only the fields that clients read"
    ),
    ("WorksheetTest.test_auto_resize_columns", ".sheets[0].data[0].columnMetadata[0].pixelSize"): (
        "widths come from an average letter, not from the metrics of a font"
    ),
}


def recordings():
    folder = os.environ.get("CLAWMARK_RECORDED")
    if not folder:
        pytest.skip("set CLAWMARK_RECORDED to the folder that holds gspread/*.json to replay it")
    return sorted(Path(folder, "gspread").glob("*.json"))


def test_recorded_interactions_are_answered_as_google_answered_them():
    replays = [Replay(recording).run() for recording in recordings()]
    differences = [difference for replay in replays for difference in replay.differences]
    unexplained = [d for d in differences if (d.recording, d.path) not in DEVIATIONS]
    assert not unexplained, "\n".join(map(str, unexplained))
    answered = sum(replay.answered for replay in replays)
    assert answered / (answered + len(differences)) >= 0.98
    found = {(difference.recording, difference.path) for difference in differences}
    assert found == set(DEVIATIONS), "a listed deviation is none any more"
