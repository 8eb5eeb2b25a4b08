"""Reasons are the same in every process, on every machine, at every verbosity."""

from __future__ import annotations

import pytest

from pytest_clawmark.grading.reasons import REASON, stable_reason


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<object at 0x7f3a2b4c5d60> is odd", "<object at 0x...> is odd"),
        ("colour 0xff is fine", "colour 0xff is fine"),
        ("no /tmp/clawmark-grading-ab12cd34/0123456789abcdef/workspace/x", "no /workspace/x"),
        ("no '/tmp/pytest-of-root/pytest-17/check_x0/out'", "no '<tmp>/check_x0/out'"),
        ("no '/tmp/tmpab12_x9z/out'", "no '/tmp/<tmp>/out'"),
        ("a template /tmp/template1 stays", "a template /tmp/template1 stays"),
        ("missing {'b', 'a'} of {'d', 'c'}", "missing {'a', 'b'} of {'c', 'd'}"),
        ("got {frozenset({'b', 'a'}), 3}", "got {3, frozenset({'a', 'b'})}"),
        ("got {'b': 1, 'a': {2, 1}}", "got {'b': 1, 'a': {1, 2}}"),
        ("said why\nassert 1 == 2\n +  where 1 = f()", "said why\nassert 1 == 2"),
        ("two\nlines", "two\nlines"),
        ("/home/me/tasks/hr/letter/assets/x is gone", "hr/letter/assets/x is gone"),
        ("x" * 1000, "x" * (REASON - 4) + " ..."),
    ],
)
def test_nothing_of_a_process_or_machine_is_in_a_reason(text: str, told: str) -> None:
    assert stable_reason(text, {"/home/me/tasks/hr/letter": "hr/letter"}) == told


def test_places_of_copies_are_found_in_what_pytest_has_cut() -> None:
    whole = "[PosixPath('/dev/shm/clawmark-grading-0a1b2c/0123456789abcdef/workspace/out')]"
    assert stable_reason(whole) == "[PosixPath('/workspace/out')]"
    assert (
        stable_reason("[PosixPath('/dev/shm/clawmark-grading-0a...ut')]") == "[PosixPath('/workspace...ut')]"
    )
    cut = "[PosixPath('/t...2c/0123456789abcdef/workspace/out')]"
    assert stable_reason(cut) == "[PosixPath('/t.../workspace/out')]"
