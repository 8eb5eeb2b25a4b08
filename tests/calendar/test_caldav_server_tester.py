"""caldav-server-tester on our calendar and on Radicale as it comes: it must not tell them apart."""

from __future__ import annotations

import json
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clawmark_services.contract import Door, Wsgi

pytest.importorskip("caldav_server_tester", reason="needs: pip install caldav-server-tester")

TESTER = (
    "from caldav_server_tester.caldav_server_tester import check_server_compatibility as check; "
    "check(auto_envvar_prefix='CLAWMARK')"
)


def stock(folder: Path) -> Door:
    """Radicale with its own storage and rights, letting everybody in."""
    from radicale import config
    from radicale.app import Application

    configuration = config.load()
    settings = {
        "auth": {"type": "none"},
        "storage": {"filesystem_folder": str(folder)},
        "server": {"delay_on_error": "0"},
    }
    configuration.update(settings, "test", privileged=True)
    return Wsgi(Application(configuration))


def started(url: str, report: Path) -> subprocess.Popen[bytes]:
    arguments = ["--caldav-url", url, "--caldav-username", "benchmark", "--caldav-password", "x"]
    with report.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-c", TESTER, *arguments, "--format", "json"],
            stdout=out,
            stderr=subprocess.PIPE,
            env={"HOME": str(report.parent), "PATH": ""},
        )


def findings(told: dict[str, Any], url: str) -> Any:
    """The report without the moment and the address."""
    text = json.dumps({key: value for key, value in told.items() if key != "ts"}, sort_keys=True)
    return json.loads(text.replace(url, "URL"))


@pytest.mark.slow
@pytest.mark.clients
def test_the_tester_reports_nothing_beyond_what_radicale_itself_reports(host, tmp_path):
    office = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["make_office"]()
    servings, running = [], {}
    for name, door in {"ours": office.service.door("caldav"), "stock": stock(tmp_path / "stock")}.items():
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        servings.append(host.serve(listener, door))
        running[name] = (url, tmp_path / f"{name}.json", started(url, tmp_path / f"{name}.json"))
    told = {}
    for name, (url, report, process) in running.items():
        _, complaints = process.communicate(timeout=120)
        assert process.returncode == 0, complaints.decode()
        told[name] = findings(json.loads(report.read_text()), url)
    for serving in servings:
        serving.close()
    assert told["ours"] == told["stock"]
    # It reports only what is out of the ordinary: that it asked at all is seen in the requests.
    assert told["stock"]["features"]
    assert len(office.audit) > 200
    assert [line for line in office.audit if str(line["status"]).startswith("5")] == []
