from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pytest_clawmark.gateway.faults import (
    ContextOverflow,
    Fault,
    Refused,
    is_overflow,
    of_status,
    retry_after,
)


def test_a_wait_is_told_in_seconds_in_milliseconds_or_as_a_date():
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({"retry-after": "0.5"}) == 0.5
    assert retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    past = format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True)
    assert retry_after({"retry-after": past}) == 0
    future = format_datetime(datetime.now(UTC) + timedelta(days=2), usegmt=True)
    assert 170_000 < retry_after({"retry-after": future}) < 180_000


@pytest.mark.parametrize("nonsense", ["", "soon", "nan", "inf", "-3", "Mon, 99 Foo"])
def test_a_wait_that_makes_no_sense_is_not_waited_for(nonsense):
    assert retry_after({"retry-after": nonsense}) is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, "oops", Fault),
        (529, "overloaded", Fault),
        (429, "Request too large: maximum context length of this tier", Fault),
        (429, '{"error": {"code": "insufficient_quota"}}', Refused),
        (400, "maximum context length", ContextOverflow),
        (500, "the request exceeds the available context size", ContextOverflow),
        (413, "", ContextOverflow),
        (402, "pay first", Refused),
        (404, "maximum context length", Refused),
    ],
)
def test_a_status_says_what_to_do(status, body, kind):
    answer = of_status(status, body, {})
    assert type(answer) is kind
    assert answer.status == status


@pytest.mark.parametrize(
    "body",
    [
        "Invalid image: could not be decoded",
        "Unknown parameter: 'context'",
        "max_tokens must be at least 1",
        "The model `m` does not exist",
        "tool_calls[0].function.arguments must be valid JSON",
    ],
)
def test_other_refusals_are_no_overflow(body):
    assert not is_overflow(body)
