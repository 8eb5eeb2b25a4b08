"""Which system calls an agent's commands may make, as a BPF program for the kernel's seccomp filter.

A list of what is forbidden, and a number beyond which everything is: calls that newer kernels add are unknown
here, and whoever asks for them is told that they do not exist. init installs the program in every command's
keeper, in bubblewrap and in Docker alike, so that the rights inside are the same.

Numbers of calls: the kernel's `arch/x86/entry/syscalls/syscall_64.tbl` and `include/uapi/asm-generic/unistd.h`,
which holds for aarch64 and riscv64; they have been the same everywhere since number 424.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from pytest_clawmark.failures import WorldFailure

# Beyond this number no call is known here: `mseal` of Linux 6.10. The x32 calls of x86_64 all lie beyond it.
_NEWEST = 462

# {call: (number on x86_64, number elsewhere)}; None where the architecture has no such call.
_FORBIDDEN: dict[str, tuple[int | None, int | None]] = {
    # other namespaces and file systems
    "chroot": (161, 51),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "pivot_root": (155, 41),
    "setns": (308, 268),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "statmount": (457, 457),
    "listmount": (458, 458),
    # files by handle, past every folder's rights
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # other processes
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    # the kernel itself, and the parts of it that were broken into most often
    "acct": (163, 89),
    "bpf": (321, 280),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "init_module": (175, 105),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "lookup_dcookie": (212, 18),
    "lsm_get_self_attr": (459, 459),
    "lsm_list_modules": (461, 461),
    "lsm_set_self_attr": (460, 460),
    "modify_ldt": (154, None),
    "nfsservctl": (180, 42),
    "perf_event_open": (298, 241),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "sysfs": (139, None),
    "syslog": (103, 116),
    "_sysctl": (156, None),
    "uselib": (134, None),
    "userfaultfd": (323, 282),
    "ustat": (136, None),
    "vhangup": (153, 58),
    # keys, which belong to users and not to worlds
    "add_key": (248, 217),
    "keyctl": (250, 219),
    "request_key": (249, 218),
    # the machine's clock and names
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "settimeofday": (164, 170),
    # where memory lies in the machine
    "mbind": (237, 235),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "set_mempolicy": (238, 237),
    "set_mempolicy_home_node": (450, 450),
}

# Programs ask whether these exist and do without them. Memory that only a descriptor holds is in nobody's size,
# and clone3 passes its flags in memory, where no filter can look.
_ABSENT: dict[str, tuple[int | None, int | None]] = {
    "clone3": (435, 435),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mq_open": (240, 180),
}

_CLONE_NEW = 0x7E02_0000  # all of CLONE_NEW* that fit beside the signal in clone's flags
_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6
_NETLINK, _NETLINK_ROUTE = 16, 0  # what `getifaddrs` asks
_STREAMS_AND_DATAGRAMS = (0, 1, 6, 17, 58)  # the family's own, ICMP, TCP, UDP, ICMPv6
_PERSONALITIES = (0, 0x0008, 0x2_0000, 0x2_0008, 0xFFFF_FFFF)  # Linux, 32 bits, old names, both; only asking
_PUSH_INPUT, _CONSOLE = 0x5412, 0x541C  # TIOCSTI, TIOCLINUX: typing into somebody else's terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Architecture:
    """`audit` is the kernel's AUDIT_ARCH; `column` says which of a call's numbers holds."""

    audit: int
    column: int
    clone: int
    socket: int
    socketpair: int
    ioctl: int
    personality: int


_ARCHITECTURES: Mapping[str, _Architecture] = {
    "x86_64": _Architecture(
        audit=0xC000_003E, column=0, clone=56, socket=41, socketpair=53, ioctl=16, personality=135
    ),
    "aarch64": _Architecture(
        audit=0xC000_00B7, column=1, clone=220, socket=198, socketpair=199, ioctl=29, personality=92
    ),
    "riscv64": _Architecture(
        audit=0xC000_00F3, column=1, clone=220, socket=198, socketpair=199, ioctl=29, personality=92
    ),
}

MACHINES = tuple(_ARCHITECTURES)

# struct seccomp_data: the call's number, the architecture, the instruction, six arguments of 64 bits.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_LOAD, _EQUAL, _ABOVE, _AND, _RETURN = 0x20, 0x15, 0x25, 0x54, 0x06
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000


@cache
def program(machine: str) -> bytes:
    """The filter for `os.uname().machine`: an array of the kernel's `struct sock_filter`.

    Raises `LookupError` for a machine whose numbers are not known.
    """
    if machine not in _ARCHITECTURES:
        raise LookupError(f"no filter of system calls is known for {machine}, only for {', '.join(MACHINES)}")
    found = _ARCHITECTURES[machine]
    denied = [(number, errno.EPERM) for number in _numbers(_FORBIDDEN, found.column)]
    denied += [(number, errno.ENOSYS) for number in _numbers(_ABSENT, found.column)]
    return b"".join(
        [
            _step(_LOAD, _ARCHITECTURE),
            _step(_EQUAL, found.audit, 1, 0),
            _refuse(errno.ENOSYS),
            _step(_LOAD, _NUMBER),
            _step(_ABOVE, _NEWEST, 0, 1),
            _refuse(errno.ENOSYS),
            *(part for number, error in denied for part in _when(number, [_refuse(error)])),
            *_when(found.clone, _refuse_flags(0, _CLONE_NEW)),
            *_when(found.socket, _check_socket()),
            *_when(found.socketpair, _only(0, _FAMILIES[:1], errno.EAFNOSUPPORT)),
            *_when(found.personality, _only(0, _PERSONALITIES, errno.EPERM)),
            *_when(found.ioctl, _none_of(1, (_PUSH_INPUT, _CONSOLE))),
            _step(_RETURN, _ALLOW),
        ]
    )


def filter_here() -> bytes:
    """The filter for this machine. Raises `WorldFailure` where none is known."""
    try:
        return program(os.uname().machine)
    except LookupError as failure:
        raise WorldFailure(f"a world cannot be guarded on this machine: {failure}") from failure


def _numbers(calls: Mapping[str, tuple[int | None, int | None]], column: int) -> Iterable[int]:
    return (number for numbers in calls.values() if (number := numbers[column]) is not None)


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """One instruction; `then` and `otherwise` are how many of the following are jumped over."""
    return struct.pack("=HBBI", code, then, otherwise, value)


def _refuse(error: int) -> bytes:
    return _step(_RETURN, _ERRNO | error)


def _when(number: int, body: list[bytes]) -> list[bytes]:
    """For one call, a body that always returns; the number is still loaded behind it."""
    return [_step(_EQUAL, number, 0, len(body)), *body]


def _argument(index: int) -> bytes:
    """Load the lower half of an argument: all that the kernel looks at in those checked here."""
    return _step(_LOAD, _ARGUMENTS + 8 * index)


def _refuse_flags(index: int, flags: int) -> list[bytes]:
    return [
        _argument(index),
        _step(_AND, flags),
        _step(_EQUAL, 0, 1, 0),
        _refuse(errno.EPERM),
        _step(_RETURN, _ALLOW),
    ]


def _only(index: int, allowed: Iterable[int], error: int) -> list[bytes]:
    values = tuple(allowed)
    tests = [_step(_EQUAL, value, len(values) - at, 0) for at, value in enumerate(values)]
    return [_argument(index), *tests, _refuse(error), _step(_RETURN, _ALLOW)]


def _none_of(index: int, forbidden: tuple[int, ...]) -> list[bytes]:
    tests = [_step(_EQUAL, value, len(forbidden) - at, 0) for at, value in enumerate(forbidden)]
    return [_argument(index), *tests, _step(_RETURN, _ALLOW), _refuse(errno.EPERM)]


def _check_socket() -> list[bytes]:
    """Families that a world needs; of the others the kernel has dozens, hardly ever looked at."""
    netlink = [*_only(2, (_NETLINK_ROUTE,), errno.EPROTONOSUPPORT)]
    unix, *internet = _FAMILIES
    protocols = _only(2, _STREAMS_AND_DATAGRAMS, errno.EPROTONOSUPPORT)
    return [
        _argument(0),
        _step(_EQUAL, unix, 0, 1),
        _step(_RETURN, _ALLOW),
        *_when(_NETLINK, netlink),
        *(part for family in internet for part in _when(family, protocols)),
        _refuse(errno.EAFNOSUPPORT),
    ]
