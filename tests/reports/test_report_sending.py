"""Reports on their way from a worker."""

from __future__ import annotations

import pytest

from pytest_clawmark.reports.sending import SendableReports, encodable


def test_every_text_becomes_encodable_and_everything_else_stays() -> None:
    value = {"k\udcff": ["\ud800", ("é", 1, None, 2.5)], "plain": {"deep": "面试"}}
    assert encodable(value) == {r"k\udcff": [r"\ud800", ("é", 1, None, 2.5)], "plain": {"deep": "面试"}}


HOSTILE = """
    def test_message(): assert False, "a name \\udcff"
    def test_output(): print("\\udcff printed"); assert False
"""


def test_a_message_that_cannot_be_encoded_does_not_end_a_distributed_run(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    pytester.makeconftest(
        "from pytest_clawmark.reports.sending import SendableReports\n"
        "def pytest_configure(config): config.pluginmanager.register(SendableReports())\n"
    )
    pytester.makepyfile(HOSTILE)
    done = pytester.runpytest_subprocess("-p", "no:clawmark", "-n1", timeout=60)
    done.assert_outcomes(failed=2)
    done.stdout.fnmatch_lines([r"*a name \udcff*"])


def test_the_hook_passes_on_what_nobody_serialised() -> None:
    hook = SendableReports().pytest_report_to_serializable()
    next(hook)
    with pytest.raises(StopIteration) as stopped:
        hook.send(None)
    assert stopped.value.value is None
