"""What ``model.json`` says of the model beside it. Imports no torch."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.errors import WeightsError
from emotion_core.vision.architectures import architecture_named
from emotion_core.vision.preprocessing import Preprocessing

WEIGHTS_FILE: Final = "weights.safetensors"
MODEL_FILE: Final = "model.json"
FORMAT: Final = 1


@dataclass(frozen=True)
class ModelDescription:
    """Everything needed to use a model's weights rightly, and where they came from."""

    network: str
    """See :func:`emotion_core.vision.architectures.architecture_named`."""
    preprocessing: Preprocessing
    versions: dict[str, str] = field(default_factory=dict)
    """Of the libraries that the model was made with."""
    recipe: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    """Name and fingerprints of the data set and of the split."""
    calibration: dict[str, float] = field(default_factory=lambda: {"temperature": 1.0})
    """See :class:`emotion_core.statistics.calibration.Calibration`; the temperature is part of the
    model."""
    git_revision: str | None = None
    """Of the project when the model was made; None outside a git checkout."""
    weights_sha256: str = ""
    """This and the count of parameters are known once the weights are written."""
    parameters: int = 0

    @property
    def temperature(self) -> float:
        """What calibrates the network's confidence."""
        return float(self.calibration["temperature"])

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, with the label order spelt out."""
        return {
            "format": FORMAT,
            "label": architecture_named(self.network).label,
            "expressions": list(EXPRESSIONS),
            "dimensions": list(DIMENSIONS),
            "weights_file": WEIGHTS_FILE,
            "preprocessing_fingerprint": self.preprocessing.fingerprint,
            **asdict(self),
            "preprocessing": self.preprocessing.to_dict(),
        }


def read_description(folder: Path) -> ModelDescription:
    """Read ``model.json`` without the weights.

    Raises:
        WeightsError: It is missing, damaged, of another format, or has another label order.
    """
    path = folder / MODEL_FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read ({error.strerror}); name the folder of a finished training run"
        ) from None
    except ValueError as error:
        raise WeightsError(f"{path} is not JSON ({error}); restore the file") from None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise WeightsError(f"{path} is not of format {FORMAT}; use the version that wrote it")
    order = {"expressions": list(EXPRESSIONS), "dimensions": list(DIMENSIONS)}
    if any(stored.get(name) != names for name, names in order.items()):
        found = ", ".join(f"{name} {stored.get(name)}" for name in order)
        raise WeightsError(
            f"{path} lists its outputs in the order {found}; this system's order is "
            f"{', '.join(EXPRESSIONS)} and {', '.join(DIMENSIONS)}, and scores in another order "
            "would be wrong silently"
        )
    try:
        values = {one.name: stored[one.name] for one in fields(ModelDescription)}
        values["preprocessing"] = Preprocessing.from_dict(values["preprocessing"])
        made = ModelDescription(**values)
        made.temperature  # noqa: B018  - a number, or the description is refused here
        return made
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{path} is incomplete ({type(error).__name__}: {error}); restore the file"
        ) from None
