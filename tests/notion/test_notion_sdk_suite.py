"""notion-sdk-py's own test suite, live against a served workspace, in the two versions that it was written for.

`CLAWMARK_NOTION_SDK` names a checkout of that project.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clawmark_services.authority import Authority
from clawmark_services.notion.service import ENDPOINT
from clawmark_services.serving import ServiceHost

pytestmark = [pytest.mark.clients, pytest.mark.slow]

NEEDS = ("pytest-asyncio", "pytest-mock")


@pytest.fixture(scope="module")
def checkout() -> Path:
    """The other project's checkout."""
    named = os.environ.get("CLAWMARK_NOTION_SDK")
    if not named or not (Path(named) / "tests" / "test_endpoints.py").is_file():
        pytest.skip("set CLAWMARK_NOTION_SDK to a checkout of notion-sdk-py")
    return Path(named)


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pytest plugins that the suite needs, apart from this environment."""
    folder = tmp_path_factory.mktemp("plugins")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    done = subprocess.run([*pip, *NEEDS], capture_output=True, text=True, timeout=180, check=False)
    if done.returncode != 0:
        pytest.skip(f"pip cannot install {' and '.join(NEEDS)}: {done.stderr[-300:]}")
    return folder


@pytest.fixture
def served(new_office: Any, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A fresh workspace behind TLS; what a client's environment says of it."""
    office, authority, host = new_office(), Authority(), ServiceHost()
    listener = socket.create_server(("127.0.0.1", 0))
    serving = host.serve(listener, office.service.door("notion"), authority.server_context(ENDPOINT.hosts))
    bundle = tmp_path / "authority.pem"
    bundle.write_bytes(authority.pem)
    yield {
        "CLAWMARK_SERVED": str(listener.getsockname()[1]),
        "SSL_CERT_FILE": str(bundle),
        "NOTION_TOKEN": office.token,
        "NOTION_TEST_PAGE_ID": office.root,
    }
    serving.close()
    host.close()


@pytest.mark.parametrize("version", ["2022-06-28", "2025-09-03"])
def test_the_clients_own_suite_passes_but_for_what_is_listed(
    version: str, checkout: Path, plugins: Path, served: dict[str, str], tmp_path: Path
) -> None:
    """The list, with reasons, is `DEVIATIONS` in `notion_sdk_redirect`; each of them must deviate."""
    paths = (str(plugins), str(Path(__file__).parent), str(checkout))
    environment = {
        **os.environ,
        **served,
        "CLAWMARK_NOTION_VERSION": version,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-rfExX", "-o", "addopts=", "-o", "asyncio_mode=auto"]
    command += ["-p", "pytest_asyncio.plugin", "-p", "pytest_mock", "-p", "notion_sdk_redirect"]
    command += [
        "-p",
        "no:cacheprovider",
        "-p",
        "no:doctest",
        "--rootdir",
        str(checkout),
        str(checkout / "tests"),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "passed" in done.stdout
