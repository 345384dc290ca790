"""The step that a scoring task runs: what it did is kept, with its engine and its stages."""

import logging
from pathlib import Path

import pytest
from factories import make_jpeg, make_model
from promotions import make_champion
from rivals import copy_files
from sqlalchemy.exc import DBAPIError

from emotion_core.scoring.tally import STAGES
from emotion_core.settings import Settings
from emotion_core.steps import scoring
from emotion_core.steps.installation import Installation
from emotion_core.store.database import Database
from emotion_core.store.throughput import throughputs


@pytest.fixture
def here(settings: Settings, database: Database, stored: Path, tmp_path: Path) -> Installation:
    """An installation with a champion and three images that wait."""
    with database.transaction("emotion_train") as connection:
        model = make_model(connection, folder=copy_files(stored, tmp_path / "model"))
        make_champion(connection, model)
    settings.inbox_dir.mkdir(parents=True)
    for number in range(3):
        (settings.inbox_dir / f"{number}.jpg").write_bytes(make_jpeg((number, 90, 30)))
    (settings.inbox_dir / "bad.jpg").write_bytes(b"no picture")
    (settings.inbox_dir / "_SUCCESS").touch()
    return Installation(settings)


def test_each_try_of_a_worker_is_kept_with_engine_and_stages(
    here: Installation,
    database: Database,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run_key = request.node.name
    with caplog.at_level(logging.INFO):
        scoring.open_batch(here, run_key)
        logged = caplog.messages[-1]

    result = scoring.score(here, run_key, "worker 1")
    scoring.score(here, run_key, "worker 1")

    with database.transaction("emotion_report") as connection:
        first, second = throughputs(connection, run_key)
    assert (result["count_scored"], result["count_refused"]) == (3, 1)
    assert (first.count_scored, first.count_refused, second.count_scored) == (3, 1, 0)
    assert logged.endswith(": 4 entered, 1 ignored, 4 planned")
    assert first.engine == "eager f32"
    assert "cores" in first.device or "CPU" in first.device
    assert set(first.stage_seconds) == set(STAGES)
    assert first.images_per_second == pytest.approx(4 / first.seconds)


def test_a_worker_that_fails_is_kept_too(
    here: Installation, database: Database, request: pytest.FixtureRequest
) -> None:
    run_key = request.node.name
    scoring.open_batch(here, run_key)

    with pytest.raises(DBAPIError):  # a claim of minus one item
        scoring.score(here, run_key, "worker 1", chunk=-1)

    with database.transaction("emotion_report") as connection:
        (kept,) = throughputs(connection, run_key)
    assert (kept.count_scored, kept.count_refused) == (0, 0)
