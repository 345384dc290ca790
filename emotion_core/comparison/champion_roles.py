"""Which of the compared networks is champion, which scores beside it, and which may follow."""

from collections.abc import Sequence
from typing import Final

from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun

CANDIDATE: Final = "candidate"
"""A registered model that is not champion: the gate can be asked about it."""


def roles_of(run: ComparedRun) -> tuple[str, ...]:
    """What the run's model is, as badges: its aliases, or candidate; empty without a model."""
    if run.record.aliases:
        return run.record.aliases
    return (CANDIDATE,) if run.record.model_name else ()


def roles_sentence(runs: Sequence[ComparedRun]) -> str | None:
    """Who scores the nightly batches and who might; None where no model came of any run."""
    candidates = [run.label for run in runs if CANDIDATE in roles_of(run)]
    champions = [run.label for run in runs if "champion" in run.record.aliases]
    challengers = [run.label for run in runs if "challenger" in run.record.aliases]
    if not candidates + champions + challengers:
        return None
    sentences = [
        f"{champions[0]} is champion: it scores the nightly batches."
        if champions
        else "None of these networks is champion."
    ]
    if challengers:
        sentences.append(f"{challengers[0]} is challenger: it scores them too, unseen.")
    if candidates:
        which = "is a candidate" if len(candidates) == 1 else "are candidates"
        sentences.append(f"{formatting.listing(candidates)} {which}: the gate can be asked.")
    return " ".join(sentences)
