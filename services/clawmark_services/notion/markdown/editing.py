"""Changing a page through its Markdown: what stays the same stays the same block."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from clawmark_services.notion.errors import MISSING, invalid, mismatch
from clawmark_services.notion.grammar import as_array, as_boolean, as_choice, as_object, as_text
from clawmark_services.notion.markdown.reading import drafts, segments
from clawmark_services.notion.markdown.writing import Written, written
from clawmark_services.notion.records import Block, Page
from clawmark_services.notion.store import Moment, Store

Json = Any

KINDS = ("insert_content", "replace_content_range", "update_content", "replace_content")


def edit(store: Store, page: Page, body: Mapping[str, Json], moment: Moment) -> None:
    """Do what a request of `PATCH /v1/pages/{page_id}/markdown` asks for."""
    kind = as_choice(body.get("type", MISSING), KINDS, "body.type")
    path = f"body.{kind}"
    said = as_object(body.get(kind, MISSING), path)
    deleting = as_boolean(said.get("allow_deleting_content", False), f"{path}.allow_deleting_content")
    before = written(store.workspace, page)
    after = _EDITS[kind](before, said, path)
    with store.whole():
        _become(store, page, before, segments(after), moment, deleting=deleting)


def _insert(before: Written, said: Mapping[str, Json], path: str) -> str:
    content = as_text(said.get("content", MISSING), f"{path}.content")
    if said.get("after") is not None:
        text = before.text
        _start, end = _range(text, as_text(said["after"], f"{path}.after"))
        line_end = text.find("\n", end)
        at = len(text) if line_end < 0 else line_end
        return f"{text[:at]}\n{content}\n{text[at:]}"
    position = as_object(said.get("position") or {"type": "end"}, f"{path}.position")
    where = as_choice(position.get("type", MISSING), ("start", "end"), f"{path}.position.type")
    parts = (content, before.text) if where == "start" else (before.text, content)
    return "\n".join(parts)


def _replace_range(before: Written, said: Mapping[str, Json], path: str) -> str:
    content = as_text(said.get("content", MISSING), f"{path}.content")
    wanted = as_text(said.get("content_range", MISSING), f"{path}.content_range")
    start, end = _range(before.text, wanted)
    return f"{before.text[:start]}{content}{before.text[end:]}"


def _range(text: str, wanted: str) -> tuple[int, int]:
    """Where a selection `first words...last words` begins and ends."""
    first, dots, last = wanted.partition("...")
    start = text.find(first) if first else -1
    end = text.find(last, start + len(first)) if dots and last else start + len(first) - len(last)
    if start < 0 or end < 0:
        raise invalid(f'Could not find content matching "{wanted[:100]}" in the page.')
    return start, end + len(last)


def _update(before: Written, said: Mapping[str, Json], path: str) -> str:
    text = before.text
    for index, raw in enumerate(as_array(said.get("content_updates", MISSING), f"{path}.content_updates")):
        place = f"{path}.content_updates[{index}]"
        change = as_object(raw, place)
        old = as_text(change.get("old_str", MISSING), f"{place}.old_str")
        new = as_text(change.get("new_str", MISSING), f"{place}.new_str")
        everywhere = as_boolean(change.get("replace_all_matches", False), f"{place}.replace_all_matches")
        if not old:
            raise mismatch(f"{place}.old_str", "a non-empty string", old)
        count = text.count(old)
        if count == 0:
            raise invalid(f'Could not find content matching "{old[:100]}" in the page.')
        if count > 1 and not everywhere:
            raise invalid(
                f'Found {count} matches for "{old[:100]}": set `replace_all_matches` or select more text.'
            )
        text = text.replace(old, new)
    return text


def _replace(_before: Written, said: Mapping[str, Json], path: str) -> str:
    return as_text(said.get("new_str", MISSING), f"{path}.new_str")


_EDITS = {
    "insert_content": _insert,
    "replace_content_range": _replace_range,
    "update_content": _update,
    "replace_content": _replace,
}


def _become(
    store: Store, page: Page, before: Written, after: Sequence[str], moment: Moment, *, deleting: bool
) -> None:
    """Give a page the blocks of a new text; a block whose text is still there is kept."""
    kept: dict[str, deque[str]] = {}
    for id_, text in before.parts:
        kept.setdefault(text, deque()).append(id_)
    order: list[str] = []
    for segment in after:
        same = kept.get(segment)
        if same:
            order.append(same.popleft())
        else:
            made = store.append(page.id, drafts(segment), moment)
            order.extend(block.id for block in made)
    gone = {id_ for same in kept.values() for id_ in same}
    _delete(store, gone, moment, deleting=deleting)
    current = store.page(page.id)
    hidden = [id_ for id_ in current.children if id_ not in order]
    changed = replace(current, children=(*order, *hidden), stamp=moment.edit(current.stamp))
    store.workspace.put(changed)


def _delete(store: Store, gone: set[str], moment: Moment, *, deleting: bool) -> None:
    for id_ in sorted(gone, key=lambda each: store.node(each).seq):
        node = store.node(id_)
        if not isinstance(node, Block) and not deleting:
            raise invalid(
                f'This would delete the page or database "{store.workspace.title(id_)}": set '
                "`allow_deleting_content` to allow it."
            )
        store.set_trashed(id_, moment, trashed=True)
