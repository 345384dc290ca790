"""OpenVINO: the fastest engine on the CPUs measured so far, loaded without PyTorch.

The stored form is OpenVINO's own (``.xml`` and ``.bin``), with normalisation, softmax and folded
batch norms inside: uint8 pixels go in, probabilities and affect come out.
"""

import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.vision.processor import available_cores, cpu_name
from emotion_core.vision.scores import Scores

if TYPE_CHECKING:
    from emotion_core.vision.network import EmotionNetwork
    from emotion_core.vision.preprocessing import Preprocessing

MODEL_NAME: Final = "openvino.xml"
BATCH: Final = 16
"""Images a request; larger ones leave the caches, and take more memory."""


def is_installed() -> bool:
    """Whether the extra ``openvino`` is there."""
    return find_spec("openvino") is not None


@cache
def _core() -> Any:
    """One for the life of the process.

    The CPU plugin gives the thread that loads it a stack for signal handlers and unmaps it when
    the last user of its core is gone. Freed from another thread, the address stays in place, and
    the next signal, the SIGTERM of an orderly stop among them, ends in a segmentation fault.
    """
    import openvino

    return openvino.Core()


def store(network: "EmotionNetwork", preprocessing: "Preprocessing", folder: Path) -> None:
    """Convert a network on the CPU, in evaluation mode, into two files of ``folder``.

    Weights stay float32; whether they are computed with in bfloat16 is decided when loading.
    """
    import openvino
    import torch

    class FromPixels(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            logits, affect = self.network(preprocessing.normalise(pixels))
            return logits.softmax(dim=1), affect

    shape = [BATCH, preprocessing.image_size, preprocessing.image_size, 3]
    with torch.inference_mode(), warnings.catch_warnings():
        # Tracing warns that mean and std become constants, which is what is meant.
        warnings.simplefilter("ignore")
        model = openvino.convert_model(
            FromPixels().eval(),
            example_input=torch.zeros(shape, dtype=torch.uint8),
            input=[(shape, openvino.Type.u8)],
        )
    openvino.save_model(model, folder / MODEL_NAME, compress_to_fp16=False)


class OpenVinoEngine:
    """A stored network on all cores of this process.

    Args:
        folder: Where :func:`store` put it.
        precision: ``f32`` or ``bf16``.
        streams: Requests computed side by side, each on its share of the cores.
    """

    def __init__(self, folder: Path, *, precision: str, streams: int) -> None:
        import openvino

        self.device = cpu_name()
        compiled = _core().compile_model(
            folder / MODEL_NAME,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": precision,
                "INFERENCE_NUM_THREADS": available_cores(),
                "NUM_STREAMS": min(streams, available_cores()),
                # Several workers on one machine must not all sit on the first cores.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._requests = openvino.AsyncInferQueue(compiled, streams)

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        """Score uint8 [N, S, S, 3]; the last batch is filled up with its last image."""
        count = len(pixels)
        probabilities = np.empty((count, len(EXPRESSIONS)), np.float32)
        va = np.empty((count, len(DIMENSIONS)), np.float32)

        def keep(request: Any, start: int) -> None:
            stop = min(start + BATCH, count)
            probabilities[start:stop] = request.get_output_tensor(0).data[: stop - start]
            va[start:stop] = request.get_output_tensor(1).data[: stop - start]

        self._requests.set_callback(keep)
        for start in range(0, count, BATCH):
            batch = np.ascontiguousarray(pixels[start : start + BATCH])
            if len(batch) < BATCH:
                batch = np.concatenate([batch, np.repeat(batch[-1:], BATCH - len(batch), axis=0)])
            self._requests.start_async([batch], start)
        self._requests.wait_all()
        return Scores(probabilities, va)
