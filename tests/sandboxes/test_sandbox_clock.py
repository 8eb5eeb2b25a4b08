"""The turn's time, as every program in a sandbox sees it."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from sandbox_cases import ISOLATED

from pytest_clawmark.sandboxes import Sandbox
from pytest_clawmark.sandboxes.clock import library, zone_of

pytestmark = pytest.mark.skipif(not library(), reason="there is no library for this kind of machine")

only_isolated = pytest.mark.parametrize("provider", ISOLATED, indirect=True)
MOMENT = datetime.fromisoformat("2024-03-19T23:30:00+08:00")


def seen(sandbox: Sandbox, *command: str) -> datetime:
    done = sandbox.run(command or ["date", "+%s.%N"])
    assert done.exit_code == 0, done
    return datetime.fromtimestamp(float(done.stdout), UTC)


def test_programs_see_the_turns_time_and_that_it_passes(fresh: Sandbox) -> None:
    before = time.monotonic()
    fresh.set_time(MOMENT)
    first = seen(fresh)
    second = seen(fresh, "python3", "-c", "import time; print(time.time())")
    passed = timedelta(seconds=time.monotonic() - before)
    assert MOMENT <= first < second <= MOMENT + passed


def test_the_day_is_that_of_the_turns_time_zone(fresh: Sandbox) -> None:
    fresh.set_time(MOMENT)
    assert fresh.run(["date", "+%F %H %z"]).stdout == b"2024-03-19 23 +0800\n"
    fresh.set_time(MOMENT.astimezone(UTC))
    assert fresh.run(["date", "+%F %H %z"]).stdout == b"2024-03-19 15 +0000\n"


def test_the_next_turn_has_its_own_time(fresh: Sandbox) -> None:
    fresh.set_time(MOMENT)
    fresh.set_time(MOMENT + timedelta(days=3))
    assert MOMENT + timedelta(days=3) <= seen(fresh) < MOMENT + timedelta(days=4)


@only_isolated
def test_a_program_without_variables_sees_it_too(fresh: Sandbox) -> None:
    fresh.set_time(MOMENT)
    assert fresh.run(["env", "-i", "/usr/bin/date", "-u", "+%F"]).stdout == b"2024-03-19\n"


def test_what_waits_waits_as_long_as_ever(fresh: Sandbox) -> None:
    program = """
import queue, subprocess, threading, time
begin = time.monotonic()
time.sleep(0.02)
threading.Event().wait(0.02)
try: queue.Queue().get(timeout=0.02)
except queue.Empty: pass
subprocess.run(["sleep", "0.02"], timeout=10, check=True)
lock = threading.Lock()
lock.acquire()
lock.acquire(timeout=0.02)
print(0.1 <= time.monotonic() - begin < 10)
"""
    fresh.set_time(MOMENT)
    assert fresh.run(["python3", "-c", program]).stdout == b"True\n"


def test_waiting_until_a_moment_of_the_calendar_ends_at_that_moment(fresh: Sandbox) -> None:
    program = """
import ctypes, time
libc = ctypes.CDLL(None)
class Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]
def soon(clock=time.CLOCK_REALTIME):
    now = time.clock_gettime(clock) + 0.05
    return ctypes.byref(Time(int(now), int(now % 1 * 10**9)))
begin = time.monotonic()
results = [libc.clock_nanosleep(0, 1, soon(), None)]
semaphore, mutex, condition = (ctypes.create_string_buffer(64) for _ in range(3))
libc.sem_init(semaphore, 0, 0)
results.append(libc.sem_timedwait(semaphore, soon()))
libc.pthread_mutex_lock(mutex)
results.append(libc.pthread_cond_timedwait(condition, mutex, soon()))
passed = time.monotonic() - begin
print(results, 0.14 < passed < 10)
"""
    fresh.set_time(MOMENT)
    assert fresh.run(["python3", "-c", program]).stdout == b"[0, -1, 110] True\n"


@pytest.mark.parametrize("provider", ["bubblewrap", "local"], indirect=True)
def test_node_tells_it_and_does_not_hang(fresh: Sandbox) -> None:
    if not shutil.which("node", path="/usr/bin"):
        pytest.skip("this machine has no Node")
    program = "setTimeout(() => console.log(new Date().toISOString().slice(0, 10)), 20)"
    fresh.set_time(MOMENT)
    assert fresh.run(["node", "-e", program], timeout=30).stdout == b"2024-03-19\n"


@only_isolated
def test_an_agent_cannot_change_it(fresh: Sandbox) -> None:
    fresh.set_time(MOMENT)
    fresh.run(["bash", "-c", "date -s 2001-01-01; echo x > /opt/clock/clock.so; rm /etc/ld.so.preload"])
    assert seen(fresh) >= MOMENT
    assert seen(fresh) < MOMENT + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("moment", "zone"),
    [
        ("2024-03-19T09:00+00:00", "UTC"),
        ("2024-03-19T09:00+08:00", "Etc/GMT-8"),
        ("2024-03-19T09:00-05:00", "Etc/GMT+5"),
        ("2024-03-19T09:00+05:30", "<+0530>-5:30"),
        ("2024-03-19T09:00-03:30", "<-0330>+3:30"),
    ],
)
def test_a_time_zone_is_written_so_that_programs_read_the_same_offset(moment: str, zone: str) -> None:
    assert zone_of(datetime.fromisoformat(moment)) == zone


def test_a_time_zone_with_a_name_keeps_it() -> None:
    assert zone_of(datetime(2024, 3, 19, tzinfo=ZoneInfo("Asia/Shanghai"))) == "Asia/Shanghai"
    assert zone_of(datetime(2024, 3, 19, tzinfo=timezone(timedelta(hours=1)))) == "Etc/GMT-1"
