"""Where a network runs, with how many threads and in which precision."""

from contextlib import AbstractContextManager

import torch

from emotion_core.errors import SettingsError
from emotion_core.vision.processor import available_cores


def pick_device(name: str = "auto") -> torch.device:
    """``auto`` is the first GPU, or the CPU when there is none.

    Raises:
        SettingsError: ``cuda`` was asked for and PyTorch sees none, or the name is unknown.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise SettingsError(f"The device is {name!r}; use auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise SettingsError(
            f"The device is cuda, but PyTorch {torch.__version__} sees no CUDA GPU; use cpu or "
            "auto, or install the driver and a CUDA build of PyTorch"
        )
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def prepare_device(device: torch.device) -> None:
    """Use all of this process's cores on a CPU and no more; on a GPU, TF32 and repeatable kernels.

    In a container PyTorch counts the host's cores; threads beyond the quota only wait for one
    another. A smaller number set from outside (``OMP_NUM_THREADS``) stays.
    """
    if device.type == "cpu":
        torch.set_num_threads(max(1, min(torch.get_num_threads(), available_cores())))
    else:
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
        # The fastest convolution may be one that adds up in another order every time.
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def scoring_precision(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 on a GPU; float32 on a CPU, where scores are the reference."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")


def device_name(device: torch.device) -> str:
    """For people: the GPU's name, or the CPU's with the number of threads."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}"
