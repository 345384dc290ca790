"""PyTorch compiled ahead of time (AOTInductor): for CPUs without OpenVINO, where a compiler is.

Compiling takes half a minute to minutes; the package then loads at once.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.vision.processor import cpu_name
from emotion_core.vision.scores import Scores

if TYPE_CHECKING:
    from emotion_core.vision.network import EmotionNetwork
    from emotion_core.vision.preprocessing import Preprocessing

PACKAGE_NAME: Final = "compiled.pt2"
FILES: Final = (PACKAGE_NAME,)
BATCH: Final = 32


def is_possible() -> bool:
    """Whether a C++ compiler is there."""
    return bool(find_spec("torch") and (shutil.which("g++") or shutil.which("clang++")))


def store(network: "EmotionNetwork", preprocessing: "Preprocessing", folder: Path) -> None:
    """Compile a network on the CPU, in evaluation mode, into ``FILES`` of ``folder``."""
    import torch
    from torch._inductor import aoti_compile_and_package

    side = preprocessing.image_size

    class FromPixels(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            logits, affect = self.network(preprocessing.normalise(pixels))
            return logits.softmax(dim=1), affect

    example = torch.zeros((BATCH, side, side, 3), dtype=torch.uint8)
    with torch.no_grad():
        exported = torch.export.export(FromPixels().eval(), (example,))
        aoti_compile_and_package(
            exported,
            package_path=str(folder / PACKAGE_NAME),
            inductor_configs={"freezing": True},
        )


class CompiledEngine:
    """A package made by :func:`store`, on as many threads as PyTorch has."""

    name = "compiled"

    def __init__(self, folder: Path) -> None:
        import torch

        from emotion_core.vision.device import prepare_device

        prepare_device(torch.device("cpu"))
        self.device = cpu_name()
        self._run = torch._inductor.aoti_load_package(str(folder / PACKAGE_NAME))

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        """Score uint8 [N, S, S, 3]; the last batch is filled up."""
        import torch

        probabilities = np.empty((len(pixels), len(EXPRESSIONS)), np.float32)
        va = np.empty((len(pixels), len(DIMENSIONS)), np.float32)
        full = np.zeros((BATCH, *pixels.shape[1:]), np.uint8)
        with torch.inference_mode():
            for start in range(0, len(pixels), BATCH):
                batch = pixels[start : start + BATCH]
                full[: len(batch)] = batch
                likely, affect = self._run(torch.from_numpy(full))
                probabilities[start : start + len(batch)] = likely[: len(batch)].numpy()
                va[start : start + len(batch)] = affect[: len(batch)].numpy()
        return Scores(probabilities, va)
