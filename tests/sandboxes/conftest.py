"""Every sandbox, opened the same way; one that is missing skips, unless CLAWMARK_REQUIRE_SANDBOXES is set."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sandbox_cases import EVERY, blueprint

from pytest_clawmark.sandboxes import Sandbox, SandboxProvider, providers

Open = Callable[..., Sandbox]


@pytest.fixture(scope="session")
def provider_of() -> Iterator[Callable[[str], SandboxProvider]]:
    """Gives each kind of sandbox by its name, made once."""
    made: dict[str, SandboxProvider] = {}
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as stack:

        def get(name: str) -> SandboxProvider:
            if name not in made:
                made[name] = providers()[name]()
                stack.callback(made[name].close)
                missing[name] = "; ".join(fault.detail for fault in made[name].check() if not fault.works)
            if missing[name]:
                _do_without(name, missing[name])
            return made[name]

        yield get


def _do_without(name: str, why: str) -> None:
    message = f"{name} does not work here: {why}"
    if os.environ.get("CLAWMARK_REQUIRE_SANDBOXES") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(params=EVERY, scope="module")
def provider(request: pytest.FixtureRequest, provider_of: Any) -> SandboxProvider:
    """Each kind of sandbox; a test that is parametrized with `ISOLATED` sees those alone."""
    return provider_of(request.param)


@pytest.fixture(scope="module")
def sandbox(provider: SandboxProvider) -> Iterator[Sandbox]:
    """A sandbox with small limits that tests share, and leave as they found it."""
    sandbox = provider.open(blueprint())
    yield sandbox
    sandbox.close()


@pytest.fixture
def opened(provider: SandboxProvider) -> Iterator[Open]:
    """Opens sandboxes, with limits by keyword; they are closed after the test."""
    with contextlib.ExitStack() as stack:

        def open_one(**limits: Any) -> Sandbox:
            sandbox = provider.open(blueprint(**limits))
            stack.callback(sandbox.close)
            return sandbox

        yield open_one


@pytest.fixture
def fresh(opened: Open) -> Sandbox:
    """A sandbox of this test's own."""
    return opened()
