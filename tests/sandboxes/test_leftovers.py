"""What killed runs leave, and that cleaning takes that and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_clawmark.cli import main
from pytest_clawmark.sandboxes import SandboxProvider, leftovers
from pytest_clawmark.sandboxes.engine import LABEL, MAKER_LABEL, Engine
from pytest_clawmark.sandboxes.maker import is_gone, maker, own_folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made and looked for; nothing else of this machine is looked at."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("CLAWMARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(leftovers, "abandoned_groups", list)
    return tmp_path


def ended() -> subprocess.Popen[bytes]:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process


def test_folders_of_ended_processes_go_and_those_of_living_ones_stay(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place}/none.sock")
    living, others = own_folder(), place / "someone-elses"
    abandoned = place / f"clawmark-{ended().pid}-abcd"
    (abandoned / "deep").mkdir(parents=True)
    others.mkdir()
    assert main(["clean", "--dry-run"]) == 0
    assert abandoned.exists()
    assert main(["clean"]) == 0
    assert not abandoned.exists()
    assert living.exists()
    assert others.exists()
    said = capsys.readouterr().out
    assert f"found folder {abandoned}" in said
    assert f"removed folder {abandoned}" in said
    assert "docker: not looked at" in said


def test_a_maker_is_told_from_another_process_of_the_same_number() -> None:
    me = maker()
    assert is_gone(me) is False
    boot, number, started = me.split()
    assert is_gone(f"{boot} {number} {int(started) + 1}") is True
    assert is_gone(f"{boot} {ended().pid} 1") is True


@pytest.mark.parametrize("text", ["", "nonsense", "another-boot 1 1"])
def test_of_makers_on_other_machines_nothing_is_known(text: str) -> None:
    assert is_gone(text) is None


STARTS = """
import os, sys
from pytest_clawmark.sandboxes.engine import Engine
engine = Engine("killed")
print(engine.create(sys.argv[1], ["true"], host={}), flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.docker
def test_containers_and_volumes_of_killed_runs_are_found_by_their_label(
    provider_of: Callable[[str], SandboxProvider],
) -> None:
    provider = provider_of("docker")
    image = provider.find_image()
    killed = subprocess.run([sys.executable, "-c", STARTS, image], capture_output=True, check=False)
    left = killed.stdout.decode().strip()
    engine = Engine("living")
    mine = engine.create(image, ["true"], host={})
    volume = f"clawmark-test-{os.getpid()}"
    labels = {LABEL: "killed", MAKER_LABEL: f"{maker().split()[0]} {ended().pid} 1"}
    with engine._client("makes a volume") as client:
        client.create_volume(volume, labels=labels)
    try:
        found = {each.name: each for each in leftovers.in_the_engine()}
        assert {left, volume} <= set(found)
        assert mine not in found
        found[left].remove()
        found[volume].remove()
        assert not {left, volume} & {each.name for each in leftovers.in_the_engine()}
    finally:
        engine.discard(mine)
        engine.discard(left)
        engine.close()


def test_a_process_is_ours_only_with_our_init_and_without_a_parent(place: Path) -> None:
    arguments = ["bwrap", "--die-with-parent", "/opt/init.py"]
    script = "import time; time.sleep(1000)"
    with subprocess.Popen([sys.executable, "-c", script, *arguments]) as process:
        try:
            assert str(process.pid) not in {each.name for each in leftovers.on_this_machine()}
        finally:
            process.kill()
