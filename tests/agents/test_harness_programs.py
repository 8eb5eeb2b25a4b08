"""The real harnesses, from their registries, each two days in one session on a scripted model."""

from __future__ import annotations

import json
import os

import pytest
from support.harness_stage import Stage
from support.scripted_model import SHELLS, Runs, Says

from pytest_clawmark.agents.contract import TurnLimits
from pytest_clawmark.agents.harness.known import harness
from pytest_clawmark.failures import ModelFailure, SettingsError
from pytest_clawmark.sandboxes.choose import providers
from pytest_clawmark.toolbox import ensure
from pytest_clawmark.world.premises import Premises

pytestmark = [pytest.mark.slow, pytest.mark.clients]
KEY = "sk-verysecret-0123456789"
HARNESSES = ("claude-code", "codex", "hermes", "openclaw")


def diligent(request):
    """Runs a command on each day, and says so; other requests of a harness are for titles and the like."""
    if not any(name in SHELLS for name in request.tools):
        return Says("A title")
    if request.answers in (0, 2):
        return Runs(f"echo day {request.answers // 2 + 1} >> /workspace/days.txt; echo noted")
    return Says("Noted.")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
def premises(request):
    provider = providers()[request.param]()
    if not all(finding.works for finding in provider.check()):
        if os.environ.get("CLAWMARK_REQUIRE_SANDBOXES"):
            pytest.fail(f"{request.param} does not work here", pytrace=False)
        pytest.skip(f"{request.param} does not work here")
    with Premises(provider=provider, toolbox=ensure()) as premises:
        yield premises


@pytest.fixture
def stage(premises, tmp_path):
    stage = Stage(premises, tmp_path)
    yield stage
    stage.close()


def installed(name):
    made = harness(name, None)
    try:
        made.install(lambda _: None)
    except SettingsError as error:
        pytest.skip(f"{name} cannot be installed here: {str(error)[:300]}")
    return made


@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
@pytest.mark.parametrize("name", HARNESSES)
def test_a_harness_works_two_days_in_one_session_on_an_endpoint_of_any_api(stage, monkeypatch, name, api):
    monkeypatch.setenv("SOME_KEY", KEY)
    if name in ("hermes", "openclaw") and api != "chat":
        pytest.skip("they speak chat completions, which the tests of the gateway try with every endpoint")
    stage.set(installed(name), diligent, api=api, server={"key": KEY}, api_key_env="SOME_KEY")
    for day in ("Monday: note the day.", "Tuesday: note the day."):
        stop = stage.work(day)
        assert (stop.kind, stop.reason) == ("done", "")
    assert stage.file("days.txt") == "day 1\nday 2\n"
    outputs = [record["output"] for record in stage.recorded("tool")]
    assert len(outputs) == 2
    assert all("noted" in output for output in outputs)
    assert all("Monday" in json.dumps(request.body) for request in stage.model.requests[-1:])
    look = f"find ~ /workspace /tmp -type f -exec grep -lF {KEY} {{}} +; grep -lF {KEY} /proc/[0-9]*/environ"
    assert stage.shell(look) == ""
    assert KEY not in json.dumps(stage.records)


@pytest.mark.parametrize("name", HARNESSES)
def test_a_broken_provider_is_told_from_a_harness_of_its_own_faults(stage, name):
    stage.set(installed(name), lambda _: Says("ok"), server={"models_status": 500})
    stage.model.close()
    with pytest.raises(ModelFailure, match="gave no answer in 5 attempts"):
        stage.work(limits=TurnLimits(minutes=5))
