"""A turn's records as steps to be shown, whatever an agent or a harness has put into them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_clawmark.reports.figures import amount, duration, money
from pytest_clawmark.reports.text import middle_cut, one_line

MAX_STEPS = 1_000
MAX_TEXT = 20_000
_INSTANT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: `title` and `facts` head it; `given` is what a tool was asked, `text` what was said.

    `kind` is model, tool, stop, gap or other; `wrong` marks what went wrong.
    """

    kind: str
    title: str
    facts: tuple[str, ...] = ()
    given: str = ""
    text: str = ""
    thinking: str = ""
    calls: tuple[str, ...] = ()
    wrong: bool = False


def steps(records: Iterable[Any]) -> list[Step]:
    """The steps in order; the wake-up is left out, because it stands above them."""
    found: list[Step] = []
    for record in records:
        if len(found) == MAX_STEPS:
            found.append(Step(kind="gap", title="the rest is in trajectory.jsonl"))
            break
        if isinstance(record, Mapping) and record.get("type") != "wakeup":
            found.append(_step(record))
    return found


def _step(record: Mapping[str, Any]) -> Step:
    match record.get("type"):
        case "model":
            return _model(record)
        case "tool":
            return _tool(record)
        case "stop":
            kind, reason = _text(record.get("kind")), _text(record.get("reason"))
            return Step(kind="stop", title=f"stop: {kind}", text=reason, wrong=kind != "done")
        case "gap":
            return Step(
                kind="gap", title=f"{_text(record.get('records'))} records left out; see trajectory.jsonl"
            )
    return Step(kind="other", title=one_line(_text(record.get("type", "?"))), text=_text(dict(record)))


def _model(record: Mapping[str, Any]) -> Step:
    message = record.get("message")
    message = message if isinstance(message, Mapping) else {"content": message}
    calls = message.get("tool_calls")
    return Step(
        kind="model",
        title="agent",
        facts=tuple(_facts(record)),
        text=_content(message.get("content")),
        thinking=_content(message.get("reasoning_content") or message.get("reasoning")),
        calls=tuple(_call(call) for call in calls) if isinstance(calls, list | tuple) else (),
    )


def _content(content: Any) -> str:
    """The text of a message: a string, or the texts of its parts."""
    if not isinstance(content, list | tuple):
        return _text(content)
    parts = [
        part.get("text", f"[{part.get('type')}]") if isinstance(part, Mapping) else part for part in content
    ]
    return "\n".join(_text(part) for part in parts)


def _call(call: Any) -> str:
    function = call.get("function", call) if isinstance(call, Mapping) else call
    if not isinstance(function, Mapping):
        return one_line(_text(function))[:200]
    return one_line(f"{_text(function.get('name'))}({_text(function.get('arguments'))})")[:200]


def _facts(record: Mapping[str, Any]) -> Iterator[str]:
    used = record.get("usage")
    if isinstance(used, Mapping):
        tokens = [
            used.get(f"{way}_tokens", used.get(old))
            for way, old in (("input", "prompt_tokens"), ("output", "completion_tokens"))
        ]
        if all(isinstance(count, int) for count in tokens):
            yield f"{amount(tokens[0])} in, {amount(tokens[1])} out"
    if isinstance(cost := record.get("cost"), int | float):
        yield money(cost)
    if isinstance(seconds := record.get("seconds"), int | float) and seconds >= _INSTANT:
        yield duration(seconds)
    if isinstance(retries := record.get("retries"), int) and retries:
        yield f"tried again {retries}x"
    finish = record.get("finish_reason")
    if finish and finish not in ("stop", "tool_calls"):
        yield f"finish: {one_line(_text(finish))[:60]}"


def _tool(record: Mapping[str, Any]) -> Step:
    error, image = record.get("error"), record.get("image")
    facts = []
    if isinstance(seconds := record.get("seconds"), int | float) and seconds >= _INSTANT:
        facts.append(duration(seconds))
    if isinstance(image, Mapping):
        facts.append(f"image, {_text(image.get('bytes'))} bytes")
    output = _text(record.get("output"))
    return Step(
        kind="tool",
        title=one_line(_text(record.get("name")))[:100],
        facts=tuple(facts),
        given=_given(record.get("arguments")),
        text="\n".join(filter(None, [output, error if isinstance(error, str) else ""])),
        wrong=bool(error),
    )


def _given(arguments: Any) -> str:
    """Arguments to read: a lone string as it is, others one `name: value` each."""
    if not isinstance(arguments, Mapping):
        return _text(arguments)
    if len(arguments) == 1:
        return _text(next(iter(arguments.values())))
    return "\n".join(f"{_text(name)}: {_text(value)}" for name, value in arguments.items())


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, indent=2, default=repr)
    return middle_cut(value, MAX_TEXT)
