"""A generated archive for ``benchmarks/analyst.py``: thirty nights, two models, some refusals.

Everything follows from a row's number, so the four large tables are filled side by side without
reading one another. Their indexes and keys are dropped and created again, as PostgreSQL's manual
asks of bulk loads (https://www.postgresql.org/docs/current/populate.html); the keys are not asked
again about rows that were there before them.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from emotion_core.local.postgres import PostgresServer

NIGHTS = 30
MOST_COPIED = 1_000_000
LARGE = ("image", "inbox_file", "scoring_item", "prediction")

# The models' own labelled images come first: image ids begin at 1001.
# One image in 200 is refused, one file in 200 comes again the night after, and one in a hundred of
# the first model's images has the second model's answer too.
_PARTS = {
    "night": "(1 + (i - 1) * {nights} / {count})",
    "second_of_night": "(i % ({count} / {nights}) * 3600.0 / ({count} / {nights}))",
    "opened": "(timestamptz '2030-01-01 01:00+00' + {night} * interval '1 day')",
    "scored": "({opened} + {second_of_night} * interval '1 s')",
    "model": "(CASE WHEN {night} <= 20 THEN {first} ELSE {second} END)",
    "again": "i % 100 = 0 AND i % 200 <> 17 AND {night} <= 20",
}

_FILE = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
SQL = dict(part.split("\n", 1) for part in _FILE.split("-- name: ")[1:])


def fill(server: PostgresServer, database: str, count: int, models: tuple[int, int, int]) -> None:
    """Write ``count`` images, their files, items and predictions, with fresh statistics."""
    first, second, third = models
    probabilities = [
        f"CASE WHEN e = {i} THEN confidence ELSE (1 - confidence) / 7 END" for i in range(8)
    ]
    numbers: dict[str, object] = {
        "count": count,
        "count_copied": min(count, MOST_COPIED),
        "nights": NIGHTS,
        "first": first,
        "second": second,
        "third": third,
        "probabilities": ", ".join(probabilities),
    }

    # Each part may stand in the later ones.
    for name, part in _PARTS.items():
        numbers[name] = part.format(**numbers)

    def run(*statements: str) -> None:
        with closing(server.connect(database)) as connection, connection.cursor() as cursor:
            # Neither triggers nor keys are asked.
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("SET maintenance_work_mem = '512MB'")
            connection.commit()
            connection.autocommit = True
            for statement in statements:
                cursor.execute(statement)

    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(SQL["keys"], {"large": list(LARGE)})
        keys = cursor.fetchall()
        cursor.execute(SQL["indexes"], {"large": list(LARGE)})
        indexes = cursor.fetchall()
    run(
        *(f"ALTER TABLE {table} DROP CONSTRAINT {name}" for table, name, _, _ in keys),
        *(f"DROP INDEX {name}" for name, _ in indexes),
        SQL["small tables"].format(**numbers),
    )
    with ThreadPoolExecutor(2) as both:
        list(both.map(run, [SQL[table].format(**numbers) for table in LARGE]))
        # VACUUM marks pages as visible to all, for index-only scans.
        list(both.map(run, [f"VACUUM ANALYZE {table}" for table in LARGE]))
        unique = [
            f"ALTER TABLE {table} ADD CONSTRAINT {name} {what}"
            for table, name, what, is_foreign in keys
            if not is_foreign
        ]
        list(both.map(run, [*unique, *(what for _, what in indexes)]))
    run(
        *(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} {what} NOT VALID"
            for table, name, what, is_foreign in keys
            if is_foreign
        ),
        *(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 4 * {count}::bigint)"
            for table in ("image", "scoring_item", "batch")
        ),
        "SELECT recount_predictions()",
        "SELECT count_closed_batches()",
        "VACUUM ANALYZE",
    )
