"""gspread's own test suite against a served Drive, with recording switched off."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sheets_office import GOOGLE, Office

from clawmark_services.serving import ServiceHost

# The reasons stand in docs/fidelity/google.md.
CANNOT_PASS: frozenset[str] = frozenset()
STRANGERS = "1jIKzPs8LsiZZdLdeMEP-5ZIHw6RkjiOmj1LrJN706Yc"


@pytest.fixture
def served(tmp_path):
    """A Drive that listens on loopback: its port, and its service account's file."""
    office = Office()
    private = office.service.author.create("A stranger's", owner="stranger@elsewhere.example")
    # The suite knows the id of a file that is not shared with whoever runs it.
    office.service.store.files[STRANGERS] = office.service.store.files.pop(private.id)
    file = tmp_path / "service_account.json"
    file.write_bytes(office.service.home_files(GOOGLE)[".google/service_account.json"])
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    host = ServiceHost()
    serving = host.serve(listener, office.service.door("google"))
    yield port, file
    serving.close()
    host.close()


@pytest.mark.clients
@pytest.mark.slow
def test_gspreads_own_suite_passes(served, tmp_path):
    checkout = os.environ.get("CLAWMARK_GSPREAD")
    if not checkout:
        pytest.skip("set CLAWMARK_GSPREAD to a checkout of gspread to run its suite")
    # A copy: the suite must neither find its recordings nor leave anything behind.
    shutil.copytree(Path(checkout, "tests"), tmp_path / "tests", ignore=shutil.ignore_patterns("cassettes"))
    port, file = served
    path = os.pathsep.join([str(Path(__file__).parent), str(checkout), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests", "-p", "gspread_suite_plugin", "-p", "no:clawmark"),
            *("-p", "no:cacheprovider", "-rA", "-q", "--tb=short", "-o", "python_files=*_test.py"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": path,
            "CLAWMARK_SUITE_PORT": str(port),
            "GS_CREDS_FILENAME": str(file),
            "PYTEST_ADDOPTS": "",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    failed = set(re.findall(r"^(?:FAILED|ERROR) (?:\S+::)?(\w+)", done.stdout, re.MULTILINE))
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout[-5000:] + done.stderr[-2000:]
    assert int(passed[1]) > 140, done.stdout[-3000:]
    assert failed == CANNOT_PASS, done.stdout[-8000:]
