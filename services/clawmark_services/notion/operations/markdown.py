"""Pages as Markdown, and the tasks of those who would rather be answered later."""

from __future__ import annotations

import re
from typing import Any

from clawmark_services.notion import dates
from clawmark_services.notion.errors import mismatch
from clawmark_services.notion.grammar import as_boolean
from clawmark_services.notion.markdown import editing, written
from clawmark_services.notion.operations.call import Call, Reply
from clawmark_services.notion.records import AsyncTask

Json = Any

_TASK_ID = re.compile(r"task_[0-9a-f]{32}")
_POLL_SECONDS = 2


def retrieve(call: Call) -> Json:
    """`GET /v1/pages/{page_id}/markdown`"""
    return _shown(call, call.store.page(call.id("page_id")).id)


def _shown(call: Call, page_id: str) -> Json:
    content = written(call.store.workspace, call.store.page(page_id))
    return {
        "object": "page_markdown",
        "id": page_id,
        "markdown": content.text,
        "truncated": False,
        "unknown_block_ids": list(content.unknown),
    }


def update(call: Call) -> Json:
    """`PATCH /v1/pages/{page_id}/markdown`"""
    body = call.fields("allow_async", "type", *editing.KINDS)
    later = as_boolean(body.get("allow_async", False), "body.allow_async")
    page = call.store.page(call.id("page_id"))
    call.store.editable(page)
    with call.store.whole():
        editing.edit(call.store, page, body, call.moment)
        answer = _shown(call, page.id)
        return _queued(call, answer) if later else answer


def _queued(call: Call, result: Json) -> Reply:
    """The work is done at once; its result waits to be fetched."""
    task = AsyncTask(
        id=f"task_{call.store.ids.uuid().replace('-', '')}",
        created_at=dates.stored(call.now),
        operation="PATCH /v1/pages/:page_id/markdown",
        result=result,
    )
    call.store.workspace.async_tasks[task.id] = task
    return Reply({**_task(task), "status": "queued", "poll_after_seconds": _POLL_SECONDS}, status=202)


def _task(task: AsyncTask) -> dict[str, Json]:
    return {
        "object": "async_task",
        "id": task.id,
        "status_url": f"https://api.notion.com/v1/async_tasks/{task.id}",
        "created_time": f"{task.created_at[:-1]}.000Z",
        "operation": {"surface": "rest", "name": task.operation},
    }


def retrieve_task(call: Call) -> Json:
    """`GET /v1/async_tasks/{task_id}`"""
    id_ = call.path["task_id"]
    if not _TASK_ID.fullmatch(id_):
        raise mismatch("path.task_id", "a valid task id", id_)
    task = call.store.workspace.async_tasks.get(id_)
    if task is None:
        raise call.store.missing("async task", id_)
    return {**_task(task), "status": "succeeded", "result": task.result}
