"""Faults on purpose between an agent and its model: met like real ones, tried again, and written down."""

import pytest
from support.scripted_model import Says

from clawmark_services.faults import FaultPlan, FaultSchedule
from pytest_clawmark.agents.contract import TurnLimits
from pytest_clawmark.failures import ModelFailure

ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def meet(gateway, plan):
    schedule = FaultSchedule(plan, "1")
    gateway.desk.close_for_today()
    gateway.desk.open_for(gateway.records.append, TurnLimits(), meet=lambda: schedule.next("monday"))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("kind", "least"), [("429", 7), ("500", 0.5), ("dropped", 0.5)])
def test_a_request_that_fails_on_purpose_is_tried_again(gateway, kind, least, stream):
    gateway.open([Says("Hello.")])
    meet(gateway, FaultPlan(at=(1,), kinds=(kind,), retry_after=7))
    answer = gateway.post("chat", {**ASKED, "stream": stream})
    assert (answer.status_code, "Hello." in answer.text) == (200, True)
    (record,) = gateway.recorded("model")
    assert (record["faults"], record["retries"]) == ([kind], 1)
    assert gateway.pauses[0] >= least
    assert len(gateway.model.requests) == 1


def test_a_slow_answer_is_waited_for_and_written_down(gateway):
    gateway.open([Says("Hello.")])
    meet(gateway, FaultPlan(at=(1,), kinds=("slow",), delay=9.0))
    assert gateway.post("chat", ASKED).status_code == 200
    (record,) = gateway.recorded("model")
    assert (record["faults"], record["retries"], gateway.pauses) == (["slow"], 0, [9.0])


def test_an_answer_that_met_no_fault_says_nothing_of_any(gateway):
    gateway.open([Says("Hello.")])
    meet(gateway, FaultPlan(at=(2,)))
    gateway.post("chat", ASKED)
    assert "faults" not in gateway.recorded("model")[0]


def test_chance_alone_ends_no_turn_for_want_of_a_model(gateway):
    gateway.open([Says("One."), Says("Two."), Says("Three.")])
    meet(gateway, FaultPlan(rate=1.0, kinds=("500", "dropped"), in_a_row=3))
    assert [gateway.post("chat", ASKED).status_code for _ in range(3)] == [200, 200, 200]
    assert [record["retries"] for record in gateway.recorded("model")] == [3, 3, 3]


def test_a_model_that_always_fails_as_a_file_asks_for_it_makes_the_turn_void(gateway):
    gateway.open([Says("Never.")])
    meet(gateway, FaultPlan(at=(1, 2, 3, 4, 5), kinds=("500",)))
    assert gateway.post("chat", ASKED).status_code == 503
    with pytest.raises(ModelFailure, match="on purpose"):
        gateway.desk.raise_failure()
    assert gateway.recorded("model_error")
