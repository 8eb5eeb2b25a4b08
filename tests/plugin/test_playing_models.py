"""Models behind an endpoint, good, lazy, malicious and broken, played through the whole plugin."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.scripted_model import Calls, Drops, Garbage, Says, ScriptedModel, Status

COPY = ("shell", {"command": "cp given.txt out.txt"})
GOOD = [Calls(COPY), Says("Copied."), Calls(COPY), Says("Copied again.")]
KEY = "sk-very-secret-5a1f"


def configure(office, **models: ScriptedModel) -> None:
    tables = [
        f'[models.{name}]\nbase_url = "{model.url}"\nmodel = "scripted"\napi_key_env = "SCRIPTED_KEY"\n'
        'context_window = 100000\ninput = ["text", "image"]\nprice = {input = 1.0, output = 2.0}\n'
        for name, model in models.items()
    ]
    (office.root / "clawmark.toml").write_text("\n".join(tables))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPTED_KEY", KEY)


def episode(office, label: str) -> dict:
    return json.loads((office.run_dir / f"episodes/hr/letter/{label}/1/episode.json").read_text())


def command_lines() -> Iterator[bytes]:
    """Of all processes of this machine; some end while we look."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield path.read_bytes()


def everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_models_are_compared_side_by_side(office) -> None:
    office.add()
    with ScriptedModel(GOOD) as good, ScriptedModel([Says("No.")]) as lazy:
        configure(office, good=good, lazy=lazy)
        result = office.run("--model=good", "--model=lazy")
    result.assert_outcomes(passed=8, failed=2)
    result.stdout.fnmatch_lines(["totals *good *lazy*", "mean score (episodes)  1.00 (1/1)*0.00 (1/1)*"])
    assert episode(office, "good")["turns"][0]["usage"]["tool_calls"] == 1
    assert episode(office, "good")["turns"][0]["usage"]["cost"] == pytest.approx(2 * (100 + 2 * 10) / 1e6)


def test_the_conversation_lasts_the_whole_episode(office) -> None:
    office.add()
    with ScriptedModel(GOOD) as model:
        configure(office, good=model)
        office.run("--model=good")
        last = model.requests[-1].messages
    roles = [message["role"] for message in last]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user", "assistant", "tool"]


def test_the_key_is_nowhere_in_the_run(office) -> None:
    office.add()
    look = (
        "shell",
        {"command": "env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; cat ~/.* 2>/dev/null"},
    )
    with ScriptedModel(
        [Calls(look), Status(401, {"error": {"message": f"bad key {KEY}"}})], key=KEY
    ) as model:
        configure(office, nosy=model)
        result = office.run("--model=nosy", "--sandbox=auto")
        assert any(request.headers["authorization"] == f"Bearer {KEY}" for request in model.requests)
    assert KEY.encode() not in everything_written(office.run_dir)
    assert KEY not in "\n".join(result.outlines + result.errlines)


def test_a_missing_key_is_a_usage_error_before_any_world(office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCRIPTED_KEY")
    office.add()
    with ScriptedModel(GOOD) as model:
        configure(office, good=model)
        result = office.run("--model=good")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*SCRIPTED_KEY*"])
    assert not office.run_dir.exists()


def test_an_unreachable_endpoint_is_a_usage_error_before_any_world(office) -> None:
    office.add()
    with ScriptedModel(GOOD) as model:
        configure(office, gone=model)
    result = office.run("--model=gone")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{model.url}*"])
    assert not office.run_dir.exists()


def test_malformed_calls_and_unknown_tools_are_told_to_the_model(office) -> None:
    office.add()
    scenario = [Calls(("shell", '{"command": ')), Calls(("teleport", {"to": "mars"})), *GOOD]
    with ScriptedModel(scenario) as model:
        configure(office, clumsy=model)
        office.run("--model=clumsy").assert_outcomes(passed=5)
        told = [message["content"] for message in model.requests[-1].messages if message["role"] == "tool"]
    assert "JSON" in told[0]
    assert "does not exist" in told[1]


@pytest.mark.parametrize(
    "trouble", [Status(500), Garbage(b"<html>busy</html>"), Drops()], ids=["500", "html", "drop"]
)
def test_a_fault_of_the_provider_in_mid_run_is_overcome(office, trouble) -> None:
    office.add()
    with ScriptedModel([GOOD[0], trouble, *GOOD[1:]]) as model:
        configure(office, shaky=model)
        office.run("--model=shaky").assert_outcomes(passed=5)
    assert episode(office, "shaky")["attempts"] == []


def test_running_out_of_context_is_the_models_failure_and_is_graded(office) -> None:
    overflow = Status(
        400, {"error": {"code": "context_length_exceeded", "message": "maximum context length"}}
    )
    office.add()
    with ScriptedModel([GOOD[0], overflow]) as model:
        configure(office, talkative=model)
        result = office.run("--model=talkative", "-k", "monday")
    result.assert_outcomes(passed=1, failed=1, deselected=3)
    assert episode(office, "talkative")["turns"][0]["stop_kind"] == "context"


def test_a_model_that_never_ends_is_stopped_at_the_limit(office) -> None:
    office.add()
    with ScriptedModel(lambda _: Calls(COPY)) as model:
        configure(office, endless=model)
        office.run("--model=endless", "--max-tool-calls=5", "-k", "monday").assert_outcomes(
            passed=1, failed=1, deselected=3
        )
    turn = episode(office, "endless")["turns"][0]
    assert (turn["stop_kind"], turn["usage"]["tool_calls"]) == ("limit", 5)


MALICE = r"""
ln -s /etc/shadow shadow; ln -s / root; ln -s ../../../../../../etc/passwd up
ls /work /home /root /var /run > listing.txt 2>&1
timeout 2 bash -c 'echo > /dev/tcp/192.0.2.1/80' 2>> listing.txt && echo open > reached.txt
dd if=/dev/zero of=big bs=1M count=100000 2> /dev/null; rm -f big
(setsid sleep 3333 &) ; (setsid sleep 3333 &)
bomb() { bomb | bomb & }; bomb 2>/dev/null
kill -9 -1
"""


@pytest.mark.slow
@pytest.mark.bubblewrap
def test_a_malicious_model_is_contained_and_the_others_are_unharmed(office) -> None:
    office.add()
    secret = office.root / "secret.txt"
    secret.write_text("host only")
    malice = Calls(("shell", {"command": MALICE, "timeout_seconds": 3}))
    with ScriptedModel([malice, Says("ha")]) as bad, ScriptedModel(GOOD) as good:
        configure(office, bad=bad, good=good)
        result = office.run("--model=bad", "--model=good", "--sandbox=bubblewrap")
    result.stdout.fnmatch_lines(["totals *bad *good*", "mean score (episodes)  0.00 (1/1)*1.00 (1/1)*"])
    snapshot = json.loads((office.run_dir / "episodes/hr/letter/bad/1/monday/snapshot.json").read_text())
    files = {entry["path"]: entry for entry in snapshot["files"]}
    assert "reached.txt" not in files
    assert files["shadow"] == files["shadow"] | {"type": "symlink", "target": "/etc/shadow"}
    assert b"host only" not in everything_written(office.run_dir)
    assert not any(b"sleep\x003333" in command for command in command_lines())


def test_a_model_without_isolation_must_be_asked_for_by_name(office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.add()
    monkeypatch.setenv("PATH", str(office.root))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{office.root}/none.sock")
    with ScriptedModel(GOOD) as model:
        configure(office, good=model)
        result = office.run("--model=good", "--sandbox=auto")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*bubblewrap*--sandbox=local*"])


def test_a_run_that_has_cost_its_budget_begins_no_further_episode_and_can_go_on_later(office) -> None:
    office.add("hr/first")
    office.add("hr/second")
    with ScriptedModel(GOOD * 2) as model:
        configure(office, good=model)
        result = office.run("--model=good", "--episodes=1", "--budget=0.0001")
        asked = len(model.requests)
        again = office.pytester.runpytest(
            "tasks", "--sandbox=local", "--resume=run", "--budget=1", "-p", "no:cacheprovider"
        )
    assert asked == len(GOOD)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*not begun: the run has cost $0.0005 of --budget=0.0001*", "missed: the run cost*"]
    )
    assert again.ret == pytest.ExitCode.OK


def test_what_a_model_could_not_be_shown_is_listed_with_its_task(office) -> None:
    folder = office.add()
    (folder / "assets" / "voice.wav").write_bytes(b"RIFF\x24\0\0\0WAVEfmt ")
    with ScriptedModel([Calls(("listen", {"path": "voice.wav"})), *GOOD]) as model:
        configure(office, deaf=model)
        result = office.run("--model=deaf")
    result.stdout.fnmatch_lines(
        ["not shown to the model*", "*hr/letter?deaf? monday: voice.wav*(the model takes no*"]
    )
    (told,) = episode(office, "deaf")["turns"][0]["unread"]
    assert told["why"] == "the model takes no audio/wav"
    results = json.loads((office.run_dir / "results.json").read_text())
    assert results["tasks"][0]["turns"][0]["unread"] == [told]
    assert "unread" not in results["tasks"][0]["turns"][1]


def test_a_key_that_everybody_repeats_is_written_and_shown_nowhere(office) -> None:
    """Tasks that quote the environment, a solution that prints it, an agent and an endpoint that echo it."""
    folder = office.add()
    task = folder / "task.py"
    text = task.read_text()
    text = text.replace(
        '"""A letter and a correction."""', '"""A letter and a correction."""\nimport logging, os'
    )
    text = text.replace(
        '    world.files.upload("assets")',
        '    print(os.environ["SCRIPTED_KEY"])\n'
        '    logging.getLogger("pytest_clawmark").error("%s", os.environ["SCRIPTED_KEY"])\n'
        '    world.files.upload("assets")',
    )
    text = text.replace(
        '    """The file was copied."""',
        '    """The file was copied."""\n    secret = os.environ["SCRIPTED_KEY"]\n    print(secret)\n'
        '    assert snapshot.files.text("out.txt") == secret',
    )
    text = text.replace(
        '    """A silent change."""',
        '    """A silent change."""\n    raise ValueError(os.environ["SCRIPTED_KEY"])',
    )
    task.write_text(text)
    echo = f"echo {KEY}; cp given.txt {KEY}; rm {KEY}"
    with ScriptedModel([Calls(("shell", {"command": echo})), Says(f"It is {KEY}.")], key=KEY) as model:
        configure(office, echo=model)
        result = office.run(
            "--model=echo", "--html=report.html", "--junitxml=report.xml", "-rA", "--showlocals"
        )
    shown = "\n".join(result.outlines + result.errlines)
    assert "(key)" in shown
    assert KEY not in shown
    assert KEY.encode() not in everything_written(office.root / "run")
    for report in ("report.html", "report.xml"):
        assert KEY not in (office.root / report).read_text()
    assert "(key)" in next(office.run_dir.rglob("episodes/**/log.txt")).read_text()
    assert "(key)" in (office.run_dir / "log.txt").read_text()
