"""What Airflow's pages call a task of a run: the network and how long it trains."""

from collections.abc import Mapping
from typing import Any

from emotion_core.steps.installation import Installation


def training_label(here: Installation, network: str, form: Mapping[str, Any]) -> str:
    """For example ``resnet50 · 12 epochs``, with the preset's epochs where the form has none.

    Raises:
        RecipeError: The form asks for something impossible.
    """
    from emotion_core.training.request import TrainingRequest

    epochs = TrainingRequest.from_form(form).recipes()[network].epochs
    return f"{network} · {epochs} epoch{'' if epochs == 1 else 's'}"
