"""What others found on real faces: for orientation, no test uses it.

Their figures cannot be paired with ours: other images, another split, other training data. The
original paper's stand in the tables of scores, the field's in a table of their own.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class PublishedResult:
    """One network's figures, as precise as they were published."""

    label: str
    protocol: str
    """On which images, trained on how many others."""
    scores: Mapping[str, str]
    """By metric of :data:`emotion_core.statistics.metrics.METRICS`, as printed there."""


_FILE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

ORIGINAL_PAPER: Final = tuple(PublishedResult(**entry) for entry in _FILE["original_paper"])
"""Both networks of the original paper, in its order."""
FIELD: Final = tuple(PublishedResult(**entry) for entry in _FILE["field"])
"""The field's figures on AffectNet."""
FIELD_METRICS: Final = (
    "accuracy",
    "macro_f1",
    "rmse_valence",
    "rmse_arousal",
    "ccc_valence",
    "ccc_arousal",
)
"""What the field prints."""
