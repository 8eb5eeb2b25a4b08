"""Which sandbox a run uses, and what is said where none will do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_clawmark.failures import SettingsError
from pytest_clawmark.sandboxes import Finding, choose, providers

WORKS = Finding(subject="it", works=True, detail="fine")
BROKEN = Finding(subject="it", works=False, detail="it is missing", remedy="get it")


class Fake:
    """A provider that says of itself what it is told to."""

    def __init__(self, *, isolated: bool, findings: Sequence[Finding]) -> None:
        self.isolated = isolated
        self.findings = findings
        self.closed = False

    def check(self) -> Sequence[Finding]:
        return self.findings

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def kinds() -> dict[str, Any]:
    """Providers by name, made before they are asked for; all work."""
    return {
        "bubblewrap": Fake(isolated=True, findings=[WORKS]),
        "docker": Fake(isolated=True, findings=[WORKS]),
        "local": Fake(isolated=False, findings=[WORKS]),
    }


def chosen(kinds: dict[str, Any], name: str, *, trusted: bool) -> tuple[str, str]:
    known = {kind: (lambda fake=fake: fake) for kind, fake in kinds.items()}
    provider, reason = choose(name, trusted=trusted, known=known)
    return next(kind for kind, fake in kinds.items() if fake is provider), reason


@pytest.mark.parametrize("trusted", [True, False])
def test_auto_prefers_bubblewrap(kinds: dict[str, Any], trusted: bool) -> None:
    assert chosen(kinds, "auto", trusted=trusted) == ("bubblewrap", "bubblewrap works here")


@pytest.mark.parametrize("trusted", [True, False])
def test_auto_takes_docker_where_bubblewrap_fails_and_closes_what_it_tried(
    kinds: dict[str, Any], trusted: bool
) -> None:
    kinds["bubblewrap"].findings = [WORKS, BROKEN]
    assert chosen(kinds, "auto", trusted=trusted)[0] == "docker"
    assert kinds["bubblewrap"].closed
    assert not kinds["docker"].closed


def test_auto_takes_local_for_a_trusted_agent_and_says_that_it_does_not_isolate(
    kinds: dict[str, Any],
) -> None:
    kinds["bubblewrap"].findings = kinds["docker"].findings = [BROKEN]
    name, reason = chosen(kinds, "auto", trusted=True)
    assert name == "local"
    assert "not isolated" in reason
    assert "apt-get install bubblewrap" in reason


def test_auto_refuses_a_model_where_nothing_isolates(kinds: dict[str, Any]) -> None:
    kinds["bubblewrap"].findings = kinds["docker"].findings = [BROKEN]
    with pytest.raises(SettingsError, match="not trusted") as refused:
        chosen(kinds, "auto", trusted=False)
    for part in ("bubblewrap: it is missing; get it", "apt-get install bubblewrap", "--sandbox=local"):
        assert part in str(refused.value)
    assert all(kind.closed for kind in kinds.values())


def test_auto_says_so_when_not_even_local_works(kinds: dict[str, Any]) -> None:
    for kind in kinds.values():
        kind.findings = [BROKEN]
    with pytest.raises(SettingsError, match="no sandbox works here"):
        chosen(kinds, "auto", trusted=True)


def test_local_by_name_is_allowed_for_a_model_with_a_warning(kinds: dict[str, Any]) -> None:
    name, reason = chosen(kinds, "local", trusted=False)
    assert name == "local"
    assert "not isolated" in reason


def test_a_name_that_does_not_work_is_an_error_with_the_remedy(kinds: dict[str, Any]) -> None:
    kinds["docker"].findings = [BROKEN]
    with pytest.raises(SettingsError, match=r"--sandbox=docker does not work here: it is missing; get it"):
        chosen(kinds, "docker", trusted=True)
    assert kinds["docker"].closed


def test_an_unknown_name_is_an_error_that_lists_the_known(kinds: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"--sandbox=moon: .* auto, bubblewrap, docker, local"):
        chosen(kinds, "moon", trusted=True)


@pytest.mark.parametrize("name", ["auto", "local"])
def test_elsewhere_than_on_linux_the_error_points_to_docker(
    kinds: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SettingsError, match=r"Linux, this is darwin.*Docker"):
        chosen(kinds, name, trusted=True)


def test_the_providers_carry_their_own_names() -> None:
    made = {name: make() for name, make in providers().items()}
    assert [(name, kind.name, kind.isolated) for name, kind in made.items()] == [
        ("bubblewrap", "bubblewrap", True),
        ("docker", "docker", True),
        ("docker-relay", "docker-relay", True),
        ("local", "local", False),
    ]
    for kind in made.values():
        kind.close()


def test_docker_comes_first_for_whoever_names_an_image() -> None:
    assert list(providers("some-image")) == ["docker", "bubblewrap", "docker-relay", "local"]
