"""How long analysts wait: every view and every question over a generated archive; COPY's rate.

Runs against a PostgreSQL of its own, not durable, that is removed at the end. Prints Markdown.

    PYTHONPATH=.:tests python benchmarks/analyst.py [predictions] [--plans]
"""

import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from factories import make_model
from psycopg2.extensions import cursor as Cursor
from sqlalchemy import text

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.local.credentials import load_or_create
from emotion_core.local.home import Home
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.provision import OUR_DATABASE, addresses, provision_ours
from emotion_core.settings import SQL_DIR
from emotion_core.store.copying import copy_columns
from emotion_core.store.database import Database

NIGHTS = 30
COPY_CHUNK = 8_192
MOST_COPIED = 1_000_000

# Triggers and foreign keys are off while these run; indexes and checks are on.
ARCHIVE = """
INSERT INTO image (sha256) SELECT sha256(i::text::bytea) FROM generate_series(1, {count}) AS i;
INSERT INTO batch (run_key, source, model_version_id, opened_at)
SELECT 'night ' || n, '/inbox', CASE WHEN n <= 20 THEN {first} ELSE {second} END,
       timestamptz '2030-01-01 01:00+00' + n * interval '1 day'
FROM generate_series(1, {nights}) AS n;
CREATE TEMPORARY TABLE arrived AS
SELECT image.id AS image_id, batch.id AS batch_id, batch.model_version_id, batch.opened_at
FROM (SELECT id, 1 + (row_number() OVER (ORDER BY id) - 1) * {nights} / {count} AS night FROM image)
    AS image
JOIN batch ON batch.run_key = 'night ' || image.night;
-- One in a hundred of the first model's images has the second model's answer too.
CREATE TEMPORARY TABLE answered AS
SELECT image_id, model_version_id, opened_at FROM arrived
UNION ALL
SELECT image_id, {second}, opened_at FROM arrived
WHERE model_version_id = {first} AND image_id % 100 = 0;
INSERT INTO inbox_file (batch_id, source, path, bytes, modified_ns, image_id, found_at)
SELECT batch_id, '/inbox', image_id::text::bytea, 10000, image_id, image_id, opened_at FROM arrived;
INSERT INTO scoring_item (image_id, model_version_id, state, planned_at, finished_at)
SELECT image_id, model_version_id, 'done', opened_at, opened_at FROM answered;
-- What the third model is to write by COPY.
INSERT INTO scoring_item (image_id, model_version_id, state, finished_at)
SELECT image_id, {third}, 'done', now() FROM arrived ORDER BY image_id LIMIT {count_copied};
INSERT INTO prediction
SELECT image_id, model_version_id, drawn.e, confidence,
       {probabilities}, random() * 2 - 1, random() * 2 - 1, opened_at
FROM answered
CROSS JOIN LATERAL (SELECT (random() * 7 + 0 * image_id)::smallint AS e,
                           0.2 + 0.8 * random() + 0 * image_id AS confidence) AS drawn;
UPDATE batch SET is_closed = true, closed_at = opened_at + interval '1 hour', count_rejected = 0,
    count_quarantined = 0, count_found = arrived.count, count_done = arrived.count
FROM (SELECT batch_id, count(*) AS count FROM inbox_file GROUP BY batch_id) AS arrived
WHERE arrived.batch_id = batch.id;
INSERT INTO model_alias (alias, model_version_id) VALUES ('champion', {second});
"""


def main() -> None:
    numbers = [word for word in sys.argv[1:] if not word.startswith("--")]
    count = int(numbers[0]) if numbers else 10_000_000
    with tempfile.TemporaryDirectory(prefix="emotion-") as folder:
        home = Home(Path(folder))
        home.make()
        credentials = load_or_create(home.secrets_path)
        server = PostgresServer(home, credentials.postgres, durable=False)
        server.start()
        try:
            provision_ours(server, credentials)
            database = Database(addresses(server, credentials).app)
            fill(server, database, count)
            ask_everything(server, count, with_plans="--plans" in sys.argv)
            rate = copy_rate(database)
            print(f"\nCOPY into prediction: {rate:,.0f} rows/s")
        finally:
            server.remove()


def fill(server: PostgresServer, database: Database, count: int) -> None:
    """An archive of ``count`` images over thirty nights, scored by two models in turn."""
    with database.transaction("emotion_train") as connection:
        first, second, third = (make_model(connection).id for _ in range(3))
    values = ", ".join(
        f"CASE WHEN drawn.e = {i} THEN confidence ELSE (1 - confidence) / 7 END" for i in range(8)
    )
    script = ARCHIVE.format(
        count=count,
        first=first,
        second=second,
        third=third,
        count_copied=min(count, MOST_COPIED),
        nights=NIGHTS,
        probabilities=values,
    )
    with closing(server.connect(OUR_DATABASE)) as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(script)
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")


def ask_everything(server: PostgresServer, count: int, *, with_plans: bool) -> None:
    """Print the seconds of each view, over all and for one day, and of each question."""
    with closing(server.connect(OUR_DATABASE)) as connection, connection.cursor() as cursor:
        cursor.execute("SET ROLE emotion_analyst")
        print(f"{count:,} images.\n\n| view | one day, s | over all, s |\n|---|---|---|")
        plans = []
        for path in sorted((SQL_DIR / "views").glob("*.sql")):
            everything = f"SELECT * FROM {path.stem}"  # noqa: S608 (a file of ours)
            cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", (path.stem,))
            if cursor.fetchone() != (True,):
                continue
            window = day_of(cursor, path.stem)
            day, plan = ask(cursor, f"{everything} {window}") if window else (None, "")
            over_all, _ = ask(cursor, everything)
            shown = "–" if day is None else f"{day:.2f}"
            print(f"| `{path.stem}` | {shown} | {over_all:.2f} |", flush=True)
            plans.append(f"{path.stem}, one day:\n{plan}")
        print("\n| question | s |\n|---|---|")
        for path in sorted((SQL_DIR / "analysis").glob("*.sql")):
            seconds, plan = ask(cursor, path.read_text(encoding="utf-8"))
            print(f"| `{path.name}` | {seconds:.2f} |", flush=True)
            plans.append(f"{path.name}:\n{plan}")
        if with_plans:
            print("\n```\n" + "\n\n".join(plans) + "\n```")


def day_of(cursor: Cursor, view: str) -> str | None:
    """A condition that leaves the last night of a view; None where it speaks of no day."""
    cursor.execute(f"SELECT * FROM {view} LIMIT 0")  # noqa: S608 (a file of ours)
    columns = {column.name for column in cursor.description or ()}
    for column, condition in (
        ("batch", f"batch = 'night {NIGHTS}'"),
        ("day", "day = date '2030-01-31'"),
        ("scored_at", "scored_at >= '2030-01-31' AND scored_at < '2030-02-01'"),
    ):
        if column in columns:
            return f"WHERE {condition}"
    return None


def ask(cursor: Cursor, statement: str) -> tuple[float, str]:
    """Seconds that the server works on every row and column, none of them sent; and its plan."""
    began = time.perf_counter()
    cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}")
    plan = "\n".join(line for (line,) in cursor.fetchall())
    return time.perf_counter() - began, plan


def copy_rate(database: Database) -> float:
    """Predictions a second through COPY, with constraints, foreign keys and indexes."""
    probabilities = np.full(COPY_CHUNK, 0.125, dtype=np.float32)
    zeros = np.zeros(COPY_CHUNK, dtype=np.float32)
    with database.transaction("emotion_report") as connection:
        third = connection.exec_driver_sql("SELECT max(id) FROM model_version").scalar_one()
        planned = connection.execute(
            text("SELECT image_id FROM scoring_item WHERE model_version_id = :third ORDER BY 1"),
            {"third": third},
        )
        images = np.array(planned.scalars().all(), dtype=np.int64)
    count = len(images)
    began = time.perf_counter()
    for start in range(0, count, COPY_CHUNK):
        size = min(COPY_CHUNK, count - start)
        with database.transaction("emotion_score") as connection:
            copy_columns(
                connection,
                "prediction",
                {
                    "image_id": images[start : start + size],
                    "model_version_id": np.full(size, third, dtype=np.int64),
                    "expression_id": np.zeros(size, dtype=np.int16),
                    "confidence": probabilities[:size],
                    **dict.fromkeys(PROBABILITY_COLUMNS, probabilities[:size]),
                    "valence": zeros[:size],
                    "arousal": zeros[:size],
                },
            )
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
