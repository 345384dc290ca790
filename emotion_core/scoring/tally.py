"""What one worker did, and where its time went."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

STAGES: Final = ("claim", "read", "decode", "infer", "publish")


@dataclass
class Tally:
    """What one worker did. Stages overlap, so their seconds may add up to more than ``seconds``."""

    count_scored: int = 0
    count_refused: int = 0
    engine: str = ""
    """The engine last used, for people and tables."""
    device: str = ""
    seconds: float = 0.0
    """From the first claim to the last published row, waiting for other workers left out."""
    stage_seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    @property
    def count_images(self) -> int:
        """Images brought to an end."""
        return self.count_scored + self.count_refused

    @property
    def images_per_second(self) -> float:
        """Rate over ``seconds``."""
        return self.count_images / self.seconds if self.seconds else 0.0

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """Count the seconds of the block for a stage; each stage runs in one thread only."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.stage_seconds[stage] += time.perf_counter() - began
