"""What every sandbox must do, tried on each; what `local` cannot do is a list of its own."""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sandbox_cases import AUTHORITY, GREETER, ISOLATED, SECURE, blueprint

from pytest_clawmark.failures import WorldFailure
from pytest_clawmark.sandboxes import Completed, Sandbox, SandboxProvider
from pytest_clawmark.sandboxes.contract import MIB, Tree

pytestmark = pytest.mark.filterwarnings("error")

only_isolated = pytest.mark.parametrize("provider", ISOLATED, indirect=True)
only_bubblewrap = pytest.mark.parametrize("provider", ["bubblewrap"], indirect=True)
only_local = pytest.mark.parametrize("provider", ["local"], indirect=True)

Open = Callable[..., Sandbox]


def sh(sandbox: Sandbox, script: str, **options: object) -> Completed:
    return sandbox.run(["bash", "-c", script], **options)  # type: ignore[arg-type]


def python(sandbox: Sandbox, program: str, **options: object) -> Completed:
    return sandbox.run(["python3", "-c", program], **options)  # type: ignore[arg-type]


def text(done: Completed) -> str:
    assert done.exit_code == 0, done
    return done.stdout.decode().strip()


def read(sandbox: Sandbox, tree: Tree, name: str) -> bytes:
    number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=sandbox.tree(tree))
    with open(number, "rb") as file:
        return file.read()


def write(sandbox: Sandbox, tree: Tree, name: str, content: bytes) -> None:
    with sandbox.as_agent():
        number = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644, dir_fd=sandbox.tree(tree))
        with open(number, "wb") as file:
            file.write(content)


def processes_with(mark: str) -> list[int]:
    """Processes of this machine, inside sandboxes too, that have `mark` among their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark.encode() in arguments:
                found.append(int(entry.name))
    return found


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether it comes true before a deadline; for what happens in processes that nobody can wait for."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def mark() -> str:
    """A number of seconds for `sleep` that no other process sleeps."""
    return str(10**6 + uuid.uuid4().int % 10**9)


# Commands


def test_a_command_gives_its_output_and_exit_code(sandbox: Sandbox) -> None:
    done = sh(sandbox, "echo out; echo err >&2; exit 3")
    assert done == Completed(exit_code=3, stdout=b"out\n", stderr=b"err\n")


def test_a_command_that_kills_itself_gives_the_negative_signal(sandbox: Sandbox) -> None:
    assert sh(sandbox, "kill -TERM $$").exit_code == -15


def test_standard_input_arrives_whole_and_binary(sandbox: Sandbox) -> None:
    content = bytes(range(256)) * 3000
    assert sandbox.run(["cat"], stdin=content).stdout == content


def test_standard_input_cannot_be_used_to_hold_memory(sandbox: Sandbox) -> None:
    program = "import os; os.write(0, b'more')"
    done = sandbox.run(["python3", "-c", program], stdin=b"content")
    assert b"Operation not permitted" in done.stderr


def test_standard_input_is_empty_by_default(sandbox: Sandbox) -> None:
    assert sandbox.run(["cat"]) == Completed(exit_code=0, stdout=b"", stderr=b"")


def test_variables_are_added_to_the_sandboxes_own_and_none_of_the_host_come_in(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST_SECRET", "key")
    sandbox = opened()
    seen = dict(line.split("=", 1) for line in text(sandbox.run(["env"], env={"MINE": "1"})).splitlines())
    assert seen.pop("MINE") == "1"
    assert seen.pop("HOME") == sandbox.paths["home"]
    assert {name: seen.pop(name) for name in sandbox.trust} == sandbox.trust
    own = {"PATH", "LANG", "LC_CTYPE", "TMPDIR", "USER", "SHELL", "PWD", "SHLVL", "LD_PRELOAD", "_"}
    assert set(seen) <= own


def test_a_command_starts_in_the_workspace_or_where_it_is_told(fresh: Sandbox) -> None:
    assert text(fresh.run(["pwd", "-P"])) == fresh.paths["workspace"]
    assert text(fresh.run(["pwd", "-P"], cwd="/usr")) == "/usr"
    assert text(sh(fresh, "mkdir sub")) == ""
    assert text(fresh.run(["pwd", "-P"], cwd="sub")) == fresh.paths["workspace"] + "/sub"


@pytest.mark.parametrize(
    ("command", "cwd", "code", "said"),
    [
        (["no-such-program"], None, 127, "No such file or directory"),
        (["/usr"], None, 126, "Permission denied"),
        (["true"], "/nowhere", 127, "No such file or directory"),
        (["a\0b"], None, 126, "null"),
        (["echo", "x" * 200_000], None, 126, "Argument list too long"),
        (["true"], "\ud800", 126, ""),
    ],
)
def test_a_command_that_cannot_start_is_a_result_that_says_why(
    sandbox: Sandbox, command: list[str], cwd: str | None, code: int, said: str
) -> None:
    done = sandbox.run(command, cwd=cwd)
    assert done.exit_code == code
    assert said in done.stderr.decode()
    assert sandbox.run(["true"]).exit_code == 0


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
def test_a_senseless_time_limit_is_refused(sandbox: Sandbox, seconds: float) -> None:
    with pytest.raises(ValueError, match="time limit"):
        sandbox.run(["true"], timeout=seconds)


def test_commands_overlap(fresh: Sandbox) -> None:
    """Each waits for the other's file."""
    script = "touch {0}; until [ -e {1} ]; do sleep 0.01; done; echo {0}"
    with ThreadPoolExecutor() as pool:
        left = pool.submit(sh, fresh, script.format("left", "right"))
        right = pool.submit(sh, fresh, script.format("right", "left"))
        assert (text(left.result()), text(right.result())) == ("left", "right")


def test_a_command_has_three_descriptors_and_no_way_to_init(sandbox: Sandbox) -> None:
    program = "import os; print([n for n in range(100) if os.path.exists(f'/proc/self/fd/{n}')])"
    assert text(python(sandbox, program)) == "[0, 1, 2]"


# Limits


def test_output_beyond_the_limit_is_dropped_and_said_so(opened: Open) -> None:
    sandbox = opened(output=1000)
    done = sh(sandbox, "head -c 3000000 /dev/zero; echo err >&2")
    assert (len(done.stdout), done.stderr, done.truncated, done.exit_code) == (1000, b"err\n", True, 0)
    assert not sh(sandbox, "head -c 1000 /dev/zero").truncated


def test_a_command_over_its_time_is_killed_with_its_children(sandbox: Sandbox, mark: str) -> None:
    done = sh(
        sandbox,
        f"echo begun; sleep {mark} & (setsid sh -c 'sleep {mark} & sleep {mark}' &); sleep {mark}",
        timeout=1,
    )
    assert (done.timed_out, done.exit_code, done.stdout) == (True, -9, b"begun\n")
    assert processes_with(mark) == []


def test_a_time_limit_leaves_other_commands_and_their_background_alone(fresh: Sandbox, mark: str) -> None:
    sh(fresh, f"sleep {mark} &")
    assert eventually(lambda: len(processes_with(mark)) == 1)
    with ThreadPoolExecutor() as pool:
        other = pool.submit(sh, fresh, "until [ -e go ]; do sleep 0.01; done; echo went on")
        assert sh(fresh, "sleep 60", timeout=0.2).timed_out
        assert len(processes_with(mark)) == 1
        write(fresh, "workspace", "go", b"")
        assert text(other.result()) == "went on"


def test_the_default_time_limit_is_the_worlds(opened: Open) -> None:
    assert opened(command_seconds=0.2).run(["sleep", "60"]).timed_out


def test_one_process_cannot_take_more_memory_than_the_world_has(opened: Open) -> None:
    done = python(opened(memory=200 * MIB), "import time; x = bytearray(300 << 20); time.sleep(600)")
    assert done.exit_code == -9
    assert b"may use 200 MiB of memory" in done.stderr


def test_one_process_may_reserve_what_it_does_not_use_but_not_without_end(opened: Open) -> None:
    program = (
        "import mmap; mmap.mmap(-1, {} << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); print('had')"
    )
    sandbox = opened(memory=200 * MIB)
    assert python(sandbox, program.format(4)).stdout == b"had\n"
    assert python(sandbox, program.format(9)).exit_code == 1


def test_processes_that_take_too_much_memory_together_are_killed_and_the_command_says_so(
    opened: Open,
) -> None:
    sandbox = opened(memory=250 * MIB)
    program = (
        "import os\n"
        "children = []\n"
        "for _ in range(4):\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        held = bytearray(90 << 20)\n"
        "        while True: os.kill(os.getpid(), 19)\n"
        "    children.append(pid)\n"
        "pid, status = os.wait()\n"
        "print(os.WTERMSIG(status), flush=True)\n"
        "os.killpg(0, 9)\n"
    )
    done = python(sandbox, program)
    assert done.stdout == b"9\n"
    assert "together all may use 250 MiB of memory" in done.stderr.decode()
    assert text(sandbox.run(["echo", "fine"])) == "fine"


def test_memory_that_processes_share_counts_once(opened: Open) -> None:
    program = (
        "import os, time\n"
        "held = bytearray(os.urandom(1 << 20)) * 100\n"
        "for _ in range(4):\n"
        "    if not os.fork():\n"
        "        time.sleep(0.6)\n"
        "        os._exit(0)\n"
        "print([os.wait()[1] for _ in range(4)])\n"
    )
    assert text(python(opened(memory=300 * MIB), program)) == "[0, 0, 0, 0]"


@only_isolated
def test_a_fork_bomb_is_contained_and_cleared_away(opened: Open) -> None:
    sandbox, other = opened(processes=40), opened()
    bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(python, sandbox, bomb, timeout=60)
        assert eventually(lambda: len(processes_with(bomb)) >= 20)
        assert len(processes_with(bomb)) <= 60
        assert text(other.run(["echo", "unharmed"])) == "unharmed"
        sandbox.settle()
        assert running.result().exit_code == -9
    assert processes_with(bomb) == []
    assert text(sandbox.run(["echo", "again"])) == "again"


@only_isolated
def test_a_fork_bomb_over_its_time_is_ended(opened: Open) -> None:
    sandbox = opened(processes=40)
    bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    done = python(sandbox, bomb, timeout=0.5)
    assert done.timed_out
    assert processes_with(bomb) == []


# Every process lives only long enough to fork the next, in a session of its own.
CHAIN = """
import os
sign = os.open("alive", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
while True:
    if os.fork():
        os._exit(0)
    os.setsid()
    os.write(sign, b".")
"""


def links(sandbox: Sandbox) -> int:
    return os.stat("alive", dir_fd=sandbox.tree("workspace")).st_size


@only_isolated
def test_settle_ends_a_chain_of_forks(fresh: Sandbox) -> None:
    python(fresh, CHAIN)
    reached = links(fresh)
    assert eventually(lambda: links(fresh) > reached)
    fresh.settle()
    assert processes_with(CHAIN) == []
    reached = links(fresh)
    assert text(fresh.run(["echo", "fine"])) == "fine"
    assert links(fresh) == reached


@only_isolated
def test_a_time_limit_ends_a_chain_of_forks_that_outruns_the_keeper(fresh: Sandbox) -> None:
    done = sh(fresh, 'python3 -c "$CHAIN" & sleep 60', env={"CHAIN": CHAIN}, timeout=0.5)
    assert done.timed_out
    reached = links(fresh)
    assert reached > 0
    assert text(fresh.run(["echo", "fine"])) == "fine"
    assert links(fresh) == reached


@only_isolated
@pytest.mark.parametrize(("tree", "size"), [("workspace", 16 * MIB), ("home", 8 * MIB), ("tmp", 8 * MIB)])
def test_a_tree_holds_no_more_than_its_size(fresh: Sandbox, tree: Tree, size: int) -> None:
    done = sh(fresh, "head -c 50000000 /dev/zero > full", cwd=fresh.paths[tree])
    assert done.exit_code != 0
    taken = os.stat("full", dir_fd=fresh.tree(tree)).st_size
    assert size - MIB <= taken <= size


@only_isolated
@pytest.mark.parametrize("tree", ["workspace", "home", "tmp"])
def test_a_tree_holds_no_more_files_than_allowed(fresh: Sandbox, tree: Tree) -> None:
    done = sh(fresh, "for i in $(seq 400); do : > f$i || exit 9; done", cwd=fresh.paths[tree])
    assert done.exit_code != 0
    assert 100 < len(os.listdir(fresh.tree(tree))) <= 200


@only_isolated
def test_nothing_but_the_trees_can_be_written(sandbox: Sandbox) -> None:
    script = "find / -xdev -type d -writable 2>/dev/null; find /dev /etc -type d -writable 2>/dev/null"
    writable = set(sh(sandbox, script).stdout.decode().split())
    probe = "for d in / /etc /usr /usr/bin /dev /opt /var /etc/ssl; do : > $d/x && echo $d; done 2>/dev/null"
    assert sh(sandbox, probe).stdout == b"", writable


@only_isolated
def test_shared_memory_is_limited_too(fresh: Sandbox) -> None:
    done = sh(fresh, "head -c 50000000 /dev/zero > /dev/shm/full; stat -c %s /dev/shm/full")
    assert int(done.stdout) <= 8 * MIB


# What goes on in the background


def test_what_a_finished_command_left_goes_on_until_settle(fresh: Sandbox, mark: str) -> None:
    assert text(sh(fresh, f"sleep {mark} & setsid sleep {mark} & echo left")) == "left"
    assert eventually(lambda: len(processes_with(mark)) == 2)
    fresh.settle()
    assert processes_with(mark) == []


def test_a_background_process_may_write_after_its_command_has_ended(fresh: Sandbox) -> None:
    sh(
        fresh,
        "(until [ -e go ]; do sleep 0.01; done; head -c 1000000 /dev/zero; echo more; echo done > end) &",
    )
    write(fresh, "workspace", "go", b"")
    assert text(sh(fresh, "until [ -s end ]; do sleep 0.01; done; cat end")) == "done"


def test_settle_ends_running_commands_and_tells_them(fresh: Sandbox, mark: str) -> None:
    with ThreadPoolExecutor() as pool:
        running = pool.submit(fresh.run, ["sleep", mark])
        assert eventually(lambda: bool(processes_with(mark)))
        fresh.settle()
        done = running.result()
    assert (done.exit_code, done.timed_out) == (-9, False)
    assert b"ended together with every other process" in done.stderr


def test_settling_an_idle_sandbox_changes_nothing(sandbox: Sandbox) -> None:
    sandbox.settle()
    sandbox.settle()
    assert text(sandbox.run(["echo", "fine"])) == "fine"


# Files


@pytest.mark.parametrize("tree", ["workspace", "home", "tmp"])
def test_files_go_in_and_out_through_the_trees(fresh: Sandbox, tree: Tree) -> None:
    write(fresh, tree, "in", b"from outside")
    path = fresh.paths[tree]
    assert text(sh(fresh, "cat in; echo ' and inside' >> in; mv in out", cwd=path)) == "from outside"
    assert read(fresh, tree, "out") == b"from outside and inside\n"


def test_files_made_on_either_side_belong_to_the_same_user(fresh: Sandbox) -> None:
    write(fresh, "workspace", "outside", b"")
    with fresh.as_agent():
        os.mkdir("folder", dir_fd=fresh.tree("workspace"))
    sh(
        fresh,
        "touch inside; rm outside; touch outside folder/new; chmod 600 inside; rmdir folder 2>/dev/null",
    )
    owners = text(sh(fresh, "stat -c %u inside outside folder; id -u")).split()
    assert len(set(owners)) == 1


def test_rights_to_write_as_the_agent_end_with_the_block(sandbox: Sandbox, tmp_path: Path) -> None:
    with sandbox.as_agent():
        pass
    (tmp_path / "mine").touch()
    assert (tmp_path / "mine").stat().st_uid == os.geteuid()


def test_rights_to_write_as_the_agent_are_one_threads_own(sandbox: Sandbox, tmp_path: Path) -> None:
    def touch() -> int:
        (tmp_path / "other").touch()
        return (tmp_path / "other").stat().st_uid

    with ThreadPoolExecutor(1) as pool:
        pool.submit(touch).result()  # a thread takes over the rights of the one that starts it
        with sandbox.as_agent():
            assert pool.submit(touch).result() == os.geteuid()


def test_links_to_files_of_the_host_lead_nowhere_from_outside(fresh: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    sh(fresh, f"ln -s {secret} file; ln -s {tmp_path} folder; ln -s / root")
    workspace = fresh.tree("workspace")
    with pytest.raises(OSError) as refused:
        os.open("file", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=workspace)
    assert refused.value.errno == errno.ELOOP
    with pytest.raises(OSError) as refused:
        os.open("folder", os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=workspace)
    assert refused.value.errno in (errno.ELOOP, errno.ENOTDIR)
    assert os.readlink("file", dir_fd=workspace) == str(secret)


def test_strange_names_and_kinds_of_files_survive(fresh: Sandbox) -> None:
    sh(fresh, r"""touch $'new\nline' $'caf\xe9'; mkfifo pipe; mkdir -p deep/er; ln -s nowhere dangling""")
    names = {os.fsencode(name) for name in os.listdir(fresh.tree("workspace"))}
    assert names >= {b"new\nline", b"caf\xe9", b"pipe", b"deep", b"dangling"}
    assert stat.S_ISFIFO(os.stat("pipe", dir_fd=fresh.tree("workspace")).st_mode)


def test_a_new_sandbox_is_empty(fresh: Sandbox) -> None:
    assert [os.listdir(fresh.tree(tree)) for tree in fresh.paths] == [[], [], []]


# Services


def serve(listener: socket.socket, greeting: bytes) -> threading.Thread:
    """Greet one client."""

    def greet() -> None:
        client, _ = listener.accept()
        with client:
            client.sendall(greeting)

    thread = threading.Thread(target=greet)
    thread.start()
    return thread


HEAR = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10) as client:
    print(client.recv(100).decode())
"""


@only_isolated
@pytest.mark.parametrize(("address", "name"), [(GREETER, "greenmail"), (SECURE, "api.notion.com")])
def test_a_service_out_here_answers_inside_under_its_name_and_port(
    sandbox: Sandbox, address: object, name: str
) -> None:
    assert set(sandbox.listeners) == {GREETER, SECURE}
    thread = serve(sandbox.listeners[address], b"hello from outside")
    assert text(sandbox.run(["python3", "-c", HEAR, name, str(address.port)])) == "hello from outside"
    thread.join()


@only_isolated
def test_a_service_cannot_be_reached_from_the_host(sandbox: Sandbox) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((GREETER.ip, GREETER.port), timeout=5)


@only_isolated
def test_there_is_no_way_out(sandbox: Sandbox) -> None:
    program = (
        "import socket\n"
        "for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
        "    try: socket.socket(socket.AF_INET, kind).connect(('192.0.2.1', 80))\n"
        "    except OSError as error: print(error.strerror)\n"
        "try: socket.getaddrinfo('example.com', 80)\n"
        "except OSError as error: print('no names')\n"
        "print([name for _, name in socket.if_nameindex()])\n"
    )
    expected = ["Network is unreachable", "Network is unreachable", "no names", "['lo']"]
    assert text(python(sandbox, program)).splitlines() == expected


@only_isolated
def test_sockets_of_the_host_cannot_be_reached(sandbox: Sandbox) -> None:
    with socket.socket(socket.AF_UNIX) as abstract, socket.socket() as listening:
        name = "\0clawmark-" + uuid.uuid4().hex
        abstract.bind(name)
        abstract.listen()
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        program = (
            "import socket, sys\n"
            "for family, address in [(socket.AF_UNIX, '\\0' + sys.argv[1]),\n"
            "                        (socket.AF_INET, ('127.0.0.1', int(sys.argv[2])))]:\n"
            "    try: socket.socket(family).connect(address); print('reached')\n"
            "    except ConnectionRefusedError: print('refused')\n"
        )
        port = str(listening.getsockname()[1])
        done = sandbox.run(["python3", "-c", program, name[1:], port])
    assert text(done).split() == ["refused", "refused"]


def test_clients_are_told_to_trust_the_runs_authority(sandbox: Sandbox) -> None:
    assert set(sandbox.trust) == {
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "HTTPLIB2_CA_CERTS",
        "NODE_EXTRA_CA_CERTS",
    }
    assert sh(sandbox, "cat $SSL_CERT_FILE").stdout.endswith(AUTHORITY)


# Isolation


@only_isolated
def test_no_capability_is_left(sandbox: Sandbox) -> None:
    sets = text(sh(sandbox, "grep ^Cap /proc/self/status; grep ^NoNewPrivs /proc/self/status")).split()
    assert sets[1::2] == ["0000000000000000"] * 5 + ["1"]


@only_isolated
@pytest.mark.parametrize(
    "attempt",
    [
        "unshare --user true",
        "unshare --mount true",
        "mount -t tmpfs tmpfs /tmp",
        "umount /workspace",
        "chroot / true",
        "mknod /tmp/disk b 8 0",
        "echo 1 > /proc/sys/kernel/shm_rmid_forced",
        "echo 100 > /proc/sys/user/max_user_namespaces",
        "echo b > /proc/sysrq-trigger",
        "hostname other",
        "mount -o remount,rw /usr",
        "cat /proc/1/environ",
        "cat /proc/1/maps",
        "head -c 1 /proc/1/mem",
        "ls /proc/1/root/",
        "readlink /proc/1/fd/0",
        "readlink /proc/$PPID/fd/0",
        "head -c 1 /proc/$PPID/mem",
    ],
)
def test_a_command_may_not(sandbox: Sandbox, attempt: str) -> None:
    done = sh(sandbox, attempt)
    assert done.exit_code != 0
    assert sh(sandbox, "true").exit_code == 0


@only_isolated
def test_init_survives_every_signal_from_inside(fresh: Sandbox) -> None:
    sh(fresh, "for s in $(seq 64); do kill -$s 1; done; true")
    assert text(fresh.run(["echo", "alive"])) == "alive"
    fresh.settle()


@only_isolated
def test_a_command_that_kills_its_keeper_loses_and_the_world_goes_on(fresh: Sandbox, mark: str) -> None:
    done = sh(fresh, f"setsid sleep {mark} & sleep 0.05; kill -9 $PPID; sleep 60")
    assert done.exit_code == -9
    assert b"supervisor was killed" in done.stderr
    assert processes_with(mark) == []
    assert text(fresh.run(["echo", "alive"])) == "alive"


@only_isolated
def test_a_command_that_stops_its_keeper_is_still_ended_in_time(fresh: Sandbox, mark: str) -> None:
    done = sh(fresh, f"kill -STOP $PPID; exec sleep {mark}", timeout=0.2)
    assert done.timed_out
    assert processes_with(mark) == []
    assert text(fresh.run(["echo", "alive"])) == "alive"


@only_isolated
def test_files_and_processes_of_the_host_do_not_exist_inside(sandbox: Sandbox, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "secret").write_text("of the host")
    done = sh(
        sandbox, f"cat {tmp_path}/secret; ls {Path.cwd()} {Path(__file__).parent}; ls -A /home /run/user"
    )
    assert done.stdout.replace(b"/home:", b"").strip() == b""
    numbers = text(sh(sandbox, "ls /proc | grep -c '^[0-9]'"))
    assert int(numbers) < 10


@only_bubblewrap
def test_the_root_holds_only_what_programs_need(sandbox: Sandbox) -> None:
    expected = {"bin", "dev", "etc", "lib", "opt", "proc", "root", "sbin", "tmp", "usr", "var", "workspace"}
    assert set(text(sandbox.run(["ls", "-A", "/"])).split()) - {"lib32", "lib64", "libx32"} == expected
    users = text(sandbox.run(["cut", "-d:", "-f1", "/etc/passwd"])).split()
    assert users == ["root", "nobody"]


@only_isolated
def test_the_next_world_knows_nothing_of_the_last(opened: Open) -> None:
    first = opened()
    sh(
        first,
        "echo secret > /workspace/f; echo secret > /tmp/f; echo secret > ~/.bashrc; echo secret > /dev/shm/f",
    )
    first.close()
    assert sh(opened(), "cat /workspace/f /tmp/f ~/.bashrc /dev/shm/f").stdout == b""


@only_isolated
def test_eight_worlds_at_once_use_the_same_names_and_ports(opened: Open) -> None:
    with ThreadPoolExecutor(8) as pool:
        worlds = list(pool.map(lambda _: opened(), range(8)))
        greeters = [serve(world.listeners[GREETER], b"world %d" % n) for n, world in enumerate(worlds)]
        hear = ["python3", "-c", HEAR, "greenmail", str(GREETER.port)]
        heard = list(pool.map(lambda world: text(world.run(hear)), worlds))
    for greeter in greeters:
        greeter.join()
    assert heard == [f"world {n}" for n in range(8)]


# The end


def holdings() -> Counter[str]:
    """This process's descriptors, by what they are, and its children."""
    descriptors = []
    for name in os.listdir("/proc/self/fd"):
        try:
            descriptors.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            continue
    # Docker's library keeps some connections to its engine.
    kept = [name for name in descriptors if not name.startswith(("/proc/", "socket:"))]
    parents = ((pid, parent_of(int(pid))) for pid in filter(str.isdigit, os.listdir("/proc")))
    return Counter([*kept, *(f"process {pid}" for pid, parent in parents if parent == os.getpid())])


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_close_leaves_no_process_mount_socket_or_file(
    provider: SandboxProvider, mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    script = f"sleep {mark} & setsid sleep {mark} & mkdir -p a/b; touch a/b/c; chmod 0 a/b a"
    warm = provider.open(blueprint())
    sh(warm, script)
    warm.close()
    mounts = Path("/proc/self/mountinfo").read_text().count("\n")
    before = holdings()
    sandbox = provider.open(blueprint())
    sh(sandbox, script)
    assert eventually(lambda: len(processes_with(mark)) == 2)
    listener = sandbox.listeners[GREETER]
    sandbox.close()
    assert processes_with(mark) == []
    assert listener.fileno() == -1
    assert list(tmp_path.iterdir()) == []
    assert Path("/proc/self/mountinfo").read_text().count("\n") == mounts
    # What sandboxes of other tests held before may go meanwhile; nothing may come.
    assert eventually(lambda: not holdings() - before), (holdings(), before)


def test_closing_twice_is_harmless_and_a_closed_sandbox_says_so(provider: SandboxProvider) -> None:
    sandbox = provider.open(blueprint())
    sandbox.close()
    sandbox.close()
    for use in (lambda: sandbox.run(["true"]), sandbox.settle, lambda: sandbox.tree("home")):
        with pytest.raises(WorldFailure, match="closed"):
            use()


def test_closing_ends_a_running_command(provider: SandboxProvider, mark: str) -> None:
    sandbox = provider.open(blueprint())
    with ThreadPoolExecutor() as pool:
        running = pool.submit(sandbox.run, ["sleep", mark])
        assert eventually(lambda: bool(processes_with(mark)))
        sandbox.close()
        failure = running.exception()
    assert failure is None or isinstance(failure, WorldFailure)
    assert processes_with(mark) == []


HOST = """
import sys
sys.path[:0] = sys.argv[3:]
from sandbox_cases import blueprint
from pytest_clawmark.sandboxes import providers

sandbox = providers()[sys.argv[1]]().open(blueprint())
sandbox.run(["bash", "-c", f"sleep {sys.argv[2]} & setsid sleep {sys.argv[2]} &"])
print(sandbox.paths["workspace"], flush=True)
sandbox.run(["sleep", sys.argv[2]], timeout=1000)
"""


def test_nothing_is_left_when_the_host_is_killed(
    provider: SandboxProvider, mark: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", HOST, provider.name, mark, str(Path(__file__).parent)]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as host:
        assert host.stdout is not None
        assert select.select([host.stdout], [], [], 60)[0]
        assert host.stdout.readline()
        assert eventually(lambda: len(processes_with(mark)) >= 4)
        host.kill()
    assert eventually(lambda: processes_with(mark) == [])
    assert eventually(lambda: list(tmp_path.iterdir()) == [])


def test_a_sandbox_whose_init_is_gone_fails_as_a_world_and_leaves_nothing(
    provider: SandboxProvider, mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sandbox = provider.open(blueprint())
    try:
        with ThreadPoolExecutor() as pool:
            running = pool.submit(sandbox.run, ["sleep", mark])
            assert eventually(lambda: bool(processes_with(mark)))
            os.kill(init_of(processes_with(mark)[0]), 9)
            assert isinstance(running.exception(), WorldFailure)
        with pytest.raises(WorldFailure):
            sandbox.run(["true"])
        with pytest.raises(WorldFailure):
            sandbox.settle()
        assert eventually(lambda: processes_with(mark) == [])
    finally:
        sandbox.close()
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_from_the_terminal_reaches_no_sandbox(provider: SandboxProvider, mark: str) -> None:
    sandbox = provider.open(blueprint())
    try:
        sh(sandbox, f"sleep {mark} &")
        assert eventually(lambda: len(processes_with(mark)) == 1)
        inside = [processes_with(mark)[0]]
        while (parent := parent_of(inside[-1])) not in (0, 1, os.getpid()):
            inside.append(parent)
        assert os.getpgrp() not in map(os.getpgid, inside)
    finally:
        sandbox.close()


def init_of(pid: int) -> int:
    """Seen from the host: a command's parent is its keeper, and the keeper's is init."""
    return parent_of(parent_of(pid))


# What local cannot do, so that no one takes it for a sandbox


@only_local
@pytest.mark.parametrize(
    "script",
    [
        pytest.param("cat {secret}", id="the files of the host can be read"),
        pytest.param("kill -0 {host} && echo of the host", id="the processes of the host can be signalled"),
        pytest.param("test -e /proc/{host} && echo of the host", id="the processes of the host can be seen"),
    ],
)
def test_local_does_not_keep_apart(sandbox: Sandbox, tmp_path: Path, script: str) -> None:
    (tmp_path / "secret").write_text("of the host")
    assert text(sh(sandbox, script.format(secret=tmp_path / "secret", host=os.getpid()))) == "of the host"


@only_local
def test_local_keeps_no_limit_of_disk_space(fresh: Sandbox) -> None:
    script = "for i in 1 2 3; do head -c 9000000 /dev/zero > f$i; done; for i in $(seq 300); do : > g$i; done"
    assert sh(fresh, script).exit_code == 0


@only_local
def test_local_serves_on_free_ports_of_loopback(sandbox: Sandbox) -> None:
    thread = serve(sandbox.listeners[SECURE], b"hello")
    ip, port = sandbox.listeners[SECURE].getsockname()
    assert ip == "127.0.0.1"
    assert text(sandbox.run(["python3", "-c", HEAR, ip, str(port)])) == "hello"
    thread.join()


@pytest.fixture(autouse=True)
def _no_process_outlives_its_test(mark: str) -> Iterator[None]:
    yield
    assert eventually(lambda: processes_with(mark) == [])
