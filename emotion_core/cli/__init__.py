"""The same steps from a shell: ``emotion …``."""

import logging

from rich.console import Console

# Importing the parts enters their commands.
from emotion_core.cli import (
    export,
    health,
    keeping,
    models,
    privacy,
    reports,
    schema,
    scoring,
    training,
)
from emotion_core.cli.console import app
from emotion_core.errors import EmotionError

__all__ = [
    "app",
    "export",
    "health",
    "keeping",
    "main",
    "models",
    "privacy",
    "reports",
    "schema",
    "scoring",
    "training",
]


def main() -> None:
    """Entry point: what the system refuses on purpose is one sentence and exit code 1."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        app(prog_name="emotion")
    except EmotionError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False)
        raise SystemExit(1) from None
