import hashlib
import json
from pathlib import Path

import pytest

from clawmark_services import Tool, ToolError
from clawmark_services.actor import current_actor
from pytest_clawmark.failures import TaskFailure, WorldFailure
from pytest_clawmark.sandboxes.contract import Completed

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"


class Desk:
    """A service of one tool; `call` is what the tool does."""

    def __init__(self, call, name="desk_ask"):
        self._tool = Tool(
            name=name,
            description="Ask the desk.",
            parameters={"type": "object", "properties": {"about": {"type": "string"}}, "required": ["about"]},
            call=call,
        )

    def tools(self):
        return [self._tool]


def text(toolset, name, **arguments):
    result = toolset.call(name, arguments)
    assert not result.error, result.text
    return result.text


def refusal(toolset, name, arguments):
    result = toolset.call(name, arguments)
    assert result.error
    return result.text


def test_a_command_starts_in_the_workspace_with_the_variables_of_the_office(toolset, sandbox):
    tools = toolset(env={"CLAWMARK_EMAIL_URL": "imap://mail:3143"})
    told = text(tools, "shell", command='pwd; echo "$CLAWMARK_EMAIL_URL"')
    assert told == f"{sandbox.workspace}\nimap://mail:3143\n"


def test_a_failed_command_tells_its_output_its_errors_and_its_exit_code(toolset):
    told = refusal(toolset(), "shell", {"command": "echo out; echo wrong >&2; exit 3"})
    assert told == "out\n[errors]\nwrong\n[exit code 3]"


def test_bash_is_spoken_where_there_is_bash(toolset):
    assert text(toolset(), "shell", command="a=(one two); echo ${a[1]}") == "two\n"


def test_a_command_beyond_its_time_is_told_so(toolset, sandbox, monkeypatch):
    ended = Completed(exit_code=-9, stdout=b"begun\n", stderr=b"", timed_out=True)
    monkeypatch.setattr(sandbox, "run", lambda *_, **settings: ended if settings["timeout"] == 7 else None)
    told = refusal(toolset(), "shell", {"command": "make", "timeout_seconds": 7})
    assert told.startswith("begun\n[timed out: after 7 seconds the command was killed with its children")


def test_a_command_that_outlives_its_time_really_ends(toolset):
    assert "timed out" in refusal(toolset(), "shell", {"command": "sleep 600", "timeout_seconds": 0.1})


def test_nobody_may_ask_for_more_time_than_the_most(toolset):
    told = refusal(toolset(longest_seconds=600), "shell", {"command": "true", "timeout_seconds": 601})
    assert "601 is greater than the maximum of 600" in told


def test_a_command_that_no_process_could_take_is_refused_with_a_way_out(toolset, sandbox):
    told = refusal(toolset(), "shell", {"command": "echo " + "x" * 200_000})
    assert "write_file" in told
    assert sandbox.commands == []


def test_bytes_that_are_no_text_are_replaced(toolset):
    assert text(toolset(), "shell", command=r"printf 'a\377\000b'") == "a\ufffd\ufffdb"


def test_long_output_keeps_its_head_and_its_tail(toolset):
    told = text(toolset(output_characters=300), "shell", command="seq 1 1000")
    assert told.startswith("1\n2\n")
    shown, _, kept = told.partition("\n[the whole text is in ")
    assert shown.endswith("999\n1000\n")
    assert Path(kept.removesuffix("]")).read_text() == "".join(f"{n}\n" for n in range(1, 1001))
    assert "characters left out of 3,893" in told
    assert len(shown) < 400


def test_an_output_that_the_sandbox_dropped_is_mentioned(tmp_path, toolset):
    from support.plain_sandbox import PlainSandbox

    tools = toolset(sandbox=PlainSandbox(tmp_path / "small", kept_output=10))
    assert "the rest was dropped" in text(tools, "shell", command="seq 1 100")


def test_a_file_is_written_with_its_folders_read_and_edited(toolset, sandbox):
    tools = toolset()
    text(tools, "write_file", path="reports/q1/note.txt", content="Zürich: 3 seats\nBern: 4 seats\n")
    text(tools, "edit_file", path="reports/q1/note.txt", old="3 seats", new="5 seats")
    assert text(tools, "read_file", path="reports/q1/note.txt") == "Zürich: 5 seats\nBern: 4 seats\n"
    assert (sandbox.workspace / "reports/q1/note.txt").read_text() == "Zürich: 5 seats\nBern: 4 seats\n"


def test_a_path_may_begin_with_a_dash_or_hold_spaces_and_quotes(toolset, sandbox):
    tools = toolset()
    for name in ("-n", "a b'c\".txt", "$(id)", "new\nline"):
        text(tools, "write_file", path=name, content=name)
        assert text(tools, "read_file", path=name) == name
        assert (sandbox.workspace / name).read_text() == name


def test_the_home_folder_may_be_written_as_a_tilde(toolset, sandbox):
    text(toolset(), "write_file", path="~/notes.txt", content="mine")
    assert text(toolset(), "shell", command="cat ~/notes.txt") == "mine"


def test_a_long_file_is_read_in_parts(toolset, sandbox):
    (sandbox.workspace / "long.txt").write_text("".join(f"{n}\n" for n in range(1, 11)))
    tools = toolset()
    first = text(tools, "read_file", path="long.txt", limit=4)
    assert first == "1\n2\n3\n4\n[lines 1 to 4 of 10; read on with offset=5]"
    assert text(tools, "read_file", path="long.txt", offset=9) == "9\n10\n"
    assert "has 10 lines" in refusal(tools, "read_file", {"path": "long.txt", "offset": 11})


@pytest.mark.parametrize("content", ["", "one", "one\n", "\n", "one\ntwo", "\n\n"])
def test_a_file_reads_as_it_was_written(toolset, content):
    tools = toolset()
    text(tools, "write_file", path="f", content=content)
    assert text(tools, "read_file", path="f") == content
    lines = content.count("\n") + (0 if content.endswith("\n") or not content else 1)
    assert f"has {lines} lines" in refusal(tools, "read_file", {"path": "f", "offset": max(lines, 1) + 1})


@pytest.mark.parametrize("name", ["read_file", "view_image"])
def test_what_is_no_file_cannot_be_read(toolset, sandbox, name):
    import os

    os.mkfifo(sandbox.workspace / "pipe")
    tools = toolset()
    assert "no such file" in refusal(tools, name, {"path": "absent"})
    assert "it is a directory" in refusal(tools, name, {"path": "."})
    assert "not a regular file" in refusal(tools, name, {"path": "pipe"})
    assert "not a regular file" in refusal(tools, name, {"path": "/dev/zero"})
    assert "NUL" in refusal(tools, name, {"path": "a\0b"})
    assert "1 to 4096 bytes" in refusal(tools, name, {"path": ""})


def test_an_agent_that_bends_the_sandboxs_programs_breaks_its_own_tools_only(toolset, sandbox, monkeypatch):
    fake = sandbox.workspace / "wc"
    fake.write_text("#!/bin/sh\necho lots\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sandbox.workspace}:/usr/bin:/bin")
    assert "wc answered 'lots" in refusal(toolset(), "view_image", {"path": "wc"})
    assert "wc answered 'lots" in refusal(toolset(), "read_file", {"path": "wc"})


def test_a_pipe_cannot_be_written(toolset, sandbox):
    import os

    os.mkfifo(sandbox.workspace / "pipe")
    assert "not a regular file" in refusal(toolset(), "write_file", {"path": "pipe", "content": "x"})


def test_a_full_disk_is_told_to_the_agent(toolset, sandbox):
    (sandbox.workspace / "full").symlink_to("/dev/full")
    assert "not a regular file" in refusal(toolset(), "write_file", {"path": "full", "content": "x"})
    (sandbox.workspace / "file").write_text("in the way")
    assert "file" in refusal(toolset(), "write_file", {"path": "file/below", "content": "x"})


def test_an_ambiguous_edit_changes_nothing(toolset, sandbox):
    path = sandbox.workspace / "f"
    path.write_text("a a")
    tools = toolset()
    assert "occurs 2 times" in refusal(tools, "edit_file", {"path": "f", "old": "a", "new": "b"})
    assert "does not occur" in refusal(tools, "edit_file", {"path": "f", "old": "z", "new": "b"})
    assert path.read_text() == "a a"
    told = text(tools, "edit_file", path="f", old="a", new="b", replace_all=True)
    assert told == "replaced 2 occurrences in f"
    assert path.read_text() == "b b"


def test_a_file_that_cannot_be_read_whole_is_not_edited(toolset, sandbox, monkeypatch):
    path = sandbox.workspace / "f"
    path.write_text("old and precious")
    fake = sandbox.workspace / "tail"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sandbox.workspace}:/usr/bin:/bin")
    told = refusal(toolset(), "edit_file", {"path": "f", "old": "old", "new": "new"})
    assert "only 0 of 16 bytes could be read" in told
    assert path.read_text() == "old and precious"


def test_an_edit_leaves_bytes_that_are_no_text_alone(toolset, sandbox):
    path = sandbox.workspace / "f"
    path.write_bytes(b"\xff old \x00")
    text(toolset(), "edit_file", path="f", old="old", new="new")
    assert path.read_bytes() == b"\xff new \x00"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89arest", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPrest", "image/webp"),
    ],
)
def test_an_image_is_known_by_its_first_bytes(toolset, sandbox, data, kind):
    (sandbox.workspace / "scan.txt").write_bytes(data)
    result = toolset().call("view_image", {"path": "scan.txt"})
    assert (result.error, result.image, result.image_type) == (False, data, kind)


def test_an_image_larger_than_one_output_comes_whole(toolset, tmp_path, records):
    from support.plain_sandbox import PlainSandbox

    sandbox = PlainSandbox(tmp_path / "small", kept_output=100_000)
    data = PNG + bytes(range(256)) * 1000
    (sandbox.workspace / "scan.png").write_bytes(data)
    assert toolset(sandbox=sandbox).call("view_image", {"path": "scan.png"}).image == data
    assert records[-1]["image"] == {
        "type": "image/png",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def test_what_is_no_image_or_too_large_is_refused(toolset, sandbox):
    (sandbox.workspace / "fake.png").write_bytes(b"%PDF-1.7")
    (sandbox.workspace / "big.png").write_bytes(PNG * 100)
    assert "no PNG, JPEG, GIF or WebP" in refusal(toolset(), "view_image", {"path": "fake.png"})
    assert "the limit is 100" in refusal(toolset(image_bytes=100), "view_image", {"path": "big.png"})


def test_a_caller_without_eyes_is_told_so(toolset, sandbox, records):
    (sandbox.workspace / "scan.png").write_bytes(PNG)
    result = toolset().call("view_image", {"path": "scan.png"}, images=False)
    assert result.error
    assert result.image is None
    assert "takes no images" in records[-1]["output"]


def test_an_unknown_or_forbidden_tool_is_answered_with_those_allowed(toolset):
    tools = toolset(allowed={"shell", "read_file"})
    assert [tool.name for tool in tools.tools] == ["shell", "read_file"]
    unknown = refusal(tools, "browse", {})
    assert unknown == "the tool 'browse' does not exist. Tools you may call: shell, read_file."
    assert "'browse' does not exist" in refusal(tools, "browse", "{broken")
    assert "'write_file' is not allowed today" in refusal(tools, "write_file", {"path": "f", "content": ""})


def test_a_turn_cannot_allow_a_tool_that_does_not_exist(toolset):
    with pytest.raises(TaskFailure, match="unknown tools: brouse; there are shell, read_file"):
        toolset(allowed={"brouse"})


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ('{"command": "echo', "not valid JSON"),
        ('["ls"]', "one JSON object"),
        ("null", "one JSON object"),
        ('{"command": NaN}', "NaN is no JSON number"),
        ('{"command": "true", "timeout_seconds": 1e999}', "no number that JSON can carry"),
        ('{"command": "\\ud800"}', "surrogate"),
        ("[" * 100_000, "not valid JSON"),
        ("{}", "'command' is a required property"),
        ("", "'command' is a required property"),
        ('{"command": 7}', "7 is not of type 'string'"),
        ('{"command": "ls", "cwd": "/"}', "It takes command (string), timeout_seconds (number, optional)"),
        ('{"command": "a\\u0000b"}', "NUL"),
    ],
)
def test_malformed_arguments_are_explained_and_run_nothing(toolset, sandbox, records, raw, why):
    assert why in refusal(toolset(), "shell", raw)
    assert sandbox.commands == []
    assert json.dumps(records, allow_nan=False)


def test_a_record_can_always_be_written_as_utf8(toolset, records):
    toolset().call("shell\ud800", '{"command": "\\ud800"}')
    toolset().call("shell", {"\ud800": "\ud800"})
    assert json.dumps(records, ensure_ascii=False).encode()


def test_every_call_is_counted_and_written_down(toolset, records):
    tools = toolset()
    tools.call("shell", '{"command": "echo hello"}')
    tools.call("nothing", "{")
    assert tools.calls == 2
    seconds = [record.pop("seconds") for record in records]
    assert all(value >= 0 for value in seconds)
    assert records[0] == {
        "type": "tool",
        "name": "shell",
        "arguments": {"command": "echo hello"},
        "output": "hello\n",
        "error": False,
    }
    assert records[1]["arguments"] == "{"
    assert records[1]["error"]


def test_a_service_answers_as_the_agent_with_text_or_json(toolset):
    tools = toolset(services=[Desk(lambda about: {"about": about, "who": current_actor().who, "ü": 1})])
    assert json.loads(text(tools, "desk_ask", about="leave")) == {"about": "leave", "who": "agent", "ü": 1}
    assert "ü" in text(tools, "desk_ask", about="leave")
    assert "It takes about (string)" in refusal(tools, "desk_ask", {})


def test_a_tool_that_refuses_or_breaks_is_an_error_and_never_a_void_episode(toolset, records):
    def refuse(about):
        raise ToolError("no such desk: use 'front'")

    def break_down(about):
        raise KeyError(about)

    tools = toolset(services=[Desk(refuse), Desk(break_down, "desk_open")])
    assert refusal(tools, "desk_ask", {"about": "x"}) == "no such desk: use 'front'"
    assert refusal(tools, "desk_open", {"about": "x"}) == "the tool desk_open failed: KeyError: 'x'"
    assert records[-1]["error"]


def test_arguments_nested_too_deeply_are_an_error(toolset, records):
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    tools = toolset(services=[Desk(str)])
    assert tools.call("desk_ask", {"about": deep}).error
    assert records[-1]["error"]


def test_a_broken_sandbox_is_passed_on_and_written_down(toolset, sandbox, records):
    sandbox.broken = True
    with pytest.raises(WorldFailure, match="the sandbox is gone"):
        toolset().call("shell", {"command": "true"})
    assert records[-1]["output"] == "the sandbox is gone"


def test_two_services_cannot_offer_the_same_tool(toolset):
    with pytest.raises(WorldFailure, match="desk_ask"):
        toolset(services=[Desk(str), Desk(str)])
