"""The engines that can score, by name: what each needs, and how it is loaded."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emotion_core.vision import engine_openvino
from emotion_core.vision.engine import Engine
from emotion_core.vision.processor import available_cores, has_bfloat16

log = logging.getLogger(__name__)

REVISION: Final = 3
"""Raised when an engine's stored form or its computing changes; prepared engines are made anew."""

FACES_FOR_ROUNDING: Final = 64
"""Real images without which no engine below float32 is chosen."""


@dataclass(frozen=True)
class Choice:
    """An engine and how it is set up."""

    engine: str
    """``eager``, ``openvino`` or ``cuda_graph``."""
    precision: str = "f32"
    """``f32`` or ``bf16``."""
    streams: int = 1
    """Batches computed side by side on a CPU."""

    @property
    def label(self) -> str:
        """For people and tables."""
        side_by_side = f" × {self.streams}" if self.streams > 1 else ""
        return f"{self.engine} {self.precision}{side_by_side}"


def candidates(device: str, count_faces: int) -> list[Choice]:
    """The engines worth trying on this machine beside the reference.

    Args:
        device: ``cpu`` or ``cuda``.
        count_faces: Real images at hand to check them on.
    """
    may_round = count_faces >= FACES_FOR_ROUNDING
    if device == "cuda":
        return [Choice("cuda_graph", "bf16")] if may_round else []
    if not engine_openvino.is_installed():
        log.warning(
            "OpenVINO is not installed; scoring on this CPU is two to three times as fast with "
            "it: install the extra, emotion-batch-scoring[openvino]"
        )
        return []
    return [
        Choice("openvino", precision, streams)
        for precision in (("f32", "bf16") if has_bfloat16() and may_round else ("f32",))
        for streams in sorted({1, available_cores()})
    ]


def load(choice: Choice, folder: Path, model_dir: Path, device: str) -> Engine:
    """An engine ready to score.

    Args:
        folder: Where :func:`emotion_core.vision.engine_openvino.store` put its files, if any.
        model_dir: Where the weights are.
        device: For the reference engine: ``auto``, ``cpu`` or ``cuda``.
    """
    if choice.engine == "openvino":
        return engine_openvino.OpenVinoEngine(
            folder, precision=choice.precision, streams=choice.streams
        )
    if choice.engine == "cuda_graph":
        from emotion_core.vision.engine_cuda import CudaEngine

        return CudaEngine(model_dir)
    from emotion_core.vision.engine_eager import EagerEngine

    return EagerEngine(model_dir, device)
