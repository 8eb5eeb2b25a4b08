"""The filter of system calls, run as the kernel would, for machines that are not this one too."""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import struct

import pytest

from pytest_clawmark.sandboxes import seccomp
from pytest_clawmark.sandboxes.seccomp import MACHINES, program

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "riscv64": 0xC00000F3}
NUMBERS = {
    "x86_64": {"getpid": 39, "mount": 165, "clone": 56, "socket": 41, "socketpair": 53, "ioctl": 16},
    "aarch64": {"getpid": 172, "mount": 40, "clone": 220, "socket": 198, "socketpair": 199, "ioctl": 29},
}
PERSONALITY = {"x86_64": 135, "aarch64": 92}


def decide(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """0 if the call is allowed, else the error."""
    given = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<iIQ6Q", number, audit or AUDIT[machine], 0, *given)
    code = list(struct.iter_unpack("=HBBI", program(machine)))
    value, at = 0, 0
    while True:
        what, then, otherwise, operand = code[at]
        at += 1
        if what == 0x20:
            (value,) = struct.unpack_from("<I", data, operand)
        elif what == 0x54:
            value &= operand
        elif what == 0x15:
            at += then if value == operand else otherwise
        elif what == 0x25:
            at += then if value > operand else otherwise
        elif what == 0x06:
            return 0 if operand == 0x7FFF0000 else operand & 0xFFFF
        else:
            pytest.fail(f"no such instruction: {what:#x}")


@pytest.fixture(params=NUMBERS)
def machine(request: pytest.FixtureRequest) -> str:
    return request.param


def test_ordinary_calls_are_allowed_and_dangerous_ones_refused(machine: str) -> None:
    assert decide(machine, NUMBERS[machine]["getpid"]) == 0
    assert decide(machine, NUMBERS[machine]["mount"]) == errno.EPERM


def test_calls_that_programs_can_do_without_seem_not_to_exist(machine: str) -> None:
    assert decide(machine, 435) == errno.ENOSYS  # clone3
    assert decide(machine, 425) == errno.ENOSYS  # io_uring_setup


def test_calls_of_future_kernels_and_foreign_architectures_seem_not_to_exist(machine: str) -> None:
    assert decide(machine, 463) == errno.ENOSYS
    assert decide(machine, 0x40000000 | 39) == errno.ENOSYS
    assert decide(machine, NUMBERS[machine]["getpid"], audit=0x40000003) == errno.ENOSYS


@pytest.mark.parametrize(
    "flag", [0x10000000, 0x20000, 0x20000000, 0x40000000, 0x2000000, 0x4000000, 0x8000000]
)
def test_a_thread_or_child_may_be_made_but_no_namespace(machine: str, flag: int) -> None:
    clone = NUMBERS[machine]["clone"]
    assert decide(machine, clone, 0x3D0F00) == 0  # a thread
    assert decide(machine, clone, 17) == 0
    assert decide(machine, clone, flag | 17) == errno.EPERM


def test_only_families_that_a_world_needs_have_sockets(machine: str) -> None:
    call = NUMBERS[machine]["socket"]
    refused = {family: decide(machine, call, family, 1, 0) for family in range(50)}
    assert [family for family, error in refused.items() if not error] == [1, 2, 10, 16]
    assert set(refused.values()) == {0, errno.EAFNOSUPPORT}
    assert decide(machine, call, 2, 1, 6) == 0
    assert decide(machine, call, 2, 1, 132) == errno.EPROTONOSUPPORT
    assert decide(machine, call, 16, 3, 9) == errno.EPROTONOSUPPORT
    assert decide(machine, NUMBERS[machine]["socketpair"], 1) == 0
    assert decide(machine, NUMBERS[machine]["socketpair"], 40) == errno.EAFNOSUPPORT


def test_a_terminal_may_be_asked_about_but_not_typed_into(machine: str) -> None:
    call = NUMBERS[machine]["ioctl"]
    assert decide(machine, call, 0, 0x5413) == 0
    assert decide(machine, call, 0, 0x5412) == errno.EPERM
    assert decide(machine, call, 0, 0x1_0000_5412) == errno.EPERM
    assert decide(machine, PERSONALITY[machine], 0xFFFFFFFF) == 0
    assert decide(machine, PERSONALITY[machine], 0x40000) == errno.EPERM


def test_a_machine_without_known_numbers_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match="s390x, only for x86_64, aarch64, riscv64"):
        program("s390x")


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_libseccomp(machine: str) -> None:
    found = ctypes.util.find_library("seccomp")
    if not found:
        pytest.skip("libseccomp is not installed")
    library = ctypes.CDLL(found)
    token = library.seccomp_arch_resolve_name(machine.encode())
    resolve = library.seccomp_syscall_resolve_name_arch
    column = 0 if machine == "x86_64" else 1
    wrong = {}
    for name, numbers in {**seccomp._FORBIDDEN, **seccomp._ABSENT}.items():
        known = resolve(ctypes.c_uint32(token), name.encode())
        if known >= 0 and known != numbers[column]:  # negative: older than the call, or without it
            wrong[name] = (numbers[column], known)
    assert wrong == {}
