"""What an operator asks for when training is triggered: the form's fields, checked as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from emotion_core.errors import RecipeError
from emotion_core.training.recipe import PRESETS, Recipe

EXCLUDED_SHARE_LIMIT: Final = 0.05
"""What a form and a shell allow that do not say otherwise."""


@dataclass(frozen=True)
class TrainingRequest:
    """One filled-in form. Its fields are the form's, name by name (a test keeps them equal).

    An empty number (``None``) means: what the preset says.
    """

    networks: tuple[str, ...]
    preset: str
    data: str
    epochs: int | None = None
    keep: str | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    weights: str | None = None
    seed: int | None = None
    note: str | None = None
    pretraining_data: str | None = None
    pretraining_epochs: int | None = None
    excluded_share_limit: float = EXCLUDED_SHARE_LIMIT
    """A data set of which a larger share cannot be used is refused, 0 to 1."""

    @classmethod
    def from_form(cls, form: Mapping[str, Any]) -> "TrainingRequest":
        """Read the form as Airflow hands it over.

        Raises:
            RecipeError: A field is unknown, missing or impossible; names it.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(form) - known):
            raise RecipeError(f"the form has no field {', '.join(unknown)}")
        for name in ("networks", "preset", "data"):
            if not form.get(name):
                raise RecipeError(f"{name} is empty: choose one")
        request = cls(**{**form, "networks": tuple(form["networks"])})
        if not 0 <= request.excluded_share_limit <= 1:
            raise RecipeError(
                f"excluded_share_limit is {request.excluded_share_limit}; it must be from 0 to 1"
            )
        for recipe in request.recipes().values():
            if bool(recipe.pretraining_epochs) != bool(request.pretraining_data):
                raise RecipeError(
                    f"pretraining_epochs is {recipe.pretraining_epochs} and pretraining_data is "
                    f"{request.pretraining_data or 'empty'}: give both, or neither"
                )
        return request

    def recipes(self) -> dict[str, Recipe]:
        """The recipe of each network: the preset with what the form overrides.

        Raises:
            RecipeError: A value is impossible; names the field.
        """
        if len(set(self.networks)) != len(self.networks):
            raise RecipeError("networks names one network twice")
        overrides = {
            name: value
            for name, value in vars(self).items()
            if name in PRESETS["seed"] and value is not None
        }
        return {
            network: Recipe.from_preset(self.preset, network, **overrides)
            for network in self.networks
        }
