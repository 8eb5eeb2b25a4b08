"""Why a checker failed reads the same whenever it is graded."""

from __future__ import annotations

import json

CHECKERS = """

NAMES = [f"name number {number} of a long list" for number in range(40)]


@pytest.mark.turn("monday")
def check_equal(snapshot):
    assert NAMES == NAMES[:20]


@pytest.mark.turn("monday")
def check_sets(snapshot):
    assert set(NAMES[:5]) == set(NAMES[3:7])


@pytest.mark.turn("monday")
def check_text(snapshot):
    assert "\\n".join(NAMES) == "\\n".join(NAMES[1:]), f"of {set(NAMES[:9])} 100%"


@pytest.mark.turn("monday")
def check_contained(snapshot):
    assert "nobody" in NAMES


@pytest.mark.turn("monday")
def check_function(snapshot):
    assert all(name == "nobody" for name in NAMES), object()


@pytest.mark.turn("monday")
def check_temporary(snapshot, tmp_path):
    assert (tmp_path / "out").exists()


@pytest.mark.turn("monday")
def check_workspace(snapshot, grading):
    assert (grading.workspace("monday") / "none").read_text()
"""


def reasons(office) -> dict[str, str]:
    tasks = json.loads((office.run_dir / "results.json").read_text())["tasks"]
    return {checker["id"]: checker["reason"] for task in tasks for checker in task["checkers"]}


def test_options_environment_and_hashes_change_no_reason(office, letter: str, monkeypatch) -> None:
    office.add(task=letter + CHECKERS)
    found = []
    for number, (arguments, environment) in enumerate(
        [
            ([], {"PYTHONHASHSEED": "1"}),
            (["-vv"], {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"}),
            (["-v", "-l", "--tb=short", "-n1"], {"PYTHONHASHSEED": "3", "CI": "true"}),
        ]
    ):
        for name in ("PYTHONHASHSEED", "TZ", "CI"):
            monkeypatch.setenv(name, environment.get(name, ""))
        office.run_apart("--agent=golden", *arguments, f"--basetemp={office.root / str(number)}")
        found.append(reasons(office))
        office.run_dir.rename(office.root / f"run-{number}")
    assert found[0]["check_equal"].startswith("assert ['name number 0 of a")
    assert found[0]["check_workspace"].endswith("'/workspace/none'")
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_details_are_still_shown_at_the_verbosity_asked_for(office, letter: str) -> None:
    office.add(task=letter + CHECKERS)
    result = office.run("--agent=golden", "-vv", "-k", "check_equal")
    result.stdout.fnmatch_lines(
        ["*Left contains 20 more items*", "*Full diff:*", "*'name number 39 of a long list',"]
    )
