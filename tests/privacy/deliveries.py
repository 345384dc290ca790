"""Makers of deliveries that were scored, and questions about what is left of them."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from factories import FakeScorer, make_batch, make_jpeg, make_model
from own_database import Own
from sqlalchemy import text

from emotion_core.scoring.ingest import Ingested, ingest
from emotion_core.scoring.tally import Tally
from emotion_core.scoring.worker import work
from emotion_core.settings import Settings
from emotion_core.steps import erasure
from emotion_core.steps.installation import Installation
from emotion_core.steps.retention import apply_retention
from emotion_core.store import batches, models
from emotion_core.store.database import Database
from emotion_core.store.ledger import Claim, claim_items
from emotion_core.store.retention import set_policy

ASKED = {"reason": "asked for by letter", "requested_by": "the office"}


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


@dataclass
class Site:
    """An installation of a test's own over one inbox, with a model that need not be champion."""

    database: Database
    settings: Settings
    own: Own
    name: str

    @cached_property
    def here(self) -> Installation:
        return Installation(self.settings)

    @cached_property
    def model(self) -> models.ModelVersion:
        with self.database.transaction("emotion_train") as connection:
            return make_model(connection)

    @property
    def inbox(self) -> Path:
        return self.settings.inbox_dir

    def set_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """For what reads the settings itself: the command and the DAGs."""
        for variable, value in {
            "EMOTION_HOME": self.settings.home,
            "EMOTION_INBOX_DIR": self.settings.inbox,
            "EMOTION_ERASURES_FILE": self.settings.erasures_path,
            "EMOTION_DATABASE_URL": self.settings.database_url,
        }.items():
            monkeypatch.setenv(variable, str(value))

    def key_of(self, night: str) -> str:
        return f"{self.name} {night}".strip()

    def deliver(self, **numbers: int) -> dict[str, str]:
        return deliver(self.inbox, **numbers)

    def open_night(self, night: str = "") -> tuple[batches.Batch, Ingested]:
        """Ingest what lies in the inbox, as the step does."""
        batch = make_batch(self.database, self.key_of(night), self.settings.inbox, self.model.id)
        key = erasure.require_erasures(self.here)
        return batch, ingest(self.database, batch, settle_seconds=60, key=key)

    def work(self, scorer: Any = None, **options: Any) -> Tally:
        return work(
            self.database,
            scorer or FakeScorer(),
            **{"model_version_id": self.model.id, "worker": "w", **options},
        )

    def score_night(self, night: str = "") -> batches.Batch:
        """A night from its first file to its closed batch."""
        batch, _ = self.open_night(night)
        self.work()
        self.close(batch)
        return batch

    def close(self, batch: batches.Batch) -> None:
        with self.database.transaction("emotion_score") as connection:
            assert batches.close_batch(connection, batch.id)

    def claim_one(self) -> list[Claim]:
        with self.database.transaction("emotion_score") as connection:
            return claim_items(
                connection, model_version_id=self.model.id, worker="w", limit=1, lease_seconds=60
            )

    def erase(self, **what: str) -> erasure.ErasureOutcome:
        return erasure.erase(self.here, **what, **ASKED)  # type: ignore[arg-type]

    def retain(self, class_: str, night: str = "", **options: int) -> dict[str, int]:
        return apply_retention(self.here, self.key_of(night), class_, **options)

    def keep_for(self, class_: str, days: int) -> None:
        with self.database.transaction("emotion_erase") as connection:
            set_policy(connection, class_, days, "the office")

    def age(self, days: int) -> None:
        """Let everything of the inbox have happened so many days earlier."""
        ago, source = f"- interval '{days} days'", self.settings.inbox
        of_source = f"SELECT image_id FROM inbox_file WHERE source = '{source}'"
        self.own.admin(
            f"UPDATE prediction SET scored_at = scored_at {ago} WHERE image_id IN ({of_source});"
            f"UPDATE inbox_file SET found_at = found_at {ago} WHERE source = '{source}';"
            f"UPDATE rejection SET rejected_at = rejected_at {ago} "
            f"FROM inbox_file WHERE inbox_file.id = inbox_file_id AND source = '{source}';"
            f"UPDATE rejection SET rejected_at = rejected_at {ago} FROM scoring_item "
            f"WHERE scoring_item.id = scoring_item_id AND scoring_item.image_id IN ({of_source})"
        )

    def refusals(self, night: str = "") -> dict[str, str]:
        """File to reason of a batch's refused files."""
        with self.database.transaction("emotion_report") as connection:
            refused = batches.refused_files(connection, self.key_of(night))
        return {file.file: file.reason for file in refused}

    def count_predictions(self, sha256: str) -> int:
        return count_predictions(self.database, sha256)

    def traces(self, *, sha256: str, name: str) -> list[str]:
        return traces(self.database, sha256=sha256, name=name)


def count_predictions(database: Database, sha256: str) -> int:
    """Predictions of one image in the tables."""
    with database.transaction("emotion_report") as connection:
        return int(
            connection.execute(
                text(
                    "SELECT count(*) FROM prediction JOIN image ON image.id = image_id "
                    "WHERE encode(sha256, 'hex') = :sha256"
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
