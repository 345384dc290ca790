"""How a network is trained: everything that decides the result, in one frozen value. No torch."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, Final

from emotion_core.errors import RecipeError
from emotion_core.vision.architectures import NETWORKS

CHOICES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "network": tuple(NETWORKS),
        "weights": ("imagenet", "none"),
        "optimizer": ("adam", "adamw"),
        "schedule": ("constant", "one_cycle"),
        "augmentation": ("none", "flip_and_shift"),
    }
)
"""What the fields of few values may be."""

LIMITS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "epochs": (1, 500),
        "batch_size": (2, 4096),
        "learning_rate": (1e-8, 1.0),
        "weight_decay": (0.0, 1.0),
        "image_size": (32, 1024),
        "dropout": (0.0, 0.95),
        "expression_weight": (0.0, 1000.0),
        "affect_weight": (0.0, 1000.0),
        "seed": (0, 2**31 - 1),
        "validation_share": (0.01, 0.9),
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
    """Key of ``NETWORKS``."""
    preset: str
    """The preset that it began as, for people; the fields below are what counts."""
    weights: str
    """``imagenet`` starts from torchvision's ImageNet weights, ``none`` from random ones."""
    image_size: int
    """Side of the square input, in pixels."""
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    """The constant rate, or the highest one of ``one_cycle``."""
    schedule: str
    """``constant``, or ``one_cycle``: up for a quarter of the steps, then down by cosine."""
    weight_decay: float
    dropout: float
    """In front of each head's first layer."""
    expression_weight: float
    """Of the cross-entropy in the loss."""
    affect_weight: float
    """Of valence and arousal's mean squared error in the loss."""
    augmentation: str
    """``none``, or ``flip_and_shift``: mirrored by lot, moved by up to a sixteenth of the side."""
    seed: int
    """Of the split, the starting weights, the order of the images, dropout and augmentation."""
    validation_share: float
    """Share of each expression's images held out, between 0 and 1."""

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
        if self.expression_weight == self.affect_weight == 0:
            raise RecipeError(
                "expression_weight and affect_weight are both 0; at least one must be above 0"
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
        """Read what :meth:`to_dict` gave.

        Raises:
            RecipeError: A field is missing, unknown or impossible.
        """
        known = {field.name: field.type for field in fields(cls)}
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


_KINDS: Final[Mapping[object, str]] = MappingProxyType(
    {int: "a whole number", float: "a number", str: "a text"}
)


def _check_type(name: str, value: object, expected: object) -> None:
    if type(value) is not expected:
        raise RecipeError(f"{name} is {value!r}; it must be {_KINDS[expected]}")
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"{name} is {value}; it must be a finite number")


PRESETS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        # The report's recipe to the letter. It names no weight decay, schedule or augmentation,
        # so there is none.
        "seed": MappingProxyType(
            {
                "weights": "imagenet",
                "image_size": 224,
                "epochs": 12,
                "batch_size": 32,
                "optimizer": "adam",
                "learning_rate": 1e-4,
                "schedule": "constant",
                "weight_decay": 0.0,
                "dropout": 0.5,
                "expression_weight": 1.0,
                "affect_weight": 1.0,
                "augmentation": "none",
                "seed": 42,
                "validation_share": 0.15,
            }
        ),
        # For two CPU cores and a thousand images or so: about a minute a network. Small batches,
        # because the number of steps is what a short training lacks.
        "quick": MappingProxyType(
            {
                "weights": "imagenet",
                "image_size": 64,
                "epochs": 3,
                "batch_size": 16,
                "optimizer": "adamw",
                "learning_rate": 1e-3,
                "schedule": "one_cycle",
                "weight_decay": 0.01,
                "dropout": 0.0,
                "expression_weight": 1.0,
                "affect_weight": 1.0,
                "augmentation": "none",
                "seed": 42,
                "validation_share": 0.15,
            }
        ),
    }
)
"""Named starting points: every field but the network and the preset's own name."""
