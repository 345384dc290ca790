"""What the report that this comparison follows found, on real faces: for reference, not for tests.

Its figures cannot be paired with ours: other images, another split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class PublishedResult:
    """One network of the report."""

    label: str
    protocol: str
    scores: Mapping[str, float]
    """By metric of :data:`emotion_core.metrics.METRICS`; it has no Cohen's kappa."""


PROTOCOL: Final = "600 validation images, ImageNet weights, 12 epochs"

RESULTS: Final = (
    PublishedResult(
        "ResNet50",
        PROTOCOL,
        MappingProxyType(
            {
                "accuracy": 0.408,
                "macro_f1": 0.405,
                "mean_average_precision": 0.396,
                "rmse_valence": 0.425,
                "rmse_arousal": 0.361,
                "pearson_valence": 0.484,
                "pearson_arousal": 0.388,
                "ccc_valence": 0.434,
                "ccc_arousal": 0.320,
                "sagr_valence": 0.743,
                "sagr_arousal": 0.778,
            }
        ),
    ),
    PublishedResult(
        "EfficientNetB0",
        PROTOCOL,
        MappingProxyType(
            {
                "accuracy": 0.278,
                "macro_f1": 0.259,
                "mean_average_precision": 0.335,
                "rmse_valence": 0.429,
                "rmse_arousal": 0.384,
                "pearson_valence": 0.441,
                "pearson_arousal": 0.244,
                "ccc_valence": 0.323,
                "ccc_arousal": 0.187,
                "sagr_valence": 0.712,
                "sagr_arousal": 0.765,
            }
        ),
    ),
)
"""Both networks of the report, in its order."""
