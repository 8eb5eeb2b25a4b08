"""One turn of a chat model: the loop between its answers and the tools, and what ends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clawmark_services import Tool
from pytest_clawmark.agents.chat.completion import Completion, ToolRequest, completion_of
from pytest_clawmark.agents.chat.conversation import Conversation, Picture
from pytest_clawmark.agents.contract import Stop, Workday
from pytest_clawmark.agents.models import ModelEntry
from pytest_clawmark.agents.sandbox_tools import SEEING
from pytest_clawmark.agents.wording import cut
from pytest_clawmark.failures import ModelFailure
from pytest_clawmark.gateway.faults import ContextOverflow, Refused
from pytest_clawmark.gateway.line import Line, Reply
from pytest_clawmark.gateway.provider import OutOfTime

_SHOWN_UNREAD = 200
_GO_ON = "Your answer was cut off at its length limit. Go on in smaller steps, or finish the day."
_NOT_TAKEN = "(you were not given it: this model takes no files of this kind)"
_CUT_OFF_IN_A_ROW = 3
# An answer cut off this near to the window's end was cut off by the window.
_NEARLY_FULL = 0.98
# No tokenizer fits twice as much text into a token as the estimate assumes.
_SURELY_OVER = 2
# When the window is this full, old results of tools are left out until it is no fuller than that.
_FULL, _ROOMY = 0.9, 0.6


class ChatTurn:
    """Plays one turn; the line's ledger counts what it uses, tools left out."""

    def __init__(self, entry: ModelEntry, line: Line, conversation: Conversation, day: Workday) -> None:
        self._entry = entry
        self._line = line
        self._conversation = conversation
        self._day = day
        self._tools = [
            _as_function(tool)
            for tool in day.tools.tools
            if (entry.sees or tool.name not in SEEING) and (entry.hears or tool.name != "listen")
        ]
        self._ledger = line.ledger
        self._cut_off = 0
        # Tokens as the provider counted them last, less our own estimate of the same.
        self._beyond_estimate = 0

    def play(self) -> Stop:
        """Ask and carry out until something ends the turn."""
        while True:
            stop = self._spent() or self._step()
            if stop is not None:
                return stop

    def _step(self) -> Stop | None:
        """One answer of the model and the tools that it asks for; None to go on."""
        window = self._entry.context_window
        if self._length > _FULL * window:
            self._make_room(int(_ROOMY * window))
        if self._conversation.tokens > _SURELY_OVER * window:
            return self._overflow(f"it holds about {self._conversation.tokens} tokens")
        try:
            reply = self._ask()
        except ContextOverflow as overflow:
            return self._outgrown(overflow)
        except OutOfTime:
            return Stop(kind="limit", reason=self._ledger.out_of_minutes() or "the turn's time is over")
        return self._heard(completion_of(reply.answer), reply.used.input_tokens + reply.used.output_tokens)

    def _heard(self, completion: Completion, size: int) -> Stop | None:
        """Go on with an answer, after which the conversation has `size` tokens."""
        self._conversation.answered(completion)
        self._beyond_estimate = size - self._conversation.tokens
        if completion.requests:
            return self._carry_out(completion, size)
        if completion.finish_reason == "length":
            return self._go_on(size)
        return Stop(kind="done", reason=completion.finish_reason or "")

    def _outgrown(self, overflow: ContextOverflow) -> Stop | None:
        self._refuse_if_hardly_begun(overflow)
        # The window may be smaller than we were told: half of what there is has to do.
        return None if self._make_room(self._length // 2) else self._overflow(str(overflow))

    @property
    def _length(self) -> int:
        """About how many tokens the next request will have."""
        return self._conversation.tokens + self._beyond_estimate

    def _make_room(self, tokens: int) -> bool:
        """Leave old results out until about so many tokens are left; whether there were any."""
        before = self._length
        left_out = self._conversation.make_room(tokens - self._beyond_estimate)
        if left_out:
            told = {"left_out": left_out, "tokens": before, "after": self._length}
            self._day.record({"type": "context", **told})
        return left_out > 0

    def _ask(self) -> Reply:
        try:
            return self._ask_once()
        except (Refused, ModelFailure):
            # An agent that shows a damaged picture must not end its day unmeasured that way.
            if not self._conversation.withdraw_new_images():
                raise
            self._unread("what was shown last", "the model's service refuses it")
        return self._ask_once()

    def _ask_once(self) -> Reply:
        body: dict[str, Any] = {"messages": self._conversation.messages}
        if self._tools:
            body["tools"] = self._tools
        try:
            return self._line.ask(body)
        except Refused as refusal:
            raise self._failure(f"refuses the request: {refusal}") from None

    def _refuse_if_hardly_begun(self, overflow: ContextOverflow) -> None:
        """An overflow in the very first request is a wrong setting, not the agent's doing."""
        if not self._conversation.begun and self._conversation.tokens < self._entry.context_window / 2:
            raise self._failure(
                f"finds the first request too long: {overflow} "
                "(lower max_tokens in its parameters, or correct its context_window)"
            ) from None

    def _failure(self, what: str) -> ModelFailure:
        return ModelFailure(f"model {self._entry.name!r} at {self._entry.base_url} {what}")

    def _carry_out(self, completion: Completion, size: int) -> Stop | None:
        """Every request gets a result, or the conversation could not go on the next day."""
        stop: Stop | None = None
        pictures: list[Picture] = []
        for request in completion.requests:
            stop = stop or self._full(size) or self._spent() or self._calls_spent()
            if stop is None:
                pictures += self._call(request, cut_off=completion.finish_reason == "length")
            else:
                self._conversation.result(request.id, f"not carried out: {stop.reason}")
        self._conversation.show(pictures)
        self._cut_off = 0
        return stop

    def _call(self, request: ToolRequest, *, cut_off: bool) -> list[Picture]:
        self._line.refuse_when_cut()
        result = self._day.tools.call(request.name, request.arguments, images=self._entry.sees)
        text = f"{result.text}\n{_GO_ON}" if result.error and cut_off else result.text
        lost = result.image is not None and not self._takes(result.image_type)
        self._conversation.result(request.id, f"{text}\n{_NOT_TAKEN}" if lost else text)
        if request.name in SEEING and not self._entry.sees:
            self._unread(
                cut(f"{request.name} {request.arguments}", _SHOWN_UNREAD), "the model takes no images"
            )
        if result.image is None:
            return []
        if lost:
            self._unread(result.text, f"the model takes no {result.image_type}")
            return []
        return [Picture(caption=result.text, data=result.image, media_type=result.image_type)]

    def _takes(self, media_type: str) -> bool:
        return self._entry.hears if media_type.startswith("audio/") else self._entry.sees

    def _unread(self, what: str, why: str) -> None:
        """Write down what the model wanted to see or hear, and did not."""
        self._day.record({"type": "unread", "what": what, "why": why})

    def _go_on(self, size: int) -> Stop | None:
        """An answer broke off: at the window's end, or at the most that one answer may have."""
        if size >= _NEARLY_FULL * self._entry.context_window:
            return self._overflow(f"it holds {size} tokens")
        self._cut_off += 1
        if self._cut_off == _CUT_OFF_IN_A_ROW:
            return Stop(
                kind="limit", reason=f"{_CUT_OFF_IN_A_ROW} answers in a row were cut off by their length"
            )
        self._conversation.tell(_GO_ON)
        return None

    def _full(self, size: int) -> Stop | None:
        return self._overflow(f"it holds {size} tokens") if size > self._entry.context_window else None

    def _overflow(self, told: str) -> Stop:
        window = self._entry.context_window
        return Stop(kind="context", reason=f"the conversation outgrew the window of {window} tokens: {told}")

    def _spent(self) -> Stop | None:
        reason = self._ledger.spent()
        return Stop(kind="limit", reason=reason) if reason else None

    def _calls_spent(self) -> Stop | None:
        limit = self._day.limits.tool_calls
        if limit is not None and self._day.tools.calls >= limit:
            return Stop(kind="limit", reason=f"the turn's limit of {limit} tool calls is reached")
        return None


def _as_function(tool: Tool) -> Mapping[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters),
        },
    }
