"""The same steps from a shell: ``emotion …``."""

import io
import logging
import sys

from rich.console import Console

# Importing a part enters its commands.
from emotion_core.cli import (  # noqa: F401
    export,
    health,
    models,
    privacy,
    reports,
    retention,
    schema,
    scoring,
    training,
)
from emotion_core.cli.console import app as app
from emotion_core.cli.machine import sentence
from emotion_core.errors import EmotionError
from emotion_core.store.database import answer


def main() -> None:
    """Entry point. Exit code 0: done; 1: refused, in one sentence; 2: a wrong command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what it cannot show is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        app(prog_name="emotion")
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        Console(stderr=True).print(f"error: {reason}", style="red", markup=False)
        raise SystemExit(1) from None


def _reason(error: Exception) -> str | None:
    """What was refused, for people; None for a fault of this program."""
    if isinstance(error, EmotionError):
        return str(error)
    if isinstance(error, OSError):
        return sentence(error)
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        return "an argument or a setting holds bytes that are not UTF-8; write it in UTF-8"
    said = answer(error)
    return said and f"the database refused: {said}"
