"""How long analysts wait: every view and every question over a generated archive; COPY's rate.

Runs against a PostgreSQL of its own, not durable, that is removed at the end. Prints Markdown.

    PYTHONPATH=.:tests python benchmarks/analyst.py [predictions] [--plans]
"""

import sys
import time
from contextlib import closing

import numpy as np
from factories import make_model
from generated_archive import NIGHTS, fill
from harness import machine, timed
from psycopg2.extensions import cursor as Cursor
from sqlalchemy import text

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.provision import OUR_DATABASE
from emotion_core.local.temporary import temporary_server
from emotion_core.settings import SQL_DIR
from emotion_core.store.copying import copy_columns
from emotion_core.store.database import Database

COPY_CHUNK = 8_192
# Views of one row per prediction: nobody reads ten million rows, so over all they are counted, and
# their first thousand rows are read.
ROW_BY_ROW = {"current_prediction", "low_confidence_prediction", "scored_image_by_batch"}


def main() -> None:
    numbers = [word for word in sys.argv[1:] if not word.startswith("--")]
    count = int(numbers[0]) if numbers else 10_000_000
    with temporary_server() as (server, addresses):
        database = Database(addresses.app)
        with database.transaction("emotion_train") as connection:
            first, second, third = (make_model(connection).id for _ in range(3))
        spent = timed(lambda: fill(server, OUR_DATABASE, count, (first, second, third)))
        print(f"{count:,} images generated in {spent:.0f} s. {machine()}")
        ask_everything(server, with_plans="--plans" in sys.argv)
        print(f"\nCOPY into prediction: {copy_rate(database):,.0f} rows/s")


def ask_everything(server: PostgresServer, *, with_plans: bool) -> None:
    """Print the seconds of each view, over all and for one day, and of each question."""
    with closing(server.connect(OUR_DATABASE)) as connection, connection.cursor() as cursor:
        cursor.execute("SET ROLE emotion_analyst")
        print("\n| view | one day, s | over all, s | first 1,000, s |\n|---|---|---|---|")
        plans = []
        for path in sorted((SQL_DIR / "views").glob("*.sql")):
            everything = f"SELECT * FROM {path.stem}"  # noqa: S608 (a file of ours)
            cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", (path.stem,))
            if cursor.fetchone() != (True,):
                continue
            window = day_of(cursor, path.stem)
            day, plan = ask(cursor, f"{everything} {window}") if window else (None, "")
            whole = f"SELECT count(*) FROM {path.stem}"  # noqa: S608 (a file of ours)
            over_all, whole_plan = ask(cursor, whole if path.stem in ROW_BY_ROW else everything)
            first, _ = ask(cursor, f"{everything} LIMIT 1000")
            shown = "–" if day is None else f"{day:.2f}"
            print(f"| `{path.stem}` | {shown} | {over_all:.2f} | {first:.2f} |", flush=True)
            plans.append(f"{path.stem}, one day:\n{plan}\n\n{path.stem}, all:\n{whole_plan}")
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
