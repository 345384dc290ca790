"""What an operator asks for when training is triggered: the form's fields, checked as a whole."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from emotion_core.errors import DataError, RecipeError
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.training.recipe import Recipe


@dataclass(frozen=True)
class TrainingRequest:
    """One filled-in form. Its fields are the form's, name by name (a test keeps them equal).

    An empty number (``None``) means: what the preset says.
    """

    networks: tuple[str, ...]
    preset: str
    data: str
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    weights: str | None = None
    seed: int | None = None
    note: str | None = None
    pretraining_data: str | None = None
    pretraining_epochs: int | None = None
    excluded_share_limit: float = 0.05
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

    def require_usable(self, labelled_set: LabelledSet) -> None:
        """Refuse a data set of which too much had to be left out.

        Raises:
            DataError: Names the share, the limit and the commonest reasons.
        """
        reasons = Counter(exclusion.code for exclusion in labelled_set.exclusions)
        # A face with two broken files is left out once, but has two reasons.
        left_out = len({exclusion.name for exclusion in labelled_set.exclusions})
        share = left_out / (left_out + len(labelled_set.samples))
        if share > self.excluded_share_limit:
            why = ", ".join(f"{count} {code}" for code, count in reasons.most_common(4))
            raise DataError(
                f"{labelled_set.source}: {left_out} files ({share:.1%}) cannot be used, more than "
                f"the {self.excluded_share_limit:.1%} that excluded_share_limit allows ({why}); "
                "mend them, or allow more"
            )

    def recipes(self) -> dict[str, Recipe]:
        """The recipe of each network: the preset with what the form overrides.

        Raises:
            RecipeError: A value is impossible; names the field.
        """
        if len(set(self.networks)) != len(self.networks):
            raise RecipeError("networks names one network twice")
        chosen = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
            "weights": self.weights,
            "seed": self.seed,
            "pretraining_epochs": self.pretraining_epochs,
        }
        overrides = {name: value for name, value in chosen.items() if value is not None}
        return {
            network: Recipe.from_preset(self.preset, network, **overrides)
            for network in self.networks
        }
