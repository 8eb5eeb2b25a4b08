"""imapclient's own live test, as it stands in its repository, run against our server.

`CLAWMARK_IMAPCLIENT` names a checkout of github.com/mjs/imapclient.
"""

from __future__ import annotations

import copy
import importlib.util
import os
import socket
import unittest
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

VARIABLE = "CLAWMARK_IMAPCLIENT"
CLASSES = ("TestGeneral", "TestSocketTimeout", "TestWithUIDs", "TestWithoutUIDs")
MISSING = f"set {VARIABLE} to a checkout of github.com/mjs/imapclient"

# A test listed here must fail, for the reason beside it. None of them finds fault with the server.
DEVIATIONS = {
    "TestWithUIDs.test_fetch": "the test compares an Envelope, a dataclass, as if it were a sequence",
    "TestWithoutUIDs.test_fetch": "the test compares an Envelope, a dataclass, as if it were a sequence",
    "TestWithoutUIDs.test_move": "the client has no MOVE by sequence numbers: imaplib knows no such command",
}
# Whether these pass depends on how soon the machine answers itself.
TIMING = (
    "TestSocketTimeout.test_small_connection_timeout_fail",
    "TestSocketTimeout.test_small_read_timeout_fail",
)


def livetest() -> ModuleType | None:
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    place = importlib.util.spec_from_file_location("imapclient_livetest", Path(folder) / "livetest.py")
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def cases(module: ModuleType, conf: Namespace) -> dict[str, Any]:
    """The classes that `livetest.main` makes of its configuration."""
    made = (
        module.TestGeneral,
        module.TestSocketTimeout,
        module.createUidTestClass(conf, use_uid=True),
        module.createUidTestClass(conf, use_uid=False),
    )
    module.TestGeneral.conf, module.TestSocketTimeout.conf = conf, copy.copy(conf)
    return dict(zip(CLASSES, made, strict=True))


def names() -> Iterator[Any]:
    module = livetest()
    if module is None:
        yield pytest.param("", "", marks=pytest.mark.skip(reason=MISSING))
        return
    for name, case in cases(module, Namespace()).items():
        for method in unittest.defaultTestLoader.getTestCaseNames(case):
            if f"{name}.{method}" in TIMING:
                continue
            reason = DEVIATIONS.get(f"{name}.{method}")
            marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
            if "idle" in method:
                # It sleeps ten seconds to let an announcement arrive.
                marks.append(pytest.mark.slow)
            yield pytest.param(name, method, marks=marks, id=f"{name}.{method}")


@pytest.fixture(scope="module")
def live(host, tmp_path_factory) -> Iterator[dict[str, Any]]:
    import runpy

    from imapclient.config import parse_config_file

    office = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["make_office"]()
    listener = socket.create_server(("127.0.0.1", 0))
    serving = host.serve(listener, office.service.door("imap"))
    ini = tmp_path_factory.mktemp("imapclient") / "live.ini"
    ini.write_text(
        f"[DEFAULT]\nhost = 127.0.0.1\nport = {listener.getsockname()[1]}\nssl = false\n"
        "username = mia.chen@company.example\npassword = any\ntimeout = 30\n"
    )
    conf = parse_config_file(str(ini))
    conf.namespace = ("", "/")
    module = livetest()
    assert module is not None
    yield cases(module, conf)
    serving.close()


@pytest.mark.clients
@pytest.mark.parametrize(("name", "method"), list(names()))
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_imapclient_finds_nothing_amiss(live, name, method):
    result = unittest.TestResult()
    unittest.TestSuite([live[name](method)]).run(result)
    if result.skipped:
        pytest.skip(result.skipped[0][1])
    problems = [*result.errors, *result.failures]
    assert not problems, problems[0][1]
