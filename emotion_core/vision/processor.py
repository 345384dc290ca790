"""The processor this runs on: its cores, instructions and name. Imports no torch."""

import math
import os
import platform
from pathlib import Path


def available_cores(quota_file: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use: its affinity mask, further limited by a container's quota.

    Args:
        quota_file: cgroup v2's ``cpu.max``, ``"<quota> <period>"`` in microseconds.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:  # macOS
        cores = os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text().split()
        return max(1, min(cores, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # no cgroup v2, or "max": no quota
        return cores


def cpu_flags() -> frozenset[str]:
    """The instruction sets that the kernel names, such as ``avx512_bf16``; empty if not Linux."""
    return frozenset(_described("flags").split())


def cpu_name() -> str:
    """For people: the model and the number of cores that may be used."""
    model = _described("model name") or platform.processor() or platform.machine()
    return f"{model}, {available_cores()} cores"


def may_have_cuda() -> bool:
    """False where no NVIDIA driver is loaded, found out without the seconds torch would take."""
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg"))


def _described(key: str) -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
    except OSError:  # not Linux
        pass
    return ""
