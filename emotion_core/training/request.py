"""What an operator asks for when training is triggered: the form's fields, checked as a whole."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from emotion_core.errors import RecipeError
from emotion_core.training.recipe import PRESETS, Recipe

EXCLUDED_SHARE_LIMIT: Final = 0.05
"""What a form and a shell allow that do not say otherwise."""
MOST_FOLDS: Final = 10
MOST_REPEATS: Final = 5


@dataclass(frozen=True)
class Training:
    """One training of an experiment: a network, with a seed, without one fold of the images."""

    recipe: Recipe
    folds: int
    """Into how many the images are divided; 1 for one split by the preset's share."""
    is_only: bool
    """Whether its network is trained once."""

    @property
    def name(self) -> str:
        """Its key within the experiment: ``resnet50``, or ``resnet50/seed42-fold1``."""
        network, seed, fold = self.recipe.network, self.recipe.seed, self.recipe.fold
        return network if self.is_only else f"{network}/seed{seed}-fold{fold + 1}"

    @property
    def label(self) -> str:
        """For people: ``resnet50 · 12 epochs · seed 42, fold 1 of 5``."""
        epochs = self.recipe.epochs
        text = f"{self.recipe.network} · {epochs} epoch{'' if epochs == 1 else 's'}"
        if self.is_only:
            return text
        fold = f", fold {self.recipe.fold + 1} of {self.folds}" if self.folds > 1 else ""
        return f"{text} · seed {self.recipe.seed}{fold}"


def trainings_of(recipes: Sequence[Recipe]) -> tuple[Training, ...]:
    """Recipes that were trained elsewhere, as the trainings of one experiment.

    Raises:
        RecipeError: Two of them are the same training.
    """
    places = Counter((recipe.network, recipe.seed, recipe.fold) for recipe in recipes)
    (network, seed, fold), count = places.most_common(1)[0]
    if count > 1:
        raise RecipeError(
            f"{network} with seed {seed} and fold {fold + 1} is there {count} times; give each "
            "training once"
        )
    is_crossed = len({recipe.fold for recipe in recipes}) > 1
    folds = round(1 / recipes[0].validation_share) if is_crossed else 1
    is_only = len({recipe.network for recipe in recipes}) == len(recipes)
    return tuple(Training(recipe, folds, is_only) for recipe in recipes)


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
    folds: int = 1
    """Of a cross-validation, 1 to 10: each network is trained as often, without one fold each."""
    repeats: int = 1
    """Seeds, 1 to 5: all of it again with the next seed, which also divides the images anew."""
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
        for name, most in (("folds", MOST_FOLDS), ("repeats", MOST_REPEATS)):
            value = getattr(request, name)
            if type(value) is not int or not 1 <= value <= most:
                raise RecipeError(f"{name} is {value!r}; it must be a whole number, 1 to {most}")
        for recipe in (training.recipe for training in request.trainings()):
            if bool(recipe.pretraining_epochs) != bool(request.pretraining_data):
                raise RecipeError(
                    f"pretraining_epochs is {recipe.pretraining_epochs} and pretraining_data is "
                    f"{request.pretraining_data or 'empty'}: give both, or neither"
                )
        return request

    def trainings(self) -> tuple[Training, ...]:
        """Every training, seed by seed and fold by fold, each for all networks before the next.

        Whatever is stopped early has trained the networks equally often.

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
        if self.folds > 1:
            overrides["validation_share"] = 1 / self.folds
        recipes = [
            Recipe.from_preset(self.preset, network, **overrides) for network in self.networks
        ]
        return tuple(
            Training(
                replace(recipe, seed=recipe.seed + repeat, fold=fold),
                self.folds,
                is_only=self.folds * self.repeats == 1,
            )
            for repeat in range(self.repeats)
            for fold in range(self.folds)
            for recipe in recipes
        )
