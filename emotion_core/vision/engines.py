"""The engines that can score, by name: what each needs, how it is stored and loaded."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emotion_core.vision import engine_compiled, engine_openvino
from emotion_core.vision.engine import Engine
from emotion_core.vision.processor import available_cores, cpu_flags

if TYPE_CHECKING:
    from emotion_core.vision.network import EmotionNetwork
    from emotion_core.vision.preprocessing import Preprocessing

log = logging.getLogger(__name__)

REVISION: Final = 2
"""Raised when an engine's stored form or its computing changes; prepared engines are made anew."""

FACES_FOR_ROUNDING: Final = 64
"""Real images without which no engine below float32 is chosen."""

EngineFiles = Callable[["EmotionNetwork", "Preprocessing", Path], None]
_STORED: Final[dict[str, tuple[EngineFiles, tuple[str, ...]]]] = {
    "openvino": (engine_openvino.store, engine_openvino.FILES),
    "compiled": (engine_compiled.store, engine_compiled.FILES),
}


@dataclass(frozen=True)
class Choice:
    """An engine and how it is set up."""

    engine: str
    """``eager``, ``openvino``, ``compiled`` or ``cuda_graph``."""
    precision: str = "f32"
    """``f32`` or ``bf16``."""
    streams: int = 1
    """Batches computed side by side on a CPU."""

    @property
    def label(self) -> str:
        """For people and tables."""
        side_by_side = f" × {self.streams}" if self.streams > 1 else ""
        return f"{self.engine} {self.precision}{side_by_side}"

    @property
    def files(self) -> tuple[str, ...]:
        """What its stored form consists of; empty when it runs the weights themselves."""
        return _STORED[self.engine][1] if self.engine in _STORED else ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; ``Choice(**stored)`` reads it."""
        return asdict(self)


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
        return [Choice("compiled")] if engine_compiled.is_possible() else []
    has_bf16 = bool(cpu_flags() & {"amx_bf16", "avx512_bf16"})
    precisions = ("f32", "bf16") if has_bf16 and may_round else ("f32",)
    return [
        Choice("openvino", precision, streams)
        for precision in precisions
        for streams in sorted({1, available_cores()})
    ]


def store(
    engine: str, network: "EmotionNetwork", preprocessing: "Preprocessing", folder: Path
) -> None:
    """Write an engine's stored form, if it has one, into ``folder``."""
    if engine in _STORED:
        _STORED[engine][0](network, preprocessing, folder)


def load(choice: Choice, folder: Path, model_dir: Path, device: str) -> Engine:
    """An engine ready to score.

    Args:
        folder: Where :func:`store` put its files.
        model_dir: Where the weights are.
        device: For the reference engine: ``auto``, ``cpu`` or ``cuda``.
    """
    if choice.engine == "openvino":
        return engine_openvino.OpenVinoEngine(
            folder, precision=choice.precision, streams=choice.streams
        )
    if choice.engine == "compiled":
        return engine_compiled.CompiledEngine(folder)
    if choice.engine == "cuda_graph":
        from emotion_core.vision.engine_cuda import CudaEngine

        return CudaEngine(model_dir)
    from emotion_core.vision.engine_eager import EagerEngine

    return EagerEngine(model_dir, device)
