"""What each run costs: to train, and to run."""

from collections.abc import Sequence
from dataclasses import dataclass

from emotion_core.comparison import formatting
from emotion_core.store.run_facts import ScoringSpeed
from emotion_core.store.training_runs import RunRecord
from emotion_core.vision.cost import ModelCost


@dataclass(frozen=True)
class RunCost:
    """One run."""

    parameters: int | None
    training_seconds: float | None
    trained_per_second: float | None
    """Training images a second."""
    trained_on: str | None
    measured: tuple[ModelCost, ...]
    """Forward passes alone, by device."""
    scoring: tuple[ScoringSpeed, ...]
    """From files to committed rows, by device and engine."""
    sentence: str

    @property
    def flops(self) -> int | None:
        """Of one image; the same on every device."""
        return self.measured[0].flops if self.measured else None


def cost_of(
    record: RunRecord, measured: Sequence[ModelCost], scoring: Sequence[ScoringSpeed]
) -> RunCost:
    """Put together what is known."""
    return RunCost(
        parameters=record.parameters,
        training_seconds=record.seconds,
        trained_per_second=record.images_per_second,
        trained_on=record.device,
        measured=tuple(measured),
        scoring=tuple(scoring),
        sentence=_sentence(measured, scoring),
    )


def _sentence(measured: Sequence[ModelCost], scoring: Sequence[ScoringSpeed]) -> str:
    """A million images, in hours: what a night must hold."""
    rates = [(s.images_per_second, f"with {s.engine}, files to rows") for s in scoring]
    rates = rates or [(m.images_per_second, "forward passes alone") for m in measured]
    if not rates:
        return "It was not timed."
    rate, how = max(rates)
    return f"A million images take it about {formatting.duration(1e6 / rate)} ({how})."
