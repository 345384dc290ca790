"""A champion and its rivals, for the DAGs that promote, score and report."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from promotions import forget_champion
from rivals import Field, make_field

from emotion_core.settings import Settings
from emotion_core.store.database import Database


@pytest.fixture
def field(
    configured: Settings, database: Database, urls: dict[str, str], stored: Path, tmp_path: Path
) -> Iterator[Field]:
    """Models in the tables, with their files; nobody is champion afterwards."""
    yield make_field(configured, database, urls, stored, tmp_path)
    forget_champion(urls)
