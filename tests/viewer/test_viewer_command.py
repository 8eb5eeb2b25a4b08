"""`pytest-clawmark view` as it is run by hand."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from typing import Any

import pytest

from pytest_clawmark import cli


def test_it_prints_where_the_page_is_and_ends_when_it_is_interrupted(stored: Any) -> None:
    command = [sys.executable, "-m", "pytest_clawmark.cli", "view", str(stored.path.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = next(word for word in process.stdout.readline().split() if word.startswith("http"))
        with urllib.request.urlopen(address) as answer:
            page = answer.read().decode()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert 'href="/runs/first"' in page
    assert (process.returncode, errors) == (0, "")


def test_a_folder_that_is_not_there_is_an_error_with_a_remedy(capsys: Any, tmp_path: Any) -> None:
    assert cli.main(["view", str(tmp_path / "none")]) == 2
    assert "is no folder: name runs" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_refused(port: str, capsys: Any, stored: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["view", "--port", port, str(stored.path)])
    assert ended.value.code == 2
    assert "--port" in capsys.readouterr().err
