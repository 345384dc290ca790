"""What others found on real faces: for reference, not for tests.

Their metrics cannot be paired with ours: other images, another split, other training data. The
report that this comparison follows stands in the tables of scores, the field in one of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from emotion_core.comparison.compared_run import ComparedRun


@dataclass(frozen=True)
class PublishedResult:
    """One network of the original paper."""

    label: str
    protocol: str
    scores: Mapping[str, float]
    """By metric of :data:`emotion_core.statistics.metrics.METRICS`; it has no Cohen's kappa."""


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
        "EfficientNet-B0",
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
"""Both networks of the original paper, in its order."""


@dataclass(frozen=True)
class FieldResult:
    """A published metric, as precise as it was published."""

    label: str
    protocol: str
    """On which images, trained on how many others."""
    scores: Mapping[str, str]
    """By metric of :data:`FIELD_METRICS`, as printed there."""


FIELD_METRICS: Final = (
    "accuracy",
    "macro_f1",
    "rmse_valence",
    "rmse_arousal",
    "ccc_valence",
    "ccc_arousal",
)
"""What the field prints."""

_LARGE: Final = "about 287,000 training images; AffectNet’s 4,000 validation images, 8 expressions"
_SMALL: Final = "fine-tuned on 80 % of such a set of some 4,000, measured on the rest"

_FACES: Final = "started from VGGFace2, not ImageNet"


def _of(label: str, protocol: str, **scores: str) -> FieldResult:
    return FieldResult(label, protocol, MappingProxyType(scores))


_FIELD: Final = (
    _of("DDAMFN++", _LARGE, accuracy=".650"),
    _of("POSTER++", _LARGE, accuracy=".638"),
    _of("EmotiEffLib, EfficientNet-B2", f"{_LARGE}; {_FACES}", accuracy=".631"),
    _of("EmotiEffLib, EfficientNet-B0", f"{_LARGE}; {_FACES}", accuracy=".619"),
    _of(
        "AlexNet, AffectNet’s own baseline",
        _LARGE,
        accuracy=".58",
        ccc_valence=".60",
        ccc_arousal=".34",
    ),
    _of(
        "ResNet50",
        f"{_SMALL}; {_FACES}",
        accuracy=".529",
        macro_f1=".524",
        rmse_valence=".373",
        rmse_arousal=".319",
        ccc_valence=".585",
        ccc_arousal=".470",
    ),
    _of(
        "EfficientNet-B0",
        _SMALL,
        accuracy=".495",
        macro_f1=".495",
        rmse_valence=".383",
        rmse_arousal=".333",
        ccc_valence=".561",
        ccc_arousal=".456",
    ),
    _of("People among themselves", "two people labelling the same image", accuracy="about .60"),
)


def field_results(runs: "Sequence[ComparedRun]") -> tuple[FieldResult, ...]:
    """Published metrics, where every run was made on real faces."""
    return () if any(run.record.dataset_is_drawn for run in runs) else _FIELD
