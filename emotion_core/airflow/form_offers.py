"""What forms offer: the data sets that were prepared here, from a small file beside the models.

A DAG file is parsed every few seconds, on machines with no login to our database: a file costs
nothing and cannot hang. The task that checks a data set adds it; the form takes any other, too.
"""

import json
import os
from pathlib import Path
from typing import Final

from emotion_core.errors import EmotionError
from emotion_core.settings import Settings

FILE: Final = "offered_data_sets.json"
MOST: Final = 20


def offered_data_sets() -> list[str]:
    """The data sets used here, the last one first; none where there is no such file."""
    try:
        found = json.loads(_place().read_text(encoding="utf-8"))
    except (OSError, ValueError, EmotionError):  # a wrong setting is the tasks' to tell
        return []
    if not isinstance(found, list):
        return []
    return [one for one in found if isinstance(one, str)][:MOST]


def offer_data_set(location: str) -> None:
    """Put this one first; a folder that cannot be written to only means that nothing is offered."""
    place = _place()
    offered = [location, *(one for one in offered_data_sets() if one != location)][:MOST]
    draft = place.with_name(f"{FILE}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(offered), encoding="utf-8")
        draft.replace(place)
    except OSError:
        draft.unlink(missing_ok=True)


def _place() -> Path:
    return Settings.from_environment().home / FILE
