"""Makers of deliveries that were scored, and questions about what is left of them."""

import hashlib
from pathlib import Path

import numpy as np
from factories import make_jpeg, make_model, make_scores
from numpy.typing import NDArray
from sqlalchemy import text

from emotion_core.scoring.ingest import Ingested, ingest
from emotion_core.scoring.worker import work
from emotion_core.settings import Settings
from emotion_core.steps import erasure
from emotion_core.steps.installation import Installation
from emotion_core.store import batches, models
from emotion_core.store.database import Database
from emotion_core.vision.preprocessing import Preprocessing
from emotion_core.vision.scores import Scores


class QuickScorer:
    """Answers at once."""

    preprocessing = Preprocessing(image_size=16)

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        return Scores(*make_scores(len(pixels)))


def make_scorable(database: Database) -> models.ModelVersion:
    """A model to score with."""
    with database.transaction("emotion_train") as connection:
        return make_model(connection)


def picture(number: int) -> bytes:
    """A JPEG that differs from that of every other number: near colours may give the same bytes."""
    return make_jpeg((number % 250, 90, 120), size=20 + number)


def deliver(inbox: Path, **numbers: int) -> dict[str, str]:
    """Write one picture a name; returns each one's SHA-256 in hex."""
    inbox.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for name, number in numbers.items():
        data = picture(number)
        (inbox / f"{name}.jpg").write_bytes(data)
        hashes[name] = hashlib.sha256(data).hexdigest()
    (inbox / "_SUCCESS").touch()
    return hashes


def names_in(folder: Path) -> list[str]:
    """What lies in a folder, in order."""
    return sorted(path.name for path in folder.iterdir())


def open_night(
    database: Database, settings: Settings, model: models.ModelVersion, run_key: str
) -> tuple[batches.Batch, Ingested]:
    """Take in what lies in the inbox, as the step does, with a model that need not be champion."""
    with database.transaction("emotion_score") as connection:
        batch = batches.open_batch(
            connection, run_key=run_key, source=settings.inbox, model_version_id=model.id
        )
    key = erasure.require_erasures(Installation(settings))
    return batch, ingest(database, batch, settle_seconds=60, key=key)


def score_night(
    database: Database, settings: Settings, model: models.ModelVersion, run_key: str
) -> batches.Batch:
    """A night from its intake to its closed batch."""
    batch, _ = open_night(database, settings, model, run_key)
    work(database, QuickScorer(), model_version_id=model.id, worker="w")
    with database.transaction("emotion_score") as connection:
        assert batches.close_batch(connection, batch.id)
    return batch


def refusals(database: Database, run_key: str) -> dict[str, str]:
    """File to reason of a batch's refused files."""
    with database.transaction("emotion_report") as connection:
        return {file.file: file.reason for file in batches.refused_files(connection, run_key)}


def count_predictions(database: Database, sha256: str | None = None) -> int:
    """Predictions in the tables, of one image or of all."""
    with database.transaction("emotion_report") as connection:
        return int(
            connection.execute(
                text(
                    "SELECT count(*) FROM prediction JOIN image ON image.id = image_id "
                    "WHERE cast(:sha256 AS text) IS NULL OR encode(sha256, 'hex') = :sha256"
                ),
                {"sha256": sha256},
            ).scalar_one()
        )


def traces(database: Database, *, sha256: str, name: str) -> list[str]:
    """``table.column`` wherever a content's hash or a file's name still stands, in any table."""
    found = []
    with database.transaction("emotion_erase") as connection:
        columns = connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns "
                "JOIN information_schema.tables USING (table_schema, table_name) "
                "WHERE table_schema = 'public' AND table_type = 'BASE TABLE' "
                "AND data_type IN ('bytea', 'text', 'jsonb', 'ARRAY')"
            )
        ).all()
        for table, column in columns:
            # bytea is shown as hex: the name is looked for in both spellings.
            hits = connection.execute(
                text(
                    f'SELECT count(*) FROM "{table}" WHERE strpos("{column}"::text, :sha256) > 0 '
                    f'OR strpos("{column}"::text, :name) > 0 OR strpos("{column}"::text, :hex) > 0'
                ),
                {"sha256": sha256, "name": name, "hex": name.encode().hex()},
            ).scalar_one()
            if hits:
                found.append(f"{table}.{column}")
    return found
