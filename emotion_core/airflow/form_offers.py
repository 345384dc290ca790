"""What the training form suggests: the data sets that were prepared here, from a small file.

A DAG file is parsed every few seconds, on machines with no login to our database: a file costs
nothing and cannot hang. The task that checks a data set adds it; the form accepts any other, too.
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
    """The data sets used here, the latest first; none where there is no such file."""
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError, EmotionError):  # tasks report a wrong setting
        return []
    return [one for one in found if isinstance(one, str)][:MOST] if isinstance(found, list) else []


def offer_data_set(location: str) -> None:
    """Put this one first; where the folder cannot be written to, nothing is suggested."""
    path = _path()
    offered = [location, *(one for one in offered_data_sets() if one != location)][:MOST]
    draft = path.with_name(f"{FILE}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(offered), encoding="utf-8")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)


def _path() -> Path:
    return Settings.from_environment().home / FILE
