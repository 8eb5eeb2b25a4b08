"""The tools every agent has: a shell, files and pictures, all inside the sandbox.

Each runs as a command of the sandbox's own, with the agent's rights: no path that an agent names is ever
opened by this process.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from clawmark_services import Tool, ToolError
from pytest_clawmark.agents.contract import ToolResult
from pytest_clawmark.agents.images import KINDS, SOUNDS, image_type, sound_type
from pytest_clawmark.agents.wording import decode, quoted
from pytest_clawmark.sandboxes.contract import MIB, Completed, Sandbox

NAMES = ("shell", "read_file", "write_file", "edit_file", "view_image", "view_page", "listen")
SEEING = frozenset({"view_image", "view_page"})
"""What only models that see are offered; `listen` is for those that hear."""

_LINES = 2000
_EDITABLE = 8 * MIB
_CHUNK = 512 * 1024
# Linux refuses a single argument of 128 KiB or more (MAX_ARG_STRLEN).
_LONGEST_COMMAND = 120_000
_FILE_SECONDS = 60.0

_SHELL = 'if command -v bash >/dev/null 2>&1; then exec bash -c "$1"; else exec sh -c "$1"; fi'

# Refuses pipes and devices as well, which would block or never end.
_REGULAR = """
[ -d "$1" ] && { echo "it is a directory" >&2; exit 1; }
[ -e "$1" ] && [ ! -f "$1" ] && { echo "it is not a regular file" >&2; exit 1; }
"""
_READABLE = (
    """
[ -e "$1" ] || { echo "no such file" >&2; exit 1; }
"""
    + _REGULAR
    + """
[ -r "$1" ] || { echo "permission denied" >&2; exit 1; }
"""
)
_READ_SIZE = _READABLE + 'wc -c < "$1"'
_READ_BYTES = _READABLE + 'tail -c "+$2" < "$1" | head -c "$3"'
# Newlines, bytes, and whether the last byte is a newline: together the number of lines.
_READ_LINES = (
    _READABLE
    + """
counts=$(wc -lc < "$1") || exit 1
echo $counts $(tail -c 1 < "$1" | wc -l)
tail -n "+$2" < "$1" | head -n "$3"
"""
)
_WRITE = _REGULAR + '{ [ -z "$2" ] || mkdir -p -- "$2"; } && cat > "$1"'


# Prints the number of pages, then the page as JPEG, small enough for what is kept of a command's output.
_DRAW_PAGE = """
import io, sys
import pypdfium2
path, number = sys.argv[1], int(sys.argv[2])
try:
    pdf = pypdfium2.PdfDocument(path)
except pypdfium2.PdfiumError as error:
    sys.exit(f"it is no PDF file that can be read ({error})")
if number > len(pdf):
    sys.exit(f"it has {len(pdf)} pages")
page = pdf[number - 1]
scale = min(2.0, 1600 / max(page.get_size()))
picture = page.render(scale=scale).to_pil().convert("RGB")
out = io.BytesIO()
picture.save(out, "JPEG", quality=80)
sys.stdout.buffer.write(b"%d\\n" % len(pdf) + out.getvalue())
"""

TOOL_NAMES = NAMES


class SandboxTools:
    """The tools of one sandbox. `env` is given to the agent's commands; sizes are bytes, times seconds."""

    def __init__(
        self,
        sandbox: Sandbox,
        env: Mapping[str, str],
        *,
        command_seconds: float,
        longest_seconds: float,
        image_bytes: int,
    ) -> None:
        self._sandbox = sandbox
        self._env = env
        self._command_seconds = command_seconds
        self._longest_seconds = max(longest_seconds, command_seconds)
        self._image_bytes = image_bytes

    def tools(self) -> Sequence[Tool]:
        """All of them, in the order of `NAMES`."""
        workspace = self._sandbox.paths["workspace"]
        path = _text(f"Absolute, or relative to {workspace}.")
        return (
            Tool(
                name="shell",
                description=(
                    f"Run a command in a bash shell. It starts in {workspace}; nothing but files lasts from "
                    "one call to the next. Gives its output, then its errors and its exit code if not 0."
                ),
                parameters=_object(
                    {
                        "command": _text("The command, of one or more lines."),
                        "timeout_seconds": self._seconds(),
                    },
                    "command",
                ),
                call=self.shell,
            ),
            Tool(
                name="read_file",
                description=f"Read a text file by lines, by default its first {_LINES}.",
                parameters=_object(
                    {
                        "path": path,
                        "offset": _count("The first line to read, counted from 1."),
                        "limit": _count(f"How many lines to read; {_LINES} by default."),
                    },
                    "path",
                ),
                call=self.read_file,
            ),
            Tool(
                name="write_file",
                description="Create or replace a text file; missing folders are made.",
                parameters=_object({"path": path, "content": _text("The whole text.")}, "path", "content"),
                call=self.write_file,
            ),
            Tool(
                name="edit_file",
                description="Replace a piece of a file's text, which must occur exactly once.",
                parameters=_object(
                    {
                        "path": path,
                        "old": {**_text("The text to replace, exactly as it stands."), "minLength": 1},
                        "new": _text("The text to put in its place."),
                        "replace_all": {"type": "boolean", "description": "Replace every occurrence."},
                    },
                    "path",
                    "old",
                    "new",
                ),
                call=self.edit_file,
            ),
            Tool(
                name="view_image",
                description=f"Look at an image file ({KINDS}, at most {self._image_bytes:,} bytes).",
                parameters=_object({"path": path}, "path"),
                call=self.view_image,
            ),
            Tool(
                name="view_page",
                description="Look at one page of a PDF file.",
                parameters=_object(
                    {"path": path, "page": _count("Which page, counted from 1; the first by default.")},
                    "path",
                ),
                call=self.view_page,
            ),
            Tool(
                name="listen",
                description=f"Listen to a recording ({SOUNDS}, at most {self._image_bytes:,} bytes).",
                parameters=_object({"path": path}, "path"),
                call=self.listen,
            ),
        )

    def shell(self, command: str, timeout_seconds: float | None = None) -> ToolResult:
        """Run a command; a result with `error` set unless it exits with 0 in time."""
        _refuse_nul(command, "command")
        if len(command.encode()) > _LONGEST_COMMAND:
            raise ToolError(
                f"the command is longer than {_LONGEST_COMMAND:,} bytes: "
                "put long texts into files with write_file"
            )
        seconds = timeout_seconds or self._command_seconds
        done = self._sandbox.run(["sh", "-c", _SHELL, "sh", command], env=self._env, timeout=seconds)
        return ToolResult(
            text=_told(done, self._why_it_ended(done, seconds)),
            error=done.timed_out or done.exit_code != 0,
        )

    def read_file(self, path: str, offset: int = 1, limit: int = _LINES) -> str:
        """Lines `offset` to `offset + limit - 1`, and a note where the file goes on."""
        # JSON Schema counts 2.0 as an integer.
        first, count = int(offset), int(limit)
        done = self._script(_READ_LINES, path, str(first), str(count))
        counts, _, content = done.stdout.partition(b"\n")
        newlines, size, ends_with_newline = _numbers(counts, 3)
        lines = newlines + (1 if size and not ends_with_newline else 0)
        if first > max(lines, 1):
            raise ToolError(f"{quoted(path)} has {lines} lines: offset {first} is past its end")
        text = decode(content)
        if done.truncated:
            return f"{text}\n[these lines are too long to be read at once: use shell for parts of them]"
        if first + count <= lines:
            end = "" if text.endswith("\n") else "\n"
            last = first + count - 1
            return f"{text}{end}[lines {first} to {last} of {lines}; read on with offset={last + 1}]"
        return text

    def write_file(self, path: str, content: str) -> str:
        """Create or replace a file."""
        size = self._write(path, content.encode())
        return f"wrote {size:,} bytes to {path}"

    def edit_file(self, path: str, old: str, new: str, *, replace_all: bool = False) -> str:
        """Replace `old`, which must be unambiguous unless `replace_all`."""
        before = self._read(path, _EDITABLE)
        count = before.count(old.encode())
        if count == 0:
            raise ToolError(f"the old text does not occur in {quoted(path)}: read the file first")
        if count > 1 and not replace_all:
            raise ToolError(
                f"the old text occurs {count} times in {quoted(path)}: "
                "give more of what surrounds it, or set replace_all"
            )
        self._write(path, before.replace(old.encode(), new.encode()))
        return f"replaced {count} occurrence{'s' if count > 1 else ''} in {path}"

    def view_image(self, path: str) -> ToolResult:
        """An image, for models that see."""
        data = self._read(path, self._image_bytes)
        kind = image_type(data)
        if kind is None:
            raise ToolError(f"{quoted(path)} is no {KINDS} image; convert it with a program first")
        return ToolResult(text=f"{path}: {kind}, {len(data):,} bytes", image=data, image_type=kind)

    def view_page(self, path: str, page: int = 1) -> ToolResult:
        """A page of a PDF as an image, drawn by the world's own Python."""
        number = int(page)
        self._script(_READABLE, path)
        command = ["python3", "-I", "-c", _DRAW_PAGE, self._place(path), str(number)]
        done = self._sandbox.run(command, timeout=_FILE_SECONDS)
        if done.exit_code != 0 or done.truncated:
            reason = decode(done.stderr).strip().rpartition("\n")[2] or f"exit code {done.exit_code}"
            raise ToolError(f"{quoted(path)}: page {number} cannot be drawn: {reason}")
        pages, _, data = done.stdout.partition(b"\n")
        kind = image_type(data)
        if kind is None:
            raise ToolError(f"{quoted(path)}: page {number} cannot be drawn")
        told = f"{path}: page {number} of {decode(pages[:20])}"
        return ToolResult(text=told, image=data, image_type=kind)

    def listen(self, path: str) -> ToolResult:
        """A recording, for models that hear: it takes the place of the image."""
        data = self._read(path, self._image_bytes)
        kind = sound_type(data)
        if kind is None:
            raise ToolError(f"{quoted(path)} is no {SOUNDS} recording; convert it with a program first")
        return ToolResult(text=f"{path}: {kind}, {len(data):,} bytes", image=data, image_type=kind)

    def _place(self, path: str) -> str:
        return self._sandbox.paths["home"] + path[1:] if path.startswith("~/") else path

    def _read(self, path: str, most: int) -> bytes:
        (size,) = _numbers(self._script(_READ_SIZE, path).stdout, 1)
        if size > most:
            raise ToolError(f"{quoted(path)} has {size:,} bytes; the limit is {most:,}")
        data = b""
        # A sandbox keeps only so much of a command's output, so large files come in pieces.
        while len(data) < size:
            piece = self._script(_READ_BYTES, path, str(len(data) + 1), str(_CHUNK)).stdout
            if not piece:
                raise ToolError(f"{quoted(path)}: only {len(data):,} of {size:,} bytes could be read")
            data += piece
        return data

    def _write(self, path: str, data: bytes) -> int:
        self._script(_WRITE, path, posixpath.dirname(path), stdin=data)
        return len(data)

    def _script(self, script: str, path: str, *arguments: str, stdin: bytes = b"") -> Completed:
        """Run one of the scripts above; raises `ToolError` with its reason when it fails."""
        _refuse_nul(path, "path")
        if not path or len(path.encode()) > 4096:
            raise ToolError("the path must have 1 to 4096 bytes")
        done = self._sandbox.run(
            ["sh", "-c", script, "sh", self._place(path), *arguments], stdin=stdin, timeout=_FILE_SECONDS
        )
        if done.timed_out:
            raise ToolError(f"{quoted(path)}: no answer within {_FILE_SECONDS:g} seconds")
        if done.exit_code != 0:
            reason = decode(done.stderr).strip() or f"exit code {done.exit_code}"
            raise ToolError(f"{quoted(path)}: {reason}")
        return done

    def _why_it_ended(self, done: Completed, seconds: float) -> str:
        if done.timed_out:
            return (
                f"[timed out: after {seconds:g} seconds the command was killed with its children; "
                f"timeout_seconds may be set up to {self._longest_seconds:g}]"
            )
        return f"[exit code {done.exit_code}]" if done.exit_code else ""

    def _seconds(self) -> Mapping[str, Any]:
        return {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": self._longest_seconds,
            "description": f"Kill the command after this time; {self._command_seconds:g} by default.",
        }


def _told(done: Completed, ending: str) -> str:
    """Output as it is; errors and how it ended below it, each where there is something to tell."""
    parts = [decode(done.stdout)]
    if done.stderr:
        parts.append(f"[errors]\n{decode(done.stderr)}")
    if done.truncated:
        parts.append("[it wrote more than is kept; the rest was dropped]")
    if ending:
        parts.append(ending)
    text = ""
    for part in parts:
        text += ("\n" if text and not text.endswith("\n") else "") + part
    return text


def _numbers(output: bytes, count: int) -> list[int]:
    """What `wc` counted. An agent may have put another `wc` in its place: its own affair, not the world's."""
    fields = output.split()
    if len(fields) != count or not all(field.isdigit() for field in fields):
        raise ToolError(f"the sandbox's wc answered {decode(output[:100])!r}")
    return [int(field) for field in fields]


def _refuse_nul(text: str, what: str) -> None:
    if "\0" in text:
        raise ToolError(f"the {what} contains a NUL character, which no {what} can")


def _object(properties: Mapping[str, Any], *required: str) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _text(description: str) -> Mapping[str, Any]:
    return {"type": "string", "description": description}


def _count(description: str) -> Mapping[str, Any]:
    return {"type": "integer", "minimum": 1, "description": description}
