"""What a model has been told and has said, over a whole episode, in the form of the API."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_clawmark.agents.chat.completion import CHARACTERS_PER_TOKEN, Completion

_TOKENS_PER_IMAGE = 800
_WORTH_LEAVING_OUT = 400
_LEFT_OUT = "(left out to make room: {:,} characters; call the tool again if they are needed)"
_PICTURES_LEFT_OUT = "(left out to make room; look again if it is needed)"
_NOT_SHOWN = "(the image could not be shown: the model's service refuses it)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image to show, or a recording to play, with a line that says which it is."""

    caption: str
    data: bytes
    media_type: str


def _part(picture: Picture) -> dict[str, Any]:
    encoded = base64.b64encode(picture.data).decode("ascii")
    kind, _, form = picture.media_type.partition("/")
    if kind == "audio":
        return {"type": "input_audio", "input_audio": {"data": encoded, "format": form}}
    return {"type": "image_url", "image_url": {"url": f"data:{picture.media_type};base64,{encoded}"}}


class Conversation:
    """The messages so far. `tokens` estimates their length where the provider does not tell it."""

    def __init__(self, system: str) -> None:
        self.messages: list[dict[str, Any]] = [{"role": "system", "content": system}]
        self._characters = len(system)
        self._images = 0
        self._new_images: list[int] = []
        self.begun = False
        """Whether the model has ever answered."""

    @property
    def tokens(self) -> int:
        """About how many tokens the messages are, by four characters each."""
        return self._characters // CHARACTERS_PER_TOKEN + self._images * _TOKENS_PER_IMAGE

    def tell(self, text: str) -> None:
        """Say something as the user."""
        self._add({"role": "user", "content": text}, text)

    def answered(self, completion: Completion) -> None:
        """Keep what the model said; each of its requests must then get its `result`."""
        self.begun = True
        self._new_images.clear()
        self._add(completion.echo(), completion.text)
        self._characters += sum(len(request.arguments) for request in completion.requests)

    def result(self, request_id: str, text: str) -> None:
        """Answer one request for a tool."""
        # Some providers refuse messages without content.
        self._add({"role": "tool", "tool_call_id": request_id, "content": text or "(no output)"}, text)

    def show(self, pictures: Sequence[Picture]) -> None:
        """Show images, after all results: the API takes them from the user only."""
        if not pictures:
            return
        content: list[dict[str, Any]] = []
        for picture in pictures:
            content.append({"type": "text", "text": picture.caption})
            content.append(_part(picture))
        self._new_images.append(len(self.messages))
        self._images += len(pictures)
        self._add({"role": "user", "content": content}, "")

    def withdraw_new_images(self) -> bool:
        """Replace the images that no answer has followed yet by a note; whether there were any."""
        for index in self._new_images:
            content = self.messages[index]["content"]
            pictures = sum(part["type"] != "text" for part in content)
            self._images -= pictures
            self.messages[index] = {"role": "user", "content": _NOT_SHOWN}
        withdrawn = bool(self._new_images)
        self._new_images.clear()
        return withdrawn

    def make_room(self, tokens: int) -> int:
        """Leave out the oldest results of tools, and pictures, until about `tokens` are left or no more can be;
        returns how many were left out. What came behind the model's last answer is kept."""
        left_out = 0
        last = max((i for i, m in enumerate(self.messages) if m["role"] == "assistant"), default=0)
        for index, message in enumerate(self.messages[:last]):
            if self.tokens <= tokens:
                break
            left_out += self._shorten(index, message)
        return left_out

    def _shorten(self, index: int, message: dict[str, Any]) -> bool:
        content = message["content"]
        if message["role"] == "tool" and len(content) > _WORTH_LEAVING_OUT:
            note = _LEFT_OUT.format(len(content))
            self._characters -= len(content) - len(note)
        elif isinstance(content, list):
            note = _PICTURES_LEFT_OUT
            self._images -= sum(part["type"] != "text" for part in content)
        else:
            return False
        self.messages[index] = {**message, "content": note}
        return True

    def freeze(self) -> dict[str, Any]:
        """All that was said, without the system prompt, as JSON."""
        return {
            "messages": self.messages[1:],
            "characters": self._characters - len(self.messages[0]["content"]),
            "images": self._images,
            "new_images": list(self._new_images),
            "begun": self.begun,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what was frozen; the system prompt stays the one it began with."""
        system = self.messages[0]
        self.messages = [system, *state["messages"]]
        self._characters = len(system["content"]) + state["characters"]
        self._images = state["images"]
        self._new_images = list(state["new_images"])
        self.begun = state["begun"]

    def _add(self, message: dict[str, Any], text: str) -> None:
        self.messages.append(message)
        self._characters += len(text)
