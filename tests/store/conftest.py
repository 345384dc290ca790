"""Models around a champion."""

import pandas as pd
import pytest
from promotions import make_champion, make_rival, make_shared_labels

from emotion_core.store.database import Database
from emotion_core.store.models import ModelVersion


@pytest.fixture(scope="module")
def around(urls: dict[str, str]) -> tuple[pd.DataFrame, dict[str, ModelVersion]]:
    """Labels, and models around a champion that is right half of the time on the same images."""
    labels = make_shared_labels()
    database = Database(urls["emotion_app"])
    with database.transaction("emotion_train") as connection:
        made = {
            "equal": make_rival(connection, labels, share_right=0.51),
            "worse": make_rival(connection, labels, share_right=0.3),
            "mixed": make_rival(connection, labels, share_right=0.7, noise=0.6),
            "in affect": make_rival(connection, labels, share_right=0.5, noise=0.05),
            "uncalibrated": make_rival(connection, labels, share_right=0.7, is_calibrated=False),
        }
    database.close()
    return labels, made


@pytest.fixture
def rivals(
    database: Database, around: tuple[pd.DataFrame, dict[str, ModelVersion]]
) -> dict[str, ModelVersion]:
    """The same beside a champion, and one better than it, that no gate has seen yet."""
    labels, made = around
    with database.transaction("emotion_train") as connection:
        champion = make_rival(connection, labels, share_right=0.5)
        better = make_rival(connection, labels, share_right=0.7)
        make_champion(connection, champion)
    return {**made, "champion": champion, "better": better}
