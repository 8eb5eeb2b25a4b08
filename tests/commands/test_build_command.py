"""`pytest-clawmark build`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_clawmark.cli import main
from pytest_clawmark.commands import build
from pytest_clawmark.commands.build import Recipe, parse, recipe_of
from pytest_clawmark.failures import SettingsError, WorldFailure
from pytest_clawmark.sandboxes.docker import IMAGES
from pytest_clawmark.sandboxes.engine import Engine


@pytest.fixture
def engine():
    """The engine, if it has the base that an image can be built upon without a network."""
    engine = Engine("test")
    try:
        there = engine.has_image(IMAGES[1])
    except WorldFailure as failure:
        there, why = False, str(failure)
    else:
        why = f"there is no image {IMAGES[1]}"
    if not there and os.environ.get("CLAWMARK_REQUIRE_SANDBOXES"):
        pytest.fail(why, pytrace=False)
    if not there:
        pytest.skip(why)
    yield engine
    engine.close()


@pytest.mark.parametrize("text", ["BASE", "=value", ""])
def test_a_build_argument_without_name_or_value_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="write NAME=VALUE"):
        parse([text])


def test_build_arguments_may_hold_equals_signs() -> None:
    assert parse(["BASE=image", "ARGS=a=b"]) == {"BASE": "image", "ARGS": "a=b"}


@pytest.mark.parametrize("image", ["sandbox", "services"])
def test_every_image_can_be_built_upon_a_base_of_choice(image: str) -> None:
    lines = recipe_of(image).files["Dockerfile"].read_text().splitlines()
    assert any(line.startswith("ARG BASE=") for line in lines)
    assert "FROM ${BASE}" in lines


def test_the_services_image_holds_the_services_and_no_plugin() -> None:
    files = set(recipe_of("services").files)
    assert {"Dockerfile", "requirements.txt", "clawmark_services/__main__.py"} <= files
    assert not any("pytest_clawmark" in name or "__pycache__" in name for name in files)


@pytest.mark.docker
def test_the_sandboxes_image_is_built_upon_what_is_there(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    tag = f"clawmark-test-{os.getpid()}"
    try:
        assert main(["build", "--build-arg", f"BASE={IMAGES[1]}", "--tag", tag]) == 0
        assert engine.has_image(tag)
        assert f"built {tag}" in capsys.readouterr().out
    finally:
        with engine._client("removes the image") as client:
            client.remove_image(tag, force=True)


@pytest.mark.docker
def test_a_step_that_fails_is_told_and_ends_with_two(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGES[1]}\nRUN exit 7\n")
    recipe = Recipe(tag="clawmark-test", files={"Dockerfile": tmp_path / "Dockerfile"})
    monkeypatch.setattr(build, "recipe_of", lambda image: recipe)
    assert main(["build"]) == 2
    assert "cannot be built" in capsys.readouterr().err
