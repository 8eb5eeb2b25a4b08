"""`pytest-clawmark build`: the images of worlds and of the services by themselves."""

from __future__ import annotations

import argparse
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_clawmark.failures import SettingsError

_SANDBOX = Path(__file__).parents[1] / "sandboxes" / "Dockerfile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What an image is built from: {path in the build's context: file}, the `Dockerfile` among them."""

    tag: str
    files: Mapping[str, Path]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", nargs="?", choices=("sandbox", "services"), default="sandbox")
    parser.add_argument(
        "--build-arg",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="such as BASE=clawmark-base, an image to build upon that this machine already has",
    )
    parser.add_argument("--tag", help="its name (default: clawmark-sandbox or clawmark-services)")
    parser.add_argument("--network", default=None, help="of the build: host, none or the engine's default")


def run(arguments: argparse.Namespace) -> int:
    recipe = recipe_of(arguments.image)
    tag = arguments.tag or recipe.tag
    for line in build(recipe, tag, parse(arguments.build_arg), arguments.network):
        print(line, flush=True)
    print(f"built {tag}")
    return 0


def parse(given: Sequence[str]) -> dict[str, str]:
    """{name: value}. Raises `SettingsError` for what is not NAME=VALUE."""
    for text in given:
        name, equals, _ = text.partition("=")
        if not (name and equals):
            raise SettingsError(f"--build-arg {text!r}: write NAME=VALUE, such as BASE=debian:bookworm-slim")
    return dict(text.split("=", 1) for text in given)


def recipe_of(image: str) -> Recipe:
    """Raises `SettingsError` where what it is built from is not here."""
    if image == "sandbox":
        return Recipe(tag="clawmark-sandbox", files={"Dockerfile": _SANDBOX})
    import clawmark_services

    package = Path(clawmark_services.__file__).parent
    folder = package.parent
    top = {name: folder / name for name in ("Dockerfile", "requirements.txt")}
    if missing := [str(path) for path in top.values() if not path.is_file()]:
        raise SettingsError(
            f"the services' image is built from a checkout of the project; {missing[0]} is not there"
        )
    code = {f"{package.name}/{path.relative_to(package)}": path for path in _code(package)}
    return Recipe(tag="clawmark-services", files={**top, **code})


def build(recipe: Recipe, tag: str, values: Mapping[str, str], network: str | None) -> Iterator[str]:
    """Have the engine build it; the lines that it says. Raises `SettingsError` when the build fails."""
    from pytest_clawmark.sandboxes.engine import Engine

    engine = Engine("build")
    try:
        yield from engine.build(_archive(recipe.files), tag, values, network)
    finally:
        engine.close()


def _code(package: Path) -> Iterable[Path]:
    found = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted(found)


def _archive(files: Mapping[str, Path]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, path in files.items():
            archive.add(path, name, filter=_anonymous)
    return content.getvalue()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's in particular, so that the same files make the same image."""
    return member.replace(uid=0, gid=0, uname="", gname="", mtime=0, mode=0o644, deep=False)
