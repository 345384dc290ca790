"""The analyst's views: read as emotion_analyst, answers worked out by hand."""

from collections.abc import Iterator

import numpy as np
import pytest
from factories import make_arrivals, make_labels, make_model, make_predictions, make_training_run
from sqlalchemy import text

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.store import models, training_runs
from emotion_core.store.batches import enter_files, open_batch, plan_items
from emotion_core.store.database import Database
from emotion_core.store.ledger import claim_items, publish_items

# Three images: Happy at 0.93, Happy at 0.44 and Contempt at 0.65.
PROBABILITIES = np.array(
    [
        [0.01, 0.93, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01],
        [0.08, 0.44, 0.08, 0.08, 0.08, 0.08, 0.08, 0.08],
        [0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.65],
    ],
    dtype=np.float32,
)
AFFECT = np.array([[0.5, 0.0], [0.5, 0.5], [-0.25, 0.25]], dtype=np.float32)
DOCUMENTED = (
    "current_prediction",
    "daily_expression_mix",
    "affect_by_day",
    "low_confidence_prediction",
    "scored_image_by_batch",
    "confusion_matrix",
    "batch_summary",
    "model_leaderboard",
    "refused_image",
    "scoring_rate",
    "scoring_backlog",
    "model_disagreement",
    "refused_image_by_reason",
    "scored_image_by_batch_affect",
    "likely_label_error",
)


@pytest.fixture
def model(database: Database, request: pytest.FixtureRequest) -> str:
    """The name of a model that has scored the three images."""
    with database.transaction("emotion_train") as connection:
        made = make_model(connection)
    with database.transaction("emotion_score") as connection:
        batch = open_batch(
            connection, run_key=request.node.name, source="/inbox", model_version_id=made.id
        )
        enter_files(connection, batch, make_arrivals(3, request.node.name))
        plan_items(connection, batch.id)
        claims = claim_items(
            connection, model_version_id=made.id, worker="w", limit=3, lease_seconds=60
        )
        publish_items(connection, claims, PROBABILITIES, AFFECT, [])
    return made.name


@pytest.fixture
def analyst(urls: dict[str, str]) -> Iterator[Database]:
    opened = Database(urls["emotion_analyst"])
    yield opened
    opened.close()


def rows(analyst: Database, statement: str, model: str) -> list[tuple[object, ...]]:
    with analyst.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), {"model": model})]


def test_the_daily_mix_gives_each_expression_its_share_of_the_day(
    analyst: Database, model: str
) -> None:
    statement = (
        "SELECT expression, count_images, round(share, 4)::float8 FROM daily_expression_mix "
        "WHERE model = :model ORDER BY share DESC"
    )

    found = rows(analyst, statement, model)

    assert found == [("Happy", 2, 0.6667), ("Contempt", 1, 0.3333)]


def test_affect_by_day_holds_mean_and_spread(analyst: Database, model: str) -> None:
    statement = (
        "SELECT count_images, mean_valence, mean_arousal, spread_arousal FROM affect_by_day "
        "WHERE model = :model"
    )

    found = rows(analyst, statement, model)

    assert found == [(3, pytest.approx(0.25), pytest.approx(0.25), pytest.approx(0.25))]


def test_low_confidence_is_a_most_probable_expression_under_one_half(
    analyst: Database, model: str
) -> None:
    statement = "SELECT expression, confidence FROM low_confidence_prediction WHERE model = :model"

    found = rows(analyst, statement, model)

    assert found == [("Happy", pytest.approx(0.44))]


def test_a_batch_shows_each_of_its_images_once_with_its_model(
    analyst: Database, model: str, request: pytest.FixtureRequest
) -> None:
    statement = (
        "SELECT batch, expression, valence FROM scored_image_by_batch "
        "WHERE model = :model ORDER BY confidence"
    )

    found = rows(analyst, statement, model)

    batch = request.node.name
    assert found == [(batch, "Happy", 0.5), (batch, "Contempt", -0.25), (batch, "Happy", 0.5)]


def test_the_confusion_matrix_counts_and_shares_what_each_label_was_called(
    database: Database, analyst: Database
) -> None:
    # Two samples are labelled Neutral: the model calls one so and the other Fear.
    labels = make_labels(18).iloc[[8, 9, 16]]
    predictions = make_predictions(labels)
    predictions[list(PROBABILITY_COLUMNS)] = np.eye(8, dtype=np.float32)[[0, 1, 4]]
    with database.transaction("emotion_train") as connection:
        run = make_training_run(connection, labels=labels)
        training_runs.record_validation_predictions(connection, run.id, predictions)
        made = models.register_model_version(
            connection,
            run_id=run.id,
            network="resnet50",
            card={"weights_sha256": "ab" * 32, "preprocessing_fingerprint": "cd" * 32},
            folder="/runs/none",
        )
    statement = (
        "SELECT labelled, called, count_images, share::float8 FROM confusion_matrix "
        "WHERE model = :model ORDER BY labelled, called"
    )

    found = rows(analyst, statement, made.name)

    assert found == [
        ("Happy", "Happy", 1, 1.0),
        ("Neutral", "Fear", 1, 0.5),
        ("Neutral", "Neutral", 1, 0.5),
    ]


@pytest.mark.parametrize("view", DOCUMENTED)
def test_every_column_of_a_documented_view_has_a_comment(database: Database, view: str) -> None:
    statement = (
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:view) AND attnum > 0 "
        "AND col_description(attrelid, attnum) IS NULL"
    )

    with database.transaction("emotion_report") as connection:
        exists = connection.execute(text("SELECT to_regclass(:view)"), {"view": view}).scalar()
        bare = connection.execute(text(statement), {"view": view}).scalars().all()

    assert exists is not None
    assert bare == []
