"""A database of before release 0.1.0 gets the same schema as a new one, and loses no row."""

import lzma
from collections.abc import Iterator
from pathlib import Path

import pytest
from own_database import Own
from sqlalchemy import text

from emotion_core.errors import StoreError
from emotion_core.local.postgres import PostgresServer
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate, migrations, require_current_schema

# All sixteen migrations, their records, and the views and grants of that time.
FORMER = lzma.decompress((Path(__file__).parent / "former_schema.sql.xz").read_bytes()).decode()
ROWS = """
INSERT INTO dataset (fingerprint, name, location, is_drawn, count_samples, count_excluded)
    VALUES (decode(repeat('ab', 32), 'hex'), 'old', '/old', true, 1, 1);
INSERT INTO dataset_exclusion VALUES (1, '9.jpg', 'truncated', 'half of it');
INSERT INTO image (sha256) VALUES (decode(repeat('cd', 32), 'hex'));
INSERT INTO label SELECT 1, '7', id, 3, 0.5, -0.5 FROM image;
INSERT INTO split (dataset_id, seed, validation_share, fingerprint)
    VALUES (1, 1, 0.2, decode(repeat('ab', 32), 'hex'));
INSERT INTO split_member SELECT 1, id, 'validation' FROM image;
INSERT INTO doubtful_label VALUES (1, 'folds', '7', 3, 4, 0.1, 0.8);
INSERT INTO training_run (run_key, group_key, network, preset, recipe, split_id, weights_origin,
                          folder, best_epoch, kept_epoch, label_warnings)
    SELECT 'r' || n, 'g', 'resnet50', 'quick', '{"keep": "best"}', 1, 'none', '/old', 2, 2, '{odd}'
    FROM generate_series(1, 2) AS n;
INSERT INTO epoch_metric VALUES (1, 1, 'train', 'loss', 0.5), (1, 1, 'validation', 'accuracy', 0.6);
INSERT INTO run_metric VALUES (1, 'network', 'accuracy', 0.6, 0.5, 0.7);
INSERT INTO validation_prediction VALUES (1, '7', 1, 0, 0, 0, 0, 0, 0, 0, 0.5, 0.5);
INSERT INTO model_version (run_id, network, version, weights_sha256, preprocessing_fingerprint,
                           card, folder)
    SELECT n, 'resnet50', n, decode(repeat('ab', 32), 'hex'), decode(repeat('ab', 32), 'hex'),
           '{}', '/old'
    FROM generate_series(1, 2) AS n;
ALTER TABLE promotion_gate DISABLE TRIGGER USER;
INSERT INTO promotion_gate (model_version_id, champion_id, golden, golden_detail,
    calibration_error, alpha, better_below, minimum_images, count_images, only_candidate,
    only_champion, accuracy_p, ccc_candidate, ccc_champion, ccc_p, asked_by)
    VALUES (1, NULL, 'passed', 'as stored', 0.04, 0.05, 0.025, 100, 0, 0, 0, NULL, NULL, NULL, NULL,
            'ada'),
           (2, 1, 'passed', 'as stored', 0.04, 0.05, 0.025, 100, 500, 38, 60, 0.02, 0.5, 0.5, 0.9,
            'ada');
ALTER TABLE promotion_gate ENABLE TRIGGER USER;
SELECT move_alias('champion', NULL, 1, 'promotion', 1, NULL, 'first', 'ada');
INSERT INTO batch (run_key, source, model_version_id) VALUES ('night', '/inbox', 1);
INSERT INTO inbox_file (batch_id, source, path, bytes, modified_ns, image_id)
    SELECT 1, '/inbox', 'a.jpg', 9, 1, id FROM image;
INSERT INTO scoring_item (image_id, model_version_id, state, finished_at)
    SELECT id, 1, 'done', now() FROM image;
INSERT INTO prediction SELECT id, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0.5, 0.5 FROM image;
INSERT INTO health_check (check_key, source) VALUES ('look', '/inbox');
INSERT INTO health_reading (check_id, measure, against, value, limit_value, count_images, status,
                            sentence)
    VALUES (1, 'freshness', 'limit', 1, 36, 0, 'fine', 'well');
UPDATE retention_policy SET days = 30 WHERE class = 'audit';
"""
# What two databases must have alike; the order of a table's columns is not among it.
SCHEMA = {
    "tables": """
        SELECT relname, relkind, reloptions, obj_description(oid, 'pg_class'), relowner::regrole,
               (SELECT array_agg(one::text ORDER BY one::text) FROM unnest(relacl) AS one)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
        """,
    "columns": """
        SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull,
               attidentity, attgenerated, pg_get_expr(adbin, adrelid), attacl::text,
               CASE relkind WHEN 'v' THEN attnum END, col_description(attrelid, attnum)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0
          AND NOT attisdropped
        """,
    "constraints": """
        SELECT conrelid::regclass::text, contype, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        """,
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "sequences": """
        SELECT seqrelid::regclass::text, seqcache, seqmax
        FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid
        WHERE relnamespace = 'public'::regnamespace
        """,
    "functions": """
        SELECT pg_get_functiondef(oid), proowner::regrole, obj_description(oid, 'pg_proc'),
               (SELECT array_agg(one::text ORDER BY one::text) FROM unnest(proacl) AS one)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        """,
    "triggers": """
        SELECT pg_get_triggerdef(pg_trigger.oid), tgenabled
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
        """,
    "reasons": "SELECT * FROM rejection_reason UNION ALL SELECT * FROM hold_reason",
    "expressions": "SELECT * FROM expression",
    "versions": "SELECT version, name, sha256 FROM schema_version",
}
RENAMED = {"doubtful_label": "label_error", "health_reading": "health_measurement"}
REWORDED = {"schema_version", "rejection_reason", "hold_reason"}


@pytest.fixture
def former(server: PostgresServer, urls: dict[str, str]) -> Iterator[Own]:
    """A database as it was, with rows."""
    made = Own(server, urls, "former")
    made.make_empty()
    made.admin(f"SET ROLE emotion_owner; {FORMER}; {ROWS}")
    yield made
    made.drop()


def described(url: str) -> dict[str, list[str]]:
    """Everything of :data:`SCHEMA` as sorted lines."""
    database = Database(url)
    with database.transaction("emotion_owner") as connection:
        found = {
            kind: sorted(str(tuple(row)) for row in connection.exec_driver_sql(asked))
            for kind, asked in SCHEMA.items()
        }
    database.close()
    return found


def held(database: Database) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with database.transaction("emotion_owner") as connection:
        tables = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ).scalars()
        return {
            table: sorted(
                connection.execute(text(f"SELECT one::text FROM {table} AS one")).scalars()
            )
            for table in tables
        }


def test_it_becomes_what_a_new_database_is_and_keeps_every_row(
    former: Own, urls: dict[str, str]
) -> None:
    owner = Database(former.urls["emotion_migrate"])
    with owner.connect() as connection, pytest.raises(StoreError, match="16 of before release"):
        require_current_schema(connection)
    before = held(owner)

    applied = migrate(owner)
    again = migrate(owner)

    after = held(owner)
    with owner.connect() as connection:
        require_current_schema(connection)
    owner.close()
    assert applied[0] == "former version 16 carried over" and again == []
    assert sum(map(len, before.values())) > 70
    for table, lines in before.items():
        if table not in REWORDED:
            assert after[RENAMED.get(table, table)] == lines
    carried, new = (described(url["emotion_migrate"]) for url in (former.urls, urls))
    for kind, wanted in new.items():
        assert len(wanted) > 0 and carried[kind] == wanted, kind


def test_an_older_one_is_told_which_revision_leads_to_what_is_carried_over(former: Own) -> None:
    former.admin("DELETE FROM schema_version WHERE version > 9")
    owner = Database(former.urls["emotion_migrate"])

    with pytest.raises(StoreError, match=r"version 9 of before .* only version 16 is carried over"):
        migrate(owner)

    owner.close()
    assert len(migrations()) >= 1
