"""Makers of whole nights: a champion, and batches of a given expression mix."""

import numpy as np
from factories import make_arrivals, make_labels, make_predictions, make_training_run
from sqlalchemy import text

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.settings import Settings
from emotion_core.store import batches, models, training_runs
from emotion_core.store.database import Database
from emotion_core.store.ledger import claim_items, publish_items


def make_champion(
    database: Database,
    urls: dict[str, str],
    folder: str = "/runs/none",
    temperature: float = 1.0,
) -> models.ModelVersion:
    """A champion whose 80 validation predictions call every expression equally often."""
    labels = make_labels(160)
    predictions = make_predictions(labels.iloc[80:])
    predictions[list(PROBABILITY_COLUMNS)] = probabilities([10] * 8)
    predictions["predicted_valence"] = np.linspace(-0.5, 0.5, 80)
    predictions["predicted_arousal"] = np.linspace(-0.5, 0.5, 80)
    with database.transaction("emotion_train") as connection:
        run = make_training_run(connection, labels=labels)
        training_runs.record_validation_predictions(connection, run.id, predictions)
        training_runs.record_run_metrics(
            connection, run.id, "network", {"accuracy": 0.8}, {"accuracy": (0.7, 0.9)}
        )
        training_runs.record_calibration(
            connection,
            run.id,
            {
                "temperature": temperature,
                "ece_before": 0.1,
                "ece_after": 0.02,
                "count_images": 80,
            },
        )
        model = models.register_model_version(
            connection,
            run_id=run.id,
            network="resnet50",
            card={"weights_sha256": "ab" * 32, "preprocessing_fingerprint": "cd" * 32},
            folder=folder,
        )
    # Past the gate, which is tested elsewhere.
    owner = Database(urls["emotion_migrate"])
    with owner.transaction("emotion_owner") as connection:
        connection.execute(text("ALTER TABLE model_alias DISABLE TRIGGER USER"))
        connection.execute(
            text(
                "INSERT INTO model_alias (alias, model_version_id) VALUES ('champion', :id) "
                "ON CONFLICT (alias) DO UPDATE SET model_version_id = excluded.model_version_id"
            ),
            {"id": model.id},
        )
        connection.execute(text("ALTER TABLE model_alias ENABLE TRIGGER USER"))
    owner.close()
    return model


def score_night(
    database: Database,
    settings: Settings,
    model: models.ModelVersion,
    run_key: str,
    counts: list[int],
    confidence: float = 0.8,
) -> batches.Batch:
    """A closed batch of the inbox with so many images of each expression, all as sure as that."""
    total = sum(counts)
    with database.transaction("emotion_score") as connection:
        batch = batches.open_batch(
            connection, run_key=run_key, source=settings.inbox, model_version_id=model.id
        )
        batches.enter_files(connection, batch, make_arrivals(total, run_key))
        batches.plan_items(connection, batch.id)
        claims = claim_items(
            connection, model_version_id=model.id, worker="w", limit=total + 1, lease_seconds=60
        )
        spread = np.linspace(-0.5, 0.5, total, dtype=np.float32)
        publish_items(
            connection,
            claims,
            probabilities(counts, confidence),
            np.stack([spread, spread], axis=1),
            [],
        )
        assert batches.close_batch(connection, batch.id)
    return batch


def probabilities(counts: list[int], confidence: float = 0.8) -> np.ndarray:
    """[N, 8] float32, so many images sure of each expression."""
    called = np.repeat(np.arange(8), counts)
    rows = np.full((len(called), 8), (1 - confidence) / 7, np.float32)
    rows[np.arange(len(called)), called] = confidence
    return rows
