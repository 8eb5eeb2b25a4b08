"""What no world sees of the kernel's file systems: it tells of the machine and its users, or reaches into it."""

from __future__ import annotations

PROC_HIDDEN = tuple(
    f"/proc/{name}"
    for name in (
        *("acpi", "asound", "bootconfig", "buddyinfo", "bus", "cmdline", "config.gz", "diskstats", "driver"),
        *("dynamic_debug", "fs", "interrupts", "iomem", "ioports", "irq", "kallsyms", "kcore", "key-users"),
        *("keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats", "locks", "modules"),
        *("mtrr", "pagetypeinfo", "partitions", "pressure", "sched_debug", "schedstat", "scsi", "slabinfo"),
        *("softirqs", "swaps", "sysrq-trigger", "timer_list", "timer_stats", "vmallocinfo", "zoneinfo"),
    )
)

# bubblewrap has no /sys at all. Docker's shows the control group, in which init looks.
SYS_HIDDEN = (
    *("block", "bus", "class", "dev", "devices", "firmware", "hypervisor", "kernel", "module", "power"),
    *("fs/bpf", "fs/btrfs", "fs/ext4", "fs/fuse", "fs/pstore", "fs/selinux", "fs/xfs"),
)
