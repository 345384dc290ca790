"""A GPU: bfloat16, channels-last, one CUDA graph, copies from pinned memory beside the work.

The images are decoded on the CPU: nvJPEG's pixels differ from the decoder's that training saw.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.vision.scores import Scores

if TYPE_CHECKING:
    import torch

BATCH: Final = 256


class CudaEngine:
    """A stored network captured once as a CUDA graph, fed through two pinned buffers.

    While the GPU computes a batch, the next one is copied on a stream of its own.

    Raises:
        WeightsError: See :func:`emotion_core.vision.checkpoint.load_model`.
        SettingsError: There is no CUDA device.
    """

    def __init__(self, model_dir: Path) -> None:
        import torch

        from emotion_core.vision.checkpoint import load_model
        from emotion_core.vision.device import device_name, pick_device, prepare_device

        where = pick_device("cuda")
        prepare_device(where)
        self.device = device_name(where)
        network, description = load_model(model_dir)
        self._network = network.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._preprocessing = description.preprocessing
        side = self._preprocessing.image_size
        shape = (BATCH, side, side, 3)
        self._pinned = [torch.empty(shape, dtype=torch.uint8).pin_memory() for _ in range(2)]
        self._arrived = [torch.empty(shape, dtype=torch.uint8, device=where) for _ in range(2)]
        self._input = torch.zeros(shape, dtype=torch.uint8, device=where)
        self._copying = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._graph = self._capture()

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        """Score uint8 [N, S, S, 3]; what a last batch lacks is left over from the one before."""
        import torch

        count = len(pixels)
        starts = range(0, count, BATCH)
        results = torch.empty((count, len(EXPRESSIONS) + len(DIMENSIONS))).pin_memory()
        computing = torch.cuda.current_stream()
        consumed = [torch.cuda.Event() for _ in range(2)]  # type: ignore[no-untyped-call]
        copied = [torch.cuda.Event() for _ in range(2)]  # type: ignore[no-untyped-call]
        for number, start in enumerate(starts):
            slot = number % 2
            batch = pixels[start : start + BATCH]
            copied[slot].synchronize()  # the pinned buffer may still be on its way
            self._pinned[slot][: len(batch)].copy_(torch.from_numpy(batch))
            with torch.cuda.stream(self._copying):
                self._copying.wait_event(consumed[slot])
                self._arrived[slot].copy_(self._pinned[slot], non_blocking=True)
                copied[slot].record()
            computing.wait_event(copied[slot])
            self._input.copy_(self._arrived[slot])
            consumed[slot].record()
            self._graph.replay()
            results[start : start + len(batch)].copy_(self._output[: len(batch)], non_blocking=True)
        torch.cuda.synchronize()
        made = results.numpy().copy()
        return Scores(
            np.ascontiguousarray(made[:, : len(EXPRESSIONS)]),
            np.ascontiguousarray(made[:, len(EXPRESSIONS) :]),
        )

    def _capture(self) -> "torch.cuda.CUDAGraph":
        import torch

        warming = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        warming.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(warming):  # libraries allocate and choose before the capture
            for _ in range(3):
                self._forward()
        torch.cuda.current_stream().wait_stream(warming)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._output = self._forward()
        return graph

    def _forward(self) -> "torch.Tensor":
        import torch

        with torch.inference_mode(), torch.autocast("cuda", dtype=torch.bfloat16):
            logits, affect = self._network(self._preprocessing.normalise(self._input))
            return torch.cat([logits.float().softmax(dim=1), affect.float()], dim=1)
