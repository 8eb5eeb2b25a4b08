"""Several requests in one, as Google's clients send them to `/batch/drive/v3` and `/batch`.

Source: Google's guide "Send batch requests": multipart/mixed with one application/http per call.
"""

from __future__ import annotations

import email.parser
import email.policy
from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

BOUNDARY = "batch_clawmark"
MOST = 1000
"""Calls in one batch; Google takes 100 for Drive and 1000 elsewhere."""


@dataclass(frozen=True, slots=True)
class Part:
    """One call of a batch: its request, and the id that its answer refers to."""

    request: Request
    id: str | None


class MalformedBatch(Exception):
    """The body is no batch of HTTP requests."""


def parts(request: Request) -> list[Part]:
    """The calls of a batch; those without credentials of their own take the batch's."""
    if not request.mimetype.startswith("multipart/"):
        raise MalformedBatch("the content type of a batch is multipart/mixed")
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.get_data())
    calls = [part for part in message.iter_parts() if part.get_content_type() == "application/http"]
    if not calls or len(calls) > MOST:
        raise MalformedBatch(f"a batch has 1 to {MOST} parts of type application/http")
    return [
        Part(_call(bytes(part.get_payload(decode=True) or b""), request), part.get("Content-ID"))
        for part in calls
    ]


def _call(content: bytes, outer: Request) -> Request:
    head, _, body = content.replace(b"\r\n", b"\n").lstrip(b"\n").partition(b"\n\n")
    first, _, fields = head.decode("utf-8", "replace").partition("\n")
    words = first.split()
    if len(words) not in (2, 3):
        raise MalformedBatch(f"a call begins with a method and an address, not with {first!r}")
    headers = Headers()
    for line in fields.splitlines():
        name, mark, value = line.partition(":")
        if mark and name.strip().lower() not in ("host", "content-length"):
            headers.add(name.strip(), value.strip())
    if "Authorization" not in headers and "Authorization" in outer.headers:
        headers["Authorization"] = outer.headers["Authorization"]
    path = words[1].partition("://")[2].partition("/")[2] if "://" in words[1] else words[1].lstrip("/")
    try:
        builder = EnvironBuilder(path=f"/{path}", method=words[0], headers=headers, data=body)
        return builder.get_request()
    except ValueError as wrong:
        raise MalformedBatch(str(wrong)) from wrong


def answer(calls: list[Part], respond: Callable[[Request], Response]) -> Response:
    """The answers to all calls, in their order."""
    sections = [_section(call, respond(call.request)) for call in calls]
    body = b"".join(b"--" + BOUNDARY.encode() + b"\r\n" + section for section in sections)
    body += b"--" + BOUNDARY.encode() + b"--\r\n"
    return Response(body, content_type=f"multipart/mixed; boundary={BOUNDARY}")


def _section(call: Part, response: Response) -> bytes:
    lines = ["Content-Type: application/http"]
    if call.id:
        # Google answers to `<x>` as `<response-x>`.
        lines.append(f"Content-ID: <response-{call.id.strip('<>')}>")
    lines += ["", f"HTTP/1.1 {response.status}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + response.get_data() + b"\r\n"
