"""Schedules: drawn from a seed, the same for whoever asks; and what `--faults` may say."""

from pathlib import Path

import pytest

from clawmark_services.faults import KINDS, FaultPlan, FaultSchedule
from pytest_clawmark.failures import SettingsError
from pytest_clawmark.faults import MODEL_IN_A_ROW, Faults, read_faults


def drawn(schedule: FaultSchedule, count: int = 200, turn: str = "monday") -> list[str | None]:
    faults = [schedule.next(turn) for _ in range(count)]
    return [fault.kind if fault else None for fault in faults]


def test_the_same_seed_draws_the_same_faults_and_another_draws_others() -> None:
    plan = FaultPlan(rate=0.3)
    first = drawn(FaultSchedule(plan, "1"))
    assert first == drawn(FaultSchedule(plan, "1"))
    assert first != drawn(FaultSchedule(plan, "2"))
    assert set(first) == {None, *KINDS}


def test_a_turn_meets_the_same_faults_however_much_was_asked_in_turns_before() -> None:
    busy, idle = FaultSchedule(FaultPlan(rate=0.3), "1"), FaultSchedule(FaultPlan(rate=0.3), "1")
    monday = drawn(busy, 50)
    tuesday = drawn(busy, 50, "tuesday")
    assert tuesday == drawn(idle, 50, "tuesday")
    assert monday != tuesday


def test_the_rate_decides_how_many_requests_meet_a_fault() -> None:
    assert drawn(FaultSchedule(FaultPlan(rate=0.0), "1")) == [None] * 200
    assert None not in drawn(FaultSchedule(FaultPlan(rate=1.0), "1"))
    assert 150 < sum(kind is not None for kind in drawn(FaultSchedule(FaultPlan(rate=0.2), "1"), 1000)) < 250


def test_numbered_requests_meet_a_fault_and_no_others_do() -> None:
    kinds = drawn(FaultSchedule(FaultPlan(at=(3, 7), kinds=("500",)), "1"), 10)
    assert [number for number, kind in enumerate(kinds, start=1) if kind == "500"] == [3, 7]
    assert kinds.count(None) == 8


def test_chance_alone_never_refuses_a_model_too_often_in_a_row() -> None:
    kinds = drawn(FaultSchedule(FaultPlan(rate=1.0, in_a_row=3), "1"), 8)
    assert [kind is None for kind in kinds] == [False, False, False, True] * 2


def test_a_schedule_depends_on_seed_task_trial_and_service_and_on_nothing_else() -> None:
    def faults(name: str = "email", task: str = "hr", trial: int = 1, seed: int = 0) -> list[str | None]:
        schedule = read_faults("0.5", seed, Path()).schedule(name, task, trial)
        assert schedule is not None
        return drawn(schedule)

    assert faults() == faults()
    others = [faults(name="notion"), faults(task="it"), faults(trial=2), faults(seed=1)]
    assert all(other != faults() for other in others)


def test_a_rate_is_for_all_services_and_the_model_whose_answers_are_never_lost() -> None:
    faults = read_faults("0.5", 0, Path())
    assert faults.plans["services"].kinds == KINDS
    assert "lost" not in faults.plans["model"].kinds
    assert faults.plans["model"].in_a_row == MODEL_IN_A_ROW


def test_a_file_says_what_happens_to_whom(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text(
        '[notion]\nrate = 0.1\nkinds = ["429", "slow"]\ndelay = 0.5\n\n[email]\nat = [7, 3]\n'
    )
    faults = read_faults("f.toml", 4, tmp_path)
    assert faults.plans["notion"] == FaultPlan(rate=0.1, kinds=("429", "slow"), delay=0.5)
    assert faults.plans["email"].at == (3, 7)
    assert faults.schedules(["notion", "email", "sheets"], "hr", 1).keys() == {"notion", "email"}
    assert faults.schedule("model", "hr", 1) is None
    assert Faults.from_json(faults.to_json()) == faults


def test_services_without_a_table_of_their_own_meet_what_the_common_one_says(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("[services]\nrate = 1\n[notion]\nrate = 0\n")
    faults = read_faults("f.toml", 0, tmp_path)
    found = faults.schedules(["notion", "email"], "hr", 1)
    assert None not in drawn(found["email"], 5)
    assert drawn(found["notion"], 5) == [None] * 5
    assert faults.schedule("model", "hr", 1) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[notion]\nrate = 2\n", r"\[notion\] rate = 2 must be a number from 0 to 1"),
        ("[notion]\nrate = true\n", r"\[notion\] rate = True must be a number"),
        ('[notion]\nkinds = ["404"]\n', r"\[notion\] kinds = \['404'\] must be a list of 429, 500"),
        ("[notion]\nkinds = []\n", r"\[notion\] kinds = \[\] must be a list"),
        ('[model]\nkinds = ["lost"]\n', r"\[model\] kinds = \['lost'\] must be"),
        ("[email]\nat = [0]\n", r"\[email\] at = \[0\] must be a list of requests' numbers"),
        ("[email]\ndelay = 3000\n", r"\[email\] delay = 3000 must be 0 to 30 seconds"),
        ("[email]\nretry_after = 1.5\n", r"\[email\] retry_after = 1.5 must be 0 to 600"),
        ("[email]\noften = 1\n", r"\[email\] often: unknown key: use some of rate, kinds"),
        ("rate = 0.1\n", r"rate = 0.1 stands outside of a table"),
        ("[email\n", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_place(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text(text)
    with pytest.raises(SettingsError, match=told):
        read_faults("f.toml", 0, tmp_path)


@pytest.mark.parametrize(
    ("given", "told"), [("1.5", "0 to 1"), ("nan", "0 to 1"), ("none.toml", "No such file")]
)
def test_what_is_neither_a_rate_nor_a_file_is_refused(given: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=told):
        read_faults(given, 0, tmp_path)


def test_a_service_that_nobody_has_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("[notoin]\nrate = 0.1\n")
    with pytest.raises(
        SettingsError, match=r"\[notoin\] is no service of these tasks: use some of email, notion"
    ):
        read_faults("f.toml", 0, tmp_path).refuse_unknown(["notion", "email"])
