"""The processor this runs on: its cores, instructions and name. Imports no torch."""

import math
import os
import platform
from pathlib import Path
from typing import Final

_BELOW_BF16: Final = {"sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2"} | {
    "avx512_core",
    "avx512_core_vnni",
}
_BELOW_AMX: Final = _BELOW_BF16 | {"avx512_core_bf16", "avx512_core_fp16", "avx10_1_512"}


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
    """The instruction sets, such as ``avx512_bf16``, that engines may use; empty if not Linux.

    They are those that the kernel names, without the matrix and bfloat16 instructions that
    ``ONEDNN_MAX_CPU_ISA`` forbids: PyTorch and OpenVINO compute with oneDNN, which obeys it.
    """
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    flags = _described("flags").split()
    if limit.lower() in _BELOW_AMX:
        flags = [flag for flag in flags if not flag.startswith("amx")]
    if limit.lower() in _BELOW_BF16:
        flags = [flag for flag in flags if flag != "avx512_bf16"]
    return frozenset(flags)


def has_bfloat16() -> bool:
    """Whether the processor may compute in bfloat16 (AMX, AVX-512 BF16) and need not emulate it."""
    return bool(cpu_flags() & {"amx_bf16", "avx512_bf16"})


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
