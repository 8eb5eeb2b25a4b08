"""The first process inside every sandbox: makes the place, hands out its doors, runs its commands.

Started as `python -I -S init.pyc CONTROL`, where CONTROL is an inherited descriptor or the path of a Unix
socket to connect to. It runs under the sandbox's interpreter, so it uses nothing but the standard library
and nothing of this package. `control.py` is the other end; between them go SOCK_SEQPACKET messages:

    host -> init   `build` once, with a marshalled configuration and perhaps the file in which a control group
                   counts whom the kernel killed; then `run`, `settle` or `resize TREE SIZE INODES`, with
                   descriptors, and `signal COMMAND NUMBER`, with the number that the command's request gave it
    init -> host   `ready FOLDER` with the listeners and the trees, or `failed WHY`, once

`run` brings five descriptors: a marshalled request, stdin, stdout, stderr and a reply; the others a reply.
A reply is lines of text: notes (`memory`, `background-memory`), then one last line: `exit CODE`, `timeout`,
`ended`, `lost`, `refused WHY`, `settled` or `resized`. When the control connection ends, init ends everything
and itself.

Every command has a keeper between itself and init: a subreaper, so that whatever the command leaves behind,
double forks included, is found and killed with it. Neither init nor a keeper can be traced or read from
inside, and where init is process 1 of a namespace it cannot be killed from there either. Where init mounts
its file systems itself it keeps the one capability for that, which keepers give up before anything else.
"""

from __future__ import annotations

# ruff: noqa: PTH102, PTH103, PTH110, PTH112, PTH123, PTH208, S606
# (pathlib takes longer to load than all of this to run.)
# `signal` and `socket` would load enum, a third of the time that opening a sandbox takes.
import _signal  # type: ignore[import-not-found]  # has no stubs
import _socket
import ctypes
import errno
import marshal
import os
import resource
import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # not from typing, which takes longer to load than this sandbox to open
    from collections.abc import Iterable
    from typing import Any, NoReturn

ROUND = 0.15  # seconds between two looks at the world's memory
STUBBORN = 1.0  # seconds that a keeper tries to kill what keeps forking, before init kills everything
LONGEST_SLEEP = 3600.0  # seconds that a keeper sleeps at once; the kernel takes no infinity
GRACE = 2.0  # seconds after a deadline until init takes over from a keeper that was stopped

_libc = ctypes.CDLL(None, use_errno=True)

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_READ, PR_CAPBSET_DROP = 1, 4, 23, 24
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAP_SETPCAP, CAP_SYS_ADMIN = 8, 21
KEYCTL, KEYCTL_JOIN_SESSION_KEYRING = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "ppc64le": 271}, 1
CAPABILITY_VERSION_3 = 0x20080522


def checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(what: int, first: int = 0, second: int = 0) -> int:
    return checked(_libc.prctl(what, first, second, 0, 0), f"prctl {what}")


def mount(kind: str, path: str, flags: int, options: str = "") -> None:
    """`kind` is the file system's, or with MS_BIND what is to be shown at `path`."""
    arguments = kind.encode(), path.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()
    checked(_libc.mount(*arguments), f"mount {kind} {path} {options}")


def drop_capabilities(keep: int = 0) -> None:
    """Give up every capability for good but those of the mask `keep`, which no program can inherit, and become
    invisible to those who have none either."""
    data = (ctypes.c_uint32 * 6)()
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    checked(_libc.capget(header, data), "capget")
    if data[0] >> CAP_SETPCAP & 1:
        capability = 0
        while _libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0:
            prctl(PR_CAPBSET_DROP, capability)
            capability += 1
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    keep &= data[0]
    checked(_libc.capset(header, (ctypes.c_uint32 * 6)(keep, keep)), "capset")
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 0)


def filter_system_calls(program: bytes) -> None:
    """Forbid this process and all that come of it what `program`, instructions for the kernel, forbids."""
    instructions = ctypes.create_string_buffer(program, len(program))
    # A number of 16 bits, padding, a pointer; all machines for which there is a program are little-endian.
    header = (ctypes.c_uint64 * 2)(len(program) // 8, ctypes.addressof(instructions))
    checked(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0), "prctl seccomp")


def forget_keys() -> None:
    """Leave the host's keyring for one of our own. Where this is refused, keyrings are refused to agents too."""
    if number := KEYCTL.get(os.uname().machine):
        _libc.syscall(number, KEYCTL_JOIN_SESSION_KEYRING, None)


def write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def close_kernel_doors(shared_memory: int) -> None:
    """Forbid new user namespaces, and bound shared memory, which no process's size need show."""
    settings = "/proc/sys"
    if os.statvfs(settings).f_flag & os.ST_RDONLY:
        mount(settings, settings, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC)
    else:
        mount(settings, settings, MS_BIND)
    write("/proc/sys/user/max_user_namespaces", b"0")
    pages = shared_memory // resource.getpagesize()
    limits = {"kernel/shm_rmid_forced": 1, "kernel/shmall": pages, "fs/mqueue/queues_max": 0}
    for name, value in limits.items():
        try:
            write(f"{settings}/{name}", b"%d" % value)
        except OSError:
            continue  # older kernels keep these for the machine's root; they cost memory, not isolation
    mount(settings, settings, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)


def hide(path: str) -> None:
    """Put nothing in the place of a file or folder, if it exists."""
    if os.path.isdir(path):
        mount("tmpfs", path, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "size=4096,nr_inodes=2,mode=0555")
    elif os.path.exists(path):
        mount("/dev/null", path, MS_BIND)


def listen(addresses: list[tuple[str, int]]) -> list[_socket.socket]:
    listeners = []
    for ip, port in addresses:
        listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        try:
            listener.bind((ip, port))
        except OSError as failure:
            raise OSError(failure.errno, f"bind {ip}:{port}: {failure.strerror}") from failure
        listener.listen(128)
        listeners.append(listener)
    return listeners


def own_folder(parent: str) -> str:
    # Its name tells whose it is; without a namespace the number is the machine's.
    folder = f"{parent}/clawmark-{os.getpid()}-{os.urandom(4).hex()}"
    os.mkdir(folder, 0o700)
    return folder


def remove(folder: str) -> None:
    """Delete a folder with all that an agent may have put into it or taken its rights from.

    The programs cope with trees deeper than Python's stack and longer than a path may be.
    """
    os.spawnvp(os.P_WAIT, "chmod", ["chmod", "-Rf", "u+rwx", folder])
    os.spawnvp(os.P_WAIT, "rm", ["rm", "-rf", "--", folder])


class World:
    """What the configuration asks for: file systems, files, listeners, directory descriptors."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.folder = own_folder(config["parent"]) if config["parent"] else ""
        try:
            self.make(config)
        except BaseException:
            self.remove()
            raise

    def make(self, config: dict[str, Any]) -> None:
        for path, options in config["mounts"]:
            mount("tmpfs", path, MS_NOSUID | MS_NODEV, options)
        if config["close_kernel_doors"]:
            close_kernel_doors(config["memory"])
        for path in config["hidden"]:
            hide(path)
        for path in config["folders"]:
            os.makedirs(self.place(path), mode=0o755, exist_ok=True)
        for path, content in config["files"].items():
            write(self.place(path), content)
        self.listeners = listen(config["listen"])
        kind = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        self.trees = [os.open(self.place(path), kind) for path in config["trees"]]
        self.clock = self.make_clock(config) if config["clock"] else None

    def make_clock(self, config: dict[str, Any]) -> int:
        """Write the clock's library; a descriptor with which the host can write to it, as nobody else can."""
        made, shown = config["clock_folders"]
        if shown:
            mount("tmpfs", made, MS_NOSUID | MS_NODEV, "size=128k,nr_inodes=4,mode=0755")
        path = self.place(f"{made}/clock.so")
        write(path, config["clock"])
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        if shown:
            write(f"{made}/preload", f"{shown}/clock.so\n".encode())
            # What is open for writing keeps its own mount from becoming read-only, but not another of the same.
            mount(made, shown, MS_BIND)
            mount(made, shown, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_RDONLY)
            checked(_libc.umount2(made.encode(), MNT_DETACH), f"umount {made}")
        return descriptor

    def place(self, path: str) -> str:
        return self.folder + path

    def hand_out(self, control: _socket.socket) -> None:
        """Give the doors to the host and keep none."""
        doors = [*self.trees, *([] if self.clock is None else [self.clock])]
        descriptors = [listener.fileno() for listener in self.listeners] + doors
        packed = b"".join(number.to_bytes(4, sys.byteorder) for number in descriptors)
        ancillary = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed)]
        control.sendmsg([b"ready " + os.fsencode(self.folder)], ancillary)
        for listener in self.listeners:
            listener.close()
        for door in doors:
            os.close(door)

    def remove(self) -> None:
        if self.folder:
            remove(self.folder)


def processes() -> dict[int, tuple[int, int]]:
    """{pid: (parent, resident bytes)} of all that can be seen."""
    found = {}
    page = resource.getpagesize()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue  # it ended while we looked
            found[int(name)] = int(fields[1]), int(fields[21]) * page
    return found


def descendants(parents: dict[int, int], ancestor: int) -> list[int]:
    """Those of `parents` ({pid: parent}) that come from `ancestor`."""
    known = {ancestor: True}

    def comes_from(pid: int) -> bool:
        chain = []
        while pid not in known and pid in parents:
            chain.append(pid)
            pid = parents[pid]
        answer = known.get(pid, False)
        known.update(dict.fromkeys(chain, answer))
        return answer

    return [pid for pid in parents if pid != ancestor and comes_from(pid)]


def proportional_size(pid: int, otherwise: int) -> int:
    """Bytes of a process with shared pages divided among those who share them; costly to ask for."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # it ended, or hides itself: then its resident size counts in full
    return otherwise


def out_of_memory_kills(counter: int) -> int:
    """How many processes the kernel has killed for want of memory in the control group around this process.

    `counter` is the file that says so, or -1 in a container, which shows it.
    """
    if counter >= 0:
        return kills(os.pread(counter, 4096, 0).splitlines())
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            with open(path, "rb") as file:
                return kills(file)
        except FileNotFoundError:
            continue  # it is the other version of control groups
    return 0


def kills(lines: Iterable[bytes]) -> int:
    return next((int(line.split()[1]) for line in lines if line.startswith(b"oom_kill ")), 0)


def reap() -> list[tuple[int, int]]:
    """[(pid, exit code)] of all children that have ended."""
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if not pid:
            return ended
        ended.append((pid, os.waitstatus_to_exitcode(status)))


def kill(pid: int, number: int = _signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it ended by itself


def children() -> list[int]:
    me = os.getpid()
    return [pid for pid, (parent, _) in processes().items() if parent == me]


def kill_children(until: float) -> bool:
    """Kill all descendants of this subreaper; whether that was done before `until`.

    A child that was not waited for keeps its pid, so no stranger is ever hit; orphans become children.
    """
    while True:
        for pid in children():
            kill(pid)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return True
        reap()
        if time.monotonic() > until:
            return False


def kill_namespace() -> None:
    """As process 1: kill and reap all others. One call signals all, so nothing can fork its way past it."""
    try:
        os.kill(-1, _signal.SIGKILL)
        while True:
            os.waitpid(-1, 0)
    except (ProcessLookupError, ChildProcessError):
        return  # there are none (any more)


def say(reply: int, text: str) -> None:
    try:
        os.write(reply, text.encode(errors="replace") + b"\n")
    except BrokenPipeError:
        return  # the host has stopped listening to this command


def conclude(reply: int, text: str) -> None:
    say(reply, text)
    os.close(reply)


def limit(rlimits: list[tuple[str, int]]) -> None:
    for name, value in rlimits:
        number = getattr(resource, "RLIMIT_" + name)
        _, most = resource.getrlimit(number)
        allowed = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(number, (allowed, allowed))


def spawn(request: dict[str, Any], rlimits: list[tuple[str, int]], streams: tuple[int, ...]) -> int:
    """Start the command in a session of its own; the pid."""
    command, env = request["command"], request["env"]
    os.chdir(request["cwd"])
    limit(rlimits)
    actions: list[Any] = [(os.POSIX_SPAWN_DUP2, number, place) for place, number in enumerate(streams)]
    if request["terminal"]:
        # A session's leader that opens a terminal without O_NOCTTY makes it the session's own.
        actions.append((os.POSIX_SPAWN_OPEN, 0, f"/proc/self/fd/{streams[0]}", os.O_RDWR, 0))
    name, denied = command[0], None
    folders = [""] if "/" in name else [path + "/" for path in env.get("PATH", os.defpath).split(":")]
    for folder in folders:
        try:
            # Not fork and exec: posix_spawn copies no page tables, which saves half a millisecond.
            return os.posix_spawn(
                folder + name,
                command,
                env,
                file_actions=actions,
                setsid=True,
                setsigmask=[],
                setsigdef=[_signal.SIGPIPE, _signal.SIGXFSZ, *IGNORED],
            )
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as failure:
            denied = failure
    raise denied or FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def await_signal(deadline: float) -> int:
    """The signal that woke a keeper, 0 when the deadline has come; it may be infinite."""
    while (left := deadline - time.monotonic()) > 0:
        woken = _signal.sigtimedwait((*WAKING, *FORWARDED), min(left, LONGEST_SLEEP))
        if woken is not None:
            return int(woken.si_signo)
    return 0


def keep(
    request: dict[str, Any],
    streams: tuple[int, ...],
    reply: int,
    *,
    config: dict[str, Any],
    counter: int,
) -> int:
    """Be a command's keeper; the exit code 0 says that the reply was given, 1 that the command resists."""
    drop_capabilities()
    if config["filter"]:
        filter_system_calls(config["filter"])
    contained = config["contained"]
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    _signal.pthread_sigmask(_signal.SIG_BLOCK, (*WAKING, *FORWARDED))
    prctl(PR_SET_PDEATHSIG, INIT_DIED)
    deadline = time.monotonic() + request["timeout"]
    killed_before = out_of_memory_kills(counter) if contained else 0
    try:
        command = spawn(request, config["rlimits"], streams)
    except (OSError, ValueError) as failure:
        why = failure.strerror if isinstance(failure, OSError) else str(failure)
        text = f"cannot run {request['command'][0]!r} in {request['cwd']!r}: {why}"
        say(streams[2], text)
        say(reply, f"exit {127 if isinstance(failure, FileNotFoundError) else 126}")
        return 0
    offer_to_the_kernel(command)
    for descriptor in streams:
        os.close(descriptor)
    code, orphaned = attend(command, deadline)
    if code is not None:
        if contained and out_of_memory_kills(counter) > killed_before:
            say(reply, "memory")
        say(reply, f"exit {code}")
        return 0
    if not kill_children(time.monotonic() + STUBBORN):
        return 1
    if not orphaned:
        say(reply, "timeout")
    return 0


def offer_to_the_kernel(command: int) -> None:
    """Should the machine or the world run out of memory, it is to be taken from commands first, and never from
    init: it keeps the score that it was started with, below which no command can lower its own."""
    try:
        write(f"/proc/{command}/oom_score_adj", b"1000")
    except OSError:
        return  # it has ended, or is of a kind that hides itself: then its size alone decides


def attend(command: int, deadline: float) -> tuple[int | None, bool]:
    """(exit code, whether init has died); without a code it must be ended, for its time is over or init dead."""
    while True:
        for pid, code in reap():
            if pid == command:
                return code, False
        woken = await_signal(deadline)
        if woken in FORWARDED:
            # It leads its own group until it is reaped, so no stranger is ever hit.
            os.killpg(command, woken)
        elif woken != _signal.SIGCHLD:
            return None, woken == INIT_DIED


INIT_DIED = _signal.SIGUSR1
WAKING = (_signal.SIGCHLD, INIT_DIED)
FORWARDED = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT, _signal.SIGUSR2)
IGNORED = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT, _signal.SIGUSR1, _signal.SIGUSR2)


class Init:
    """Serves the host's requests until the control connection ends."""

    def __init__(self, control: _socket.socket, config: dict[str, Any], counter: int) -> None:
        self.control = control
        self.memory = config["memory"]
        self.config = config
        self.counter = counter
        # Without a namespace of processes, signalling all would reach the machine's.
        self.namespace = config["namespace"] and os.getpid() == 1
        self.commands: dict[int, tuple[int, float]] = {}  # keeper's pid: (reply, moment when init takes over)
        self.keepers: dict[int, int] = {}  # number that a request gave its command: keeper's pid
        self.busy = False  # whether there may be processes of the agent's
        self.untold = False  # a background process was killed and nobody was told
        self.woken, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for number in IGNORED:
            _signal.signal(number, _signal.SIG_IGN)
        _signal.signal(_signal.SIGCHLD, lambda *_: None)
        _signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        prctl(PR_SET_CHILD_SUBREAPER, 1)

    def serve(self) -> None:
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        poll.register(self.woken, select.POLLIN)
        looked = 0.0
        while True:
            ready = dict(poll.poll(ROUND * 1000 if self.busy else None))
            if self.woken in ready:
                os.read(self.woken, 4096)
                self.collect()
            if self.busy and time.monotonic() - looked > ROUND:
                self.watch()
                looked = time.monotonic()
            if self.control.fileno() in ready and not self.answer():
                self.end_all("ended")
                return

    def answer(self) -> bool:
        """Serve one request; False at the end of the conversation."""
        try:
            message, descriptors = receive(self.control)
        except ConnectionResetError:
            return False
        verb, *numbers = message.split() or [b""]
        if verb == b"run":
            self.run(*descriptors)
        elif verb == b"settle":
            self.end_all("ended")
            conclude(descriptors[0], "settled")
        elif verb == b"signal":
            self.signal(*map(int, numbers))
        elif verb == b"resize":
            self.resize(descriptors[0], *map(int, numbers))
        return verb in (b"run", b"settle", b"signal", b"resize")

    def resize(self, reply: int, tree: int, size: int, inodes: int) -> None:
        """Let a tree hold more, or no more than before."""
        try:
            path = self.config["trees"][tree]
            mount("tmpfs", path, MS_REMOUNT | MS_NOSUID | MS_NODEV, f"size={size},nr_inodes={inodes}")
        except OSError as failure:
            conclude(reply, f"refused {failure}")
        else:
            conclude(reply, "resized")

    def signal(self, command: int, number: int) -> None:
        """Have a command's keeper pass a signal on, unless the command has ended."""
        keeper = self.keepers.get(command)
        if keeper in self.commands:
            kill(keeper, number)

    def run(self, source: int, stdin: int, stdout: int, stderr: int, reply: int) -> None:
        request = unpack(source)
        if self.untold:
            say(reply, "background-memory")
            self.untold = False
        streams = (stdin, stdout, stderr)
        # Until the keeper waits for them they must be kept: what is blocked is not dropped.
        _signal.pthread_sigmask(_signal.SIG_BLOCK, FORWARDED)
        try:
            keeper = os.fork()
        except OSError as failure:
            conclude(reply, f"refused {failure.strerror}")
        else:
            if not keeper:
                self.leave_to_keeper(request, streams, reply)
            self.commands[keeper] = reply, time.monotonic() + request["timeout"] + STUBBORN + GRACE
            self.keepers[request["number"]] = keeper
            self.busy = True
        finally:
            _signal.pthread_sigmask(_signal.SIG_UNBLOCK, FORWARDED)
        for descriptor in streams:
            os.close(descriptor)

    def leave_to_keeper(self, request: dict[str, Any], streams: tuple[int, ...], reply: int) -> NoReturn:
        code = 2
        try:
            _signal.set_wakeup_fd(-1)
            self.control.close()
            code = keep(request, streams, reply, config=self.config, counter=self.counter)
        finally:
            os._exit(code)

    def collect(self) -> None:
        """Reap what has ended; a keeper that did not finish its work means that the agent fights it."""
        for pid, code in reap():
            if pid not in self.commands:
                continue
            if code:
                self.end_all("ended", {pid: "timeout" if code == 1 else "lost"})
            else:
                os.close(self.commands.pop(pid)[0])
                self.keepers = {number: keeper for number, keeper in self.keepers.items() if keeper != pid}

    def end_all(self, last: str, special: dict[int, str] | None = None) -> None:
        """Kill and reap every process but this one, and tell whoever waits for a command."""
        if self.namespace:
            kill_namespace()
        else:
            kill_children(float("inf"))
        for pid, (reply, _) in self.commands.items():
            conclude(reply, (special or {}).get(pid, last))
        self.commands.clear()
        self.keepers.clear()
        self.busy = False

    def watch(self) -> None:
        """Look for keepers that were stopped, and at the memory of the world."""
        now = time.monotonic()
        overdue = {pid: "timeout" for pid, (_, deadline) in self.commands.items() if now > deadline}
        if overdue:
            self.end_all("ended", overdue)
            return
        seen = processes()
        parents = {pid: parent for pid, (parent, _) in seen.items()}
        found = [pid for pid in descendants(parents, os.getpid()) if pid not in self.commands]
        self.busy = bool(found or self.commands)
        sizes = {pid: seen[pid][1] for pid in found}
        if sum(sizes.values()) > self.memory:
            sizes = {pid: proportional_size(pid, size) for pid, size in sizes.items()}
        while sum(sizes.values()) > self.memory:
            largest = max(sizes, key=sizes.__getitem__)
            del sizes[largest]
            self.blame(largest, parents)
            kill(largest)

    def blame(self, pid: int, parents: dict[int, int]) -> None:
        """Note at the command that a process comes from why that process is about to die."""
        while pid in parents and pid not in self.commands:
            pid = parents[pid]
        if pid in self.commands:
            say(self.commands[pid][0], "memory")
        else:
            self.untold = True


def connect(where: str) -> _socket.socket:
    for name in os.listdir("/proc/self/fd"):
        # What was inherited is not for commands; the descriptor of this listing itself is closed by now.
        if int(name) > 2 and os.path.exists(f"/proc/self/fd/{name}"):
            os.set_inheritable(int(name), False)  # noqa: FBT003 - takes no keyword
    if where.isdigit():
        return _socket.socket(fileno=int(where))
    control = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    control.connect(where)
    return control


def receive(control: _socket.socket) -> tuple[bytes, list[int]]:
    """The next message: a verb and its descriptors; an empty verb is the end."""
    verb, ancillary, _, _ = control.recvmsg(64, _socket.CMSG_SPACE(8 * 4), _socket.MSG_CMSG_CLOEXEC)
    packed = b"".join(data for _, _, data in ancillary)
    return verb, [int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4)]


def unpack(descriptor: int) -> dict[str, Any]:
    with open(descriptor, "rb") as file:
        content: dict[str, Any] = marshal.loads(file.read())  # noqa: S302 - the host's, which is trusted
    return content


def main() -> int:
    control = connect(sys.argv[1])
    verb, descriptors = receive(control)
    if not verb:
        return 0
    config = unpack(descriptors[0])
    os.umask(0o022)
    try:
        forget_keys()
        world = World(config)
        drop_capabilities(keep=1 << CAP_SYS_ADMIN if config["mounts"] else 0)
        init = Init(control, config, descriptors[1] if len(descriptors) > 1 else -1)
    except OSError as failure:
        control.send(f"failed {failure}".encode())
        return 1
    world.hand_out(control)
    init.serve()
    world.remove()
    return 0


if __name__ == "__main__":
    os._exit(main())
