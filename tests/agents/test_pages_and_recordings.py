"""Pages of PDF files and recordings, as models are shown them or told that they are not."""

from __future__ import annotations

import io
import os
import wave

import pytest
from PIL import Image
from support.harness_stage import START
from support.scripted_model import Calls, Says, ScriptedModel

from pytest_clawmark.agents import ModelEntry, Office, TurnLimits, Workday
from pytest_clawmark.agents.chat import ChatAgent
from pytest_clawmark.agents.images import sound_type
from pytest_clawmark.agents.toolset import WorldToolset
from pytest_clawmark.sandboxes.choose import providers
from pytest_clawmark.sandboxes.contract import Blueprint
from pytest_clawmark.toolbox import ensure

pytestmark = pytest.mark.bubblewrap


@pytest.fixture(scope="module")
def sandbox():
    provider = providers()["bubblewrap"]()
    if not all(finding.works for finding in provider.check()):
        if os.environ.get("CLAWMARK_REQUIRE_SANDBOXES"):
            pytest.fail("bubblewrap does not work here", pytrace=False)
        pytest.skip("bubblewrap does not work here")
    sandbox = provider.open(Blueprint(hosts={}, listen=[], authority=b"", toolbox=ensure()))
    sandbox.run(["tee", "/workspace/two.pdf"], stdin=pdf())
    sandbox.run(["tee", "/workspace/call.wav"], stdin=recording())
    sandbox.run(["tee", "/workspace/fake.pdf"], stdin=b"no pdf")
    yield sandbox
    sandbox.close()
    provider.close()


def pdf() -> bytes:
    """Two pages, red and blue."""
    pages = [Image.new("RGB", (300, 400), color) for color in ("red", "blue")]
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:])
    return out.getvalue()


def recording() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(800))
    return out.getvalue()


class Played:
    """One day of a chat agent that makes these calls."""

    def __init__(self, sandbox, *calls, **entry):
        self.records = []
        tools = WorldToolset(sandbox=sandbox, env={}, services=(), record=self.records.append)
        with ScriptedModel([*(Calls(call) for call in calls), Says("Done.")]) as model:
            agent = ChatAgent(ModelEntry(name="m", base_url=model.url, model="s", **entry))
            session = agent.open(Office(role="", sandbox=sandbox, env={}, skills={}))
            day = Workday(
                turn="monday",
                index=0,
                time=START,
                message="Look.",
                tools=tools,
                limits=TurnLimits(),
                record=self.records.append,
            )
            session.work(day)
            agent.close()
            self.requests = model.requests

    @property
    def outputs(self):
        return [record["output"] for record in self.records if record["type"] == "tool"]

    @property
    def shown(self):
        content = self.requests[-1].messages[-1]["content"]
        return content if isinstance(content, list) else []


def page(number):
    return ("view_page", {"path": "two.pdf", "page": number})


def test_a_model_that_sees_is_shown_a_page(sandbox):
    played = Played(sandbox, page(2), input=("text", "image"))
    caption, picture = played.shown
    assert caption["text"] == "two.pdf: page 2 of 2"
    assert picture["image_url"]["url"].startswith("data:image/jpeg;base64,")
    (record,) = [record for record in played.records if record["type"] == "tool"]
    assert record["image"]["type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("path", "number", "told"),
    [
        ("two.pdf", 3, "it has 2 pages"),
        ("fake.pdf", 1, "it is no PDF file that can be read"),
        ("none.pdf", 1, "no such file"),
        ("/", 1, "it is a directory"),
    ],
)
def test_a_page_that_cannot_be_drawn_says_why(sandbox, path, number, told):
    played = Played(sandbox, ("view_page", {"path": path, "page": number}), input=("text", "image"))
    assert told in played.outputs[0]
    assert played.shown == []


def test_a_model_that_hears_is_played_a_recording(sandbox):
    played = Played(sandbox, ("listen", {"path": "call.wav"}), input=("text", "audio"))
    assert played.shown[1]["type"] == "input_audio"
    assert played.shown[1]["input_audio"]["format"] == "wav"
    assert "listen" in played.requests[0].tools
    assert "view_page" not in played.requests[0].tools


def test_what_a_model_could_not_hear_is_written_down(sandbox):
    played = Played(sandbox, ("listen", {"path": "call.wav"}))
    (record,) = [record for record in played.records if record["type"] == "unread"]
    assert record["what"].startswith("call.wav: audio/wav")
    assert record["why"] == "the model takes no audio/wav"
    assert "listen" not in played.requests[0].tools
    assert played.shown == []


def test_a_blind_model_is_offered_no_pages(sandbox):
    played = Played(sandbox, page(1))
    assert "takes no images" in played.outputs[0]
    assert "view_page" not in played.requests[0].tools
    (record,) = [record for record in played.records if record["type"] == "unread"]
    assert (record["what"][:10], record["why"]) == ("view_page ", "the model takes no images")
    assert "two.pdf" in record["what"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"ID3\x04", "audio/mp3"),
        (b"\xff\xfb\x90", "audio/mp3"),
        (b"fLaC", "audio/flac"),
        (b"OggS", "audio/ogg"),
        (b"\xff\xd8\xff", None),
        (b"", None),
    ],
)
def test_a_recording_is_told_by_its_first_bytes(data, kind):
    assert sound_type(data) == kind
