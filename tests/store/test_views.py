"""The analyst's views: read as emotion_analyst, answers worked out by hand."""

import numpy as np
import pytest
from asking import ask
from factories import (
    make_arrivals,
    make_labels,
    make_model,
    make_predictions,
    make_training_run,
    score_files,
)

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.store import training_runs
from emotion_core.store.database import Database

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
DOCUMENTED = """
    current_prediction daily_expression_mix affect_by_day low_confidence_prediction
    scored_image_by_batch confusion_matrix batch_summary model_leaderboard refused_image
    scoring_rate scoring_backlog model_disagreement refused_image_by_reason
    scored_image_by_batch_affect likely_label_error
    """


@pytest.fixture(scope="module")
def model(urls: dict[str, str]) -> str:
    """The name of a model that has scored the three images."""
    database = Database(urls["emotion_app"])
    with database.transaction("emotion_train") as connection:
        made = make_model(connection)
    files = make_arrivals(3, "viewed")
    score_files(database, "viewed night", made.id, files, (PROBABILITIES, AFFECT))
    database.close()
    return made.name


@pytest.mark.parametrize(
    ("view", "columns", "answer"),
    [
        (
            "daily_expression_mix",
            "expression, count_images, share::float8",
            [("Contempt", 1, 1 / 3), ("Happy", 2, 2 / 3)],
        ),
        # Mean and spread of a day.
        (
            "affect_by_day",
            "count_images, mean_valence, mean_arousal, spread_arousal",
            [(3, 0.25, 0.25, 0.25)],
        ),
        # A most probable expression under one half.
        ("low_confidence_prediction", "expression, confidence", [("Happy", 0.44)]),
        # Each image once with its batch.
        (
            "scored_image_by_batch",
            "batch, expression, valence, arousal",
            [
                ("viewed night", "Contempt", -0.25, 0.25),
                ("viewed night", "Happy", 0.5, 0.0),
                ("viewed night", "Happy", 0.5, 0.5),
            ],
        ),
    ],
)
def test_a_view_says_of_three_images_what_is_worked_out_by_hand(
    analyst: Database, model: str, view: str, columns: str, answer: list[tuple[object, ...]]
) -> None:
    found = ask(
        analyst, f"SELECT {columns} FROM {view} WHERE model = :model", role=None, model=model
    )

    assert sorted(found) == [pytest.approx(row) for row in answer]


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
        made = make_model(connection, run=run)
    statement = (
        "SELECT labelled, called, count_images, share::float8 FROM confusion_matrix "
        "WHERE model = :model ORDER BY labelled, called"
    )

    found = ask(analyst, statement, role=None, model=made.name)

    assert found == [
        ("Happy", "Happy", 1, 1.0),
        ("Neutral", "Fear", 1, 0.5),
        ("Neutral", "Neutral", 1, 0.5),
    ]


@pytest.mark.parametrize("view", DOCUMENTED.split())
def test_every_column_of_a_documented_view_has_a_comment(database: Database, view: str) -> None:
    columns = ask(
        database,
        "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
        "WHERE attrelid = to_regclass(:view) AND attnum > 0",
        view=view,
    )

    assert columns
    assert [name for name, comment in columns if comment is None] == []
