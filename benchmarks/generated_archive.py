"""A generated archive for ``benchmarks/analyst.py``: thirty nights, two models, some refusals.

Everything follows from a row's number, so the four large tables are filled side by side without
reading one another. Their indexes and keys are dropped and created again, as PostgreSQL's manual
asks of bulk loads (https://www.postgresql.org/docs/current/populate.html); the keys are not asked
again about rows that were there before them.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

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

SMALL_TABLES = """
INSERT INTO batch (id, run_key, source, model_version_id, opened_at, is_closed, closed_at,
                   count_found, count_done, count_rejected, count_quarantined)
OVERRIDING SYSTEM VALUE
SELECT n, 'night ' || n, '/inbox', CASE WHEN n <= 20 THEN {first} ELSE {second} END, opened,
       true, opened + interval '1 hour', {count} / {nights},
       {count} / {nights} - {count} / {nights} / 200, {count} / {nights} / 200, 0
FROM (SELECT n, timestamptz '2030-01-01 01:00+00' + n * interval '1 day' AS opened
      FROM generate_series(1, {nights}) AS n) AS night;
INSERT INTO model_alias (alias, model_version_id) VALUES ('champion', {second});
INSERT INTO model_alias_change (alias, from_id, to_id, reason, changed_by, kind)
VALUES ('champion', {first}, {second}, 'generated', 'benchmark', 'ungated');
INSERT INTO rejection (scoring_item_id, code, detail, rejected_at)
SELECT i, 'decode_error', 'generated', {scored}
FROM generate_series(1, {count}) AS i WHERE i % 200 = 17;
"""
LARGE_TABLES = {
    "image": """
INSERT INTO image (id, sha256) OVERRIDING SYSTEM VALUE
SELECT 1000 + i, sha256(i::text::bytea) FROM generate_series(1, {count}) AS i;
""",
    "inbox_file": """
INSERT INTO inbox_file (batch_id, source, path, bytes, modified_ns, image_id, found_at)
SELECT {night}, '/inbox', i::text::bytea, 10000, i, 1000 + i, {opened}
FROM generate_series(1, {count}) AS i
UNION ALL
SELECT least({night} + 1, {nights}), '/inbox', ('again ' || i)::bytea, 10000, i, 1000 + i,
       {opened}
FROM generate_series(1, {count}) AS i WHERE i % 200 = 0;
""",
    "scoring_item": """
INSERT INTO scoring_item (id, image_id, model_version_id, state, planned_at, finished_at)
OVERRIDING SYSTEM VALUE
SELECT i, 1000 + i, {model}, CASE WHEN i % 200 = 17 THEN 'rejected' ELSE 'done' END,
       {opened}, {scored}
FROM generate_series(1, {count}) AS i
UNION ALL
SELECT {count} + i, 1000 + i, {second}, 'done', {opened}, {scored}
FROM generate_series(1, {count}) AS i WHERE {again}
UNION ALL
-- What the third model is to write by COPY.
SELECT 2 * {count}::bigint + i, 1000 + i, {third}, 'done', now(), now()
FROM generate_series(1, {count_copied}) AS i;
""",
    "prediction": """
INSERT INTO prediction
SELECT 1000 + i, model, e, confidence, {probabilities},
       random() * 2 - 1, random() * 2 - 1, scored_at
FROM (
    SELECT i, {model} AS model, (random() * 7)::smallint AS e, 0.2 + 0.8 * random() AS confidence,
           {scored} AS scored_at
    FROM generate_series(1, {count}) AS i WHERE i % 200 <> 17
    UNION ALL
    SELECT i, {second}, (random() * 7)::smallint, 0.2 + 0.8 * random(), {scored}
    FROM generate_series(1, {count}) AS i WHERE {again}
    OFFSET 0
) AS drawn;
""",
}
_KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype = 'f'
FROM pg_constraint
WHERE contype IN ('p', 'u', 'f') AND connamespace = to_regnamespace('public')
  AND (conrelid::regclass::text = ANY (%(large)s) OR confrelid::regclass::text = ANY (%(large)s))
ORDER BY contype = 'f' DESC, contype
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index
WHERE indrelid::regclass::text = ANY (%(large)s)
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


def fill(server: PostgresServer, database: str, count: int, models: tuple[int, int, int]) -> None:
    """Write ``count`` images, their files, items and predictions, with fresh statistics."""
    first, second, third = models
    numbers: dict[str, object] = {
        "count": count,
        "count_copied": min(count, MOST_COPIED),
        "nights": NIGHTS,
        "first": first,
        "second": second,
        "third": third,
        "probabilities": ", ".join(
            f"CASE WHEN e = {i} THEN confidence ELSE (1 - confidence) / 7 END" for i in range(8)
        ),
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
        cursor.execute(_KEYS, {"large": list(LARGE)})
        keys = cursor.fetchall()
        cursor.execute(_INDEXES, {"large": list(LARGE)})
        indexes = cursor.fetchall()
    run(
        *(f"ALTER TABLE {table} DROP CONSTRAINT {name}" for table, name, _, _ in keys),
        *(f"DROP INDEX {name}" for name, _ in indexes),
        SMALL_TABLES.format(**numbers),
    )
    with ThreadPoolExecutor(2) as both:
        list(both.map(run, [text.format(**numbers) for text in LARGE_TABLES.values()]))
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
