"""How a network is trained: everything that decides the result, in one frozen value. No torch."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final

from emotion_core.errors import RecipeError, WeightsError
from emotion_core.vision.architectures import architecture_named

AUGMENTATIONS: Final = ("flip", "shift", "crop", "rotate", "colour", "grey", "erase")
"""What chance may do to a training image; see :mod:`emotion_core.training.augmentation`."""

CHOICES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "weights": ("imagenet", "none"),
        "optimizer": ("adam", "adamw"),
        "schedule": ("constant", "cosine"),
        "keep": ("last", "best"),
    }
)
"""What the fields of few values may be."""

LIMITS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "image_size": (32, 1024),
        "pretraining_epochs": (0, 500),
        "pretraining_image_size": (32, 1024),
        "epochs": (1, 500),
        "batch_size": (2, 4096),
        "learning_rate": (1e-8, 1.0),
        "backbone_rate": (0.0, 1.0),
        "warm_up": (0.0, 0.9),
        "weight_decay": (0.0, 1.0),
        "clip_norm": (0.0, 1000.0),
        "averaging": (0.0, 0.99999),
        "dropout": (0.0, 0.95),
        "expression_weight": (0.0, 1000.0),
        "affect_weight": (0.0, 1000.0),
        "ccc_weight": (0.0, 1000.0),
        "label_smoothing": (0.0, 0.5),
        "mixup": (0.0, 10.0),
        "seed": (0, 2**31 - 1),
        "validation_share": (0.01, 0.9),
        "fold": (0, 98),
    }
)
"""Lowest and highest value of each number, both allowed."""


@dataclass(frozen=True)
class Recipe:
    """A training recipe that has checked itself.

    Raises:
        RecipeError: On construction, when a field is impossible; names the field, its value and
            what is allowed.
    """

    network: str
    """See :func:`emotion_core.vision.architectures.architecture_named`."""
    preset: str
    """The preset that it began as, for people; the fields below are what counts."""
    weights: str
    """``imagenet`` starts from published ImageNet weights, ``none`` from random ones."""
    image_size: int
    """Side of the square input, in pixels."""
    pretraining_epochs: int
    """Passes over another labelled set of faces before this one; 0 for no such stage."""
    pretraining_image_size: int
    """Side of the input in that stage, in pixels."""
    epochs: int
    keep: str
    """``last`` keeps the weights that the last epoch ends with. ``best`` keeps those of the epoch
    that scores best on the held-out images, whose metrics then read too high
    (docs/statistics/tests_and_intervals.md).
    """
    batch_size: int
    optimizer: str
    learning_rate: float
    """Of the heads: the constant rate, or the highest one of ``cosine``."""
    backbone_rate: float
    """The backbone's learning rate as a share of the heads'; 0 leaves its weights as they are."""
    schedule: str
    """``constant``, or ``cosine``: down to nearly nothing after the warm-up."""
    warm_up: float
    """Share of all steps in which the rate rises, by cosine, from a twenty-fifth of it."""
    weight_decay: float
    """Of weight matrices and filters; biases and normalisations are left alone."""
    clip_norm: float
    """Longest gradient that a step may follow; 0 for no limit."""
    averaging: float
    """Decay per step of the moving average that is validated and kept; 0 keeps the weights."""
    dropout: float
    """In front of each head's first layer."""
    expression_weight: float
    """Of the cross-entropy in the loss."""
    affect_weight: float
    """Of valence and arousal's mean squared error in the loss."""
    ccc_weight: float
    """Of one minus valence and arousal's mean concordance in the loss."""
    label_smoothing: float
    """Share of the expression's certainty that is spread over all eight."""
    augmentation: str
    """``none``, or some of ``AUGMENTATIONS`` joined by ``+``."""
    mixup: float
    """Both parameters of the Beta distribution by which pairs of images are blended; 0 for none."""
    seed: int
    """Of the split, the starting weights, the order of the images, dropout and augmentation."""
    validation_share: float
    """Share of each expression's images held out, between 0 and 1."""
    fold: int
    """Which share is held out: the first, the second, … of the shuffled images, from 0."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            _check_type(field.name, value, field.type)
            if field.name in CHOICES and value not in CHOICES[field.name]:
                allowed = ", ".join(CHOICES[field.name])
                raise RecipeError(f"{field.name} is {value!r}; choose one of {allowed}")
            if field.name in LIMITS:
                low, high = LIMITS[field.name]
                if not low <= value <= high:
                    raise RecipeError(
                        f"{field.name} is {value:g}; it must be from {low:g} to {high:g}"
                    )
        _check_network(self.network)
        _check_augmentation(self.augmentation)
        if self.expression_weight == self.affect_weight == self.ccc_weight == 0:
            raise RecipeError(
                "expression_weight, affect_weight and ccc_weight are all 0; one must be above 0"
            )
        if (self.fold + 1) * self.validation_share > 1 + 1e-9:
            raise RecipeError(
                f"fold is {self.fold}; with validation_share {self.validation_share:g} there are "
                f"{int(1 / self.validation_share + 1e-9)}, counted from 0"
            )

    @property
    def augmentations(self) -> tuple[str, ...]:
        """The augmentations by name; none for ``none``."""
        return () if self.augmentation == "none" else tuple(self.augmentation.split("+"))

    @property
    def learns_affect(self) -> bool:
        """Whether valence and arousal are part of the loss."""
        return self.affect_weight > 0 or self.ccc_weight > 0

    @property
    def training_seed(self) -> int:
        """Of the starting weights, the order of the images, dropout and augmentation.

        The folds of a seed have one each: with shared random numbers their scores would rise and
        fall together, and look more alike than trainings are (docs/statistics).
        """
        return self.seed + 1_000_003 * self.fold

    def pretraining(self) -> "Recipe":
        """The recipe of the stage on another labelled set: expressions alone, the rest alike."""
        if not self.pretraining_epochs:
            raise RecipeError("pretraining_epochs is 0: there is no such stage")
        return replace(
            self,
            preset=f"{self.preset}, pretraining",
            image_size=self.pretraining_image_size,
            epochs=self.pretraining_epochs,
            pretraining_epochs=0,
            expression_weight=1.0,
            affect_weight=0.0,
            ccc_weight=0.0,
            validation_share=PRETRAINING_HELD_OUT,
            fold=0,
        )

    @classmethod
    def from_preset(cls, preset: str, network: str, **overrides: Any) -> "Recipe":
        """A preset for one network, with some fields set differently.

        Raises:
            RecipeError: There is no such preset or field, or a value is impossible.
        """
        if preset not in PRESETS:
            raise RecipeError(f"preset is {preset!r}; choose one of {', '.join(PRESETS)}")
        chosen = {**PRESETS[preset], **overrides}
        return cls.from_dict({"network": network, "preset": preset, **chosen})

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; the inverse of :meth:`from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Recipe":
        """Read what :meth:`to_dict` gave, of this release or an earlier one.

        Raises:
            RecipeError: A field is missing, unknown or impossible.
        """
        known = {field.name: field.type for field in fields(cls)}
        stored = {**_BEFORE_THE_FIELD, **stored}
        if unknown := sorted(stored.keys() - known.keys()):
            raise RecipeError(f"a recipe has no field {', '.join(unknown)}")
        if missing := sorted(known.keys() - stored.keys()):
            raise RecipeError(f"the recipe lacks {', '.join(missing)}")
        # JSON and web forms write 1 where 1.0 is meant.
        values: dict[str, Any] = {
            name: float(value) if known[name] is float and type(value) is int else value
            for name, value in stored.items()
        }
        return cls(**values)


_BEFORE_THE_FIELD: Final[Mapping[str, Any]] = MappingProxyType({"keep": "best"})
"""What recipes of earlier releases, which do not say it, were trained with."""

_KINDS: Final[Mapping[object, str]] = MappingProxyType(
    {int: "a whole number", float: "a number", str: "a text"}
)


def _check_type(name: str, value: object, expected: object) -> None:
    if type(value) is not expected:
        raise RecipeError(f"{name} is {value!r}; it must be {_KINDS[expected]}")
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"{name} is {value}; it must be a finite number")


def _check_network(name: str) -> None:
    try:
        architecture_named(name)
    except WeightsError as error:
        raise RecipeError(f"network is {name!r}; {error}") from None


def _check_augmentation(text: str) -> None:
    names = text.split("+")
    if text != "none" and (set(names) - set(AUGMENTATIONS) or len(set(names)) != len(names)):
        raise RecipeError(
            f"augmentation is {text!r}; it must be none, or some of "
            f"{', '.join(AUGMENTATIONS)}, joined by +"
        )


PRETRAINING_HELD_OUT: Final = 0.05
"""Share of the pretraining set that tells how far the stage has come."""

# The original paper's recipe to the letter. It names no weight decay, schedule or augmentation, so
# there is none.
_SEED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "weights": "imagenet",
        "image_size": 224,
        "pretraining_epochs": 0,
        "pretraining_image_size": 112,
        "epochs": 12,
        "keep": "last",
        "batch_size": 32,
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "backbone_rate": 1.0,
        "schedule": "constant",
        "warm_up": 0.0,
        "weight_decay": 0.0,
        "clip_norm": 0.0,
        "averaging": 0.0,
        "dropout": 0.5,
        "expression_weight": 1.0,
        "affect_weight": 1.0,
        "ccc_weight": 0.0,
        "label_smoothing": 0.0,
        "augmentation": "none",
        "mixup": 0.0,
        "seed": 42,
        "validation_share": 0.15,
        "fold": 0,
    }
)

# For two CPU cores and a thousand images or so: about a minute a network. Small batches, because
# the number of steps is what a short training lacks.
_QUICK: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "image_size": 64,
        "epochs": 3,
        "batch_size": 16,
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "schedule": "cosine",
        "warm_up": 0.25,
        "weight_decay": 0.01,
        "dropout": 0.0,
    }
)

# What the field does on small affect sets, each choice measured in docs/training/experiments.md.
_TUNED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "backbone_rate": 0.4,
        "schedule": "cosine",
        "warm_up": 0.25,
        "weight_decay": 0.02,
        "clip_norm": 5.0,
        "averaging": 0.99,
        "dropout": 0.3,
        "ccc_weight": 0.5,
        "label_smoothing": 0.1,
        "augmentation": "flip+crop+rotate+colour+erase",
    }
)

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "seed": _SEED,
        "quick": MappingProxyType({**_SEED, **_QUICK}),
        "tuned": MappingProxyType({**_SEED, **_TUNED}),
    }
)
"""Named starting points: every field but the network and the preset's own name."""
