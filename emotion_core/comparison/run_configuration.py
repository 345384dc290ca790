"""What exactly was compared: data, recipes, machines. What differs comes first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import ComparedRun

_RECIPE_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "image_size": "Image size (pixels)",
        "epochs": "Epochs",
        "keep": "Epoch that is kept",
        "batch_size": "Batch size",
        "optimizer": "Optimizer",
        "learning_rate": "Learning rate",
        "backbone_rate": "Rate of the backbone (relative)",
        "schedule": "Schedule",
        "warm_up": "Warm-up (epochs)",
        "weight_decay": "Weight decay",
        "clip_norm": "Largest gradient norm",
        "averaging": "Averaging of weights",
        "dropout": "Dropout",
        "expression_weight": "Weight of expression loss",
        "affect_weight": "Weight of V/A loss",
        "ccc_weight": "Weight of CCC loss",
        "label_smoothing": "Label smoothing",
        "augmentation": "Augmentation",
        "mixup": "Mixup",
        "pretraining_epochs": "Earlier stage (epochs)",
        "pretraining_image_size": "Earlier stage (pixels)",
        "fold": "Fold",
    }
)
"""In the order of the page: the tables keep recipes as JSON, which has no order of its own."""
_RECIPE_ELSEWHERE: Final = frozenset({"network", "preset", "seed", "validation_share", "weights"})
"""Shown as the run's label, preset, split and origin of weights."""


@dataclass(frozen=True)
class Setting:
    """One circumstance, for each run in order."""

    group: str
    """``Data``, ``Recipe`` or ``Machine``."""
    name: str
    values: tuple[str, ...]
    """As written on the page, one per run."""

    @property
    def differs(self) -> bool:
        """Whether two runs are known to differ in it."""
        return len({value for value in self.values if value != formatting.NOTHING}) > 1

    @property
    def common(self) -> str:
        """The one value, where it does not differ."""
        return next((v for v in self.values if v != formatting.NOTHING), formatting.NOTHING)


@dataclass(frozen=True)
class RunConfiguration:
    """Everything that was the same or was not, and what each run came to."""

    different: tuple[Setting, ...]
    same: tuple[Setting, ...]
    recipe: tuple[Setting, ...]
    """Every setting, whether it differs or not."""
    outcomes: tuple[Setting, ...]
    """Differ by nature: times, speed, size. Not marked."""

    @property
    def same_by_group(self) -> tuple[tuple[str, tuple[Setting, ...]], ...]:
        """What does not differ, by group, without what nobody recorded."""
        known = [setting for setting in self.same if setting.common != formatting.NOTHING]
        groups = dict.fromkeys(setting.group for setting in known)
        return tuple((group, tuple(c for c in known if c.group == group)) for group in groups)

    def different_in(self, group: str) -> tuple[str, ...]:
        """Names of what differs in a group."""
        return tuple(setting.name for setting in self.different if setting.group == group)


def configuration_of(runs: Sequence[ComparedRun]) -> RunConfiguration:
    """Hold the circumstances of all runs against each other."""
    recipe = _recipe(runs)
    everything = [*_data(runs), *recipe, *_machine(runs)]
    return RunConfiguration(
        different=tuple(setting for setting in everything if setting.differs),
        same=tuple(setting for setting in everything if not setting.differs),
        recipe=tuple(recipe),
        outcomes=tuple(_outcomes(runs)),
    )


def _each(
    group: str, name: str, runs: Sequence[ComparedRun], value: Callable[[ComparedRun], str]
) -> Setting:
    return Setting(group, name, tuple(value(run) for run in runs))


def _data(runs: Sequence[ComparedRun]) -> list[Setting]:
    return [
        _each("Data", "Data set", runs, lambda run: _text(run.record.dataset_name)),
        _each(
            "Data",
            "Faces",
            runs,
            lambda run: "drawn by this program" if run.record.dataset_is_drawn else "photographs",
        ),
        _each("Data", "Fingerprint", runs, lambda run: _digest(run.record.dataset_fingerprint)),
        _each(
            "Data", "Images to train", runs, lambda run: formatting.count(run.record.count_train)
        ),
        _each(
            "Data",
            "Images to validate",
            runs,
            lambda run: formatting.count(run.record.count_validation),
        ),
        _each(
            "Data",
            "Split",
            runs,
            lambda run: f"by content, {formatting.percent(run.record.validation_share)} held out",
        ),
        _each("Data", "Seed", runs, lambda run: str(run.record.split_seed)),
        _each(
            "Data",
            "Validation part",
            runs,
            lambda run: _digest(run.evaluation.identity if run.evaluation else None),
        ),
    ]


def _recipe(runs: Sequence[ComparedRun]) -> list[Setting]:
    recorded = {field for run in runs for field in run.record.recipe} - _RECIPE_ELSEWHERE
    fields = [field for field in _RECIPE_WORDS if field in recorded]
    fields += sorted(recorded - set(fields))  # of a newer release
    return [
        _each("Recipe", "Preset", runs, lambda run: _text(run.record.preset)),
        _each("Recipe", "Starting weights", runs, lambda run: _origin(run.record.weights_origin)),
        *(
            Setting(
                "Recipe",
                _RECIPE_WORDS.get(field, formatting.visible(_words(field), 60)),
                tuple(formatting.setting(run.record.recipe.get(field)) for run in runs),
            )
            for field in fields
        ),
    ]


def _machine(runs: Sequence[ComparedRun]) -> list[Setting]:
    libraries = list(dict.fromkeys(name for run in runs for name in run.record.versions))
    return [
        _each("Machine", "Device", runs, lambda run: _text(run.record.device)),
        *(
            Setting(
                "Machine",
                formatting.visible(library, 60),
                tuple(_text(run.record.versions.get(library)) for run in runs),
            )
            for library in libraries
        ),
        _each("Machine", "Git revision", runs, lambda run: _digest(run.record.git_revision)),
    ]


def _outcomes(runs: Sequence[ComparedRun]) -> list[Setting]:
    def optional_count(value: float | None) -> str:
        return formatting.NOTHING if value is None else formatting.count(value)

    outcomes = [
        _each("Run", "Outcome", runs, lambda run: run.state),
        _each("Run", "Model", runs, _model),
        _each("Run", "Parameters", runs, lambda run: optional_count(run.record.parameters)),
        _each("Run", "Kept epoch", runs, lambda run: optional_count(run.record.kept_epoch)),
        _each("Run", "Best epoch", runs, lambda run: optional_count(run.record.best_epoch)),
        _each("Run", "Training time", runs, lambda run: formatting.duration(run.record.seconds)),
        _each(
            "Run",
            "Images a second",
            runs,
            lambda run: optional_count(run.record.images_per_second),
        ),
        _each("Run", "Started", runs, lambda run: formatting.moment(run.record.started_at)),
        _each("Run", "Finished", runs, lambda run: formatting.moment(run.record.finished_at)),
        _each("Run", "Key", runs, lambda run: formatting.visible(run.record.run_key, 200)),
        _each("Run", "Note", runs, lambda run: _text(run.record.note)),
    ]
    return [o for o in outcomes if any(value != formatting.NOTHING for value in o.values)]


def _model(run: ComparedRun) -> str:
    if run.record.model_name is None:
        return formatting.NOTHING
    aliases = f" ({', '.join(run.record.aliases)})" if run.record.aliases else ""
    return formatting.visible(run.record.model_name + aliases, 200)


def _origin(origin: str) -> str:
    return "random" if origin == "none" else _text(origin).replace("imagenet", "ImageNet")


def _digest(digest: str | None) -> str:
    return formatting.NOTHING if not digest else formatting.visible(digest, 100)[:16]


def _text(text: str | None) -> str:
    return formatting.visible(text, 500) if text else formatting.NOTHING


def _words(field: str) -> str:
    words = field.replace("_", " ")
    return words[:1].upper() + words[1:]
