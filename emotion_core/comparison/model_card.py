"""What a model says of itself, and what it may not be used for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from emotion_core.comparison import formatting
from emotion_core.statistics.calibration import Calibration
from emotion_core.store.training_runs import RunRecord

INTENDED: Final = (
    "Research on facial expression: sorting large collections of face crops, and measuring how "
    "networks compare on labels that people gave."
)
NOT_FOR: Final = (
    "Not for decisions about people: not at work and not in education, where the EU AI Act, "
    "Article 5(1)(f), forbids reading emotions; not in hiring, policing, insurance or at borders."
)
NOTICE: Final = (
    "Data sets of faces are given for research under their owners’ terms, which bind what was "
    "trained on them too. Faces are personal data: this page shows none unless thumbnails were "
    "asked for."
)


@dataclass(frozen=True)
class ModelCard:
    """One model, from its ``model.json``."""

    name: str
    rows: tuple[tuple[str, str], ...]
    """What and how much, as written on the page."""


def model_card(
    record: RunRecord, card: Mapping[str, Any] | None, calibration: Calibration | None
) -> ModelCard | None:
    """The card of a run's model; None if no model came of it."""
    if card is None or record.model_name is None:
        return None
    preparing = card.get("preprocessing") or {}
    size = preparing.get("image_size")
    rows = (
        ("Weights, SHA-256", _text(card.get("weights_sha256"))[:16]),
        (
            "Expects",
            f"face crops, {size} × {size} pixels, {_text(preparing.get('channel_order'))}, resized "
            f"{_text(preparing.get('resize'))}"
            if size
            else "",
        ),
        (
            "Answers",
            "eight probabilities in AffectNet’s order; valence and arousal in −1 to 1",
        ),
        (
            "Trained on",
            f"{_text(record.dataset_name)}, {formatting.count(record.count_train)} "
            f"{'drawn faces' if record.dataset_is_drawn else 'photographs'}",
        ),
        (
            "Started from",
            {"none": "random weights"}.get(record.weights_origin) or _text(record.weights_origin),
        ),
        (
            "Confidence",
            f"scoring divides logits by {formatting.score(calibration.temperature, 2)}: "
            "published confidence is calibrated"
            if calibration
            else "",
        ),
    )
    return ModelCard(
        name=formatting.visible(record.model_name, 200),
        rows=tuple((name, value) for name, value in rows if value),
    )


def _text(value: object) -> str:
    return formatting.visible(str(value), 200) if value not in (None, "") else ""
