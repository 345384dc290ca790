"""A database of before the gate: its champion stays, its history is marked, a way back exists."""

from contextlib import closing

import psycopg2
import pytest

from emotion_core.local.postgres import PostgresServer
from emotion_core.settings import SQL_DIR

BEFORE = """
INSERT INTO dataset (fingerprint, name, location, is_drawn, count_samples, count_excluded)
    VALUES (decode(repeat('ab', 32), 'hex'), 'old', '/old', true, 0, 0);
INSERT INTO split (dataset_id, seed, validation_share, fingerprint)
    VALUES (1, 1, 0.2, decode(repeat('ab', 32), 'hex'));
INSERT INTO training_run (run_key, group_key, network, preset, recipe, split_id, weights_origin,
                          folder)
    SELECT 'r' || n, 'g', 'resnet50', 'quick', '{}', 1, 'none', '/old' FROM generate_series(1, 2) n;
INSERT INTO model_version (run_id, network, version, weights_sha256, preprocessing_fingerprint,
                           card, folder)
    SELECT n, 'resnet50', n, decode(repeat('ab', 32), 'hex'), decode(repeat('ab', 32), 'hex'),
           '{}', '/old'
    FROM generate_series(1, 2) n;
INSERT INTO model_alias VALUES ('champion', 2), ('challenger', 1);
INSERT INTO model_alias_change (alias, from_id, to_id, reason, changed_by) VALUES
    ('champion', NULL, 1, 'first', 'ada'), ('champion', 1, 2, 'second', 'ada'),
    ('challenger', NULL, 1, 'seen', 'ada');
"""

# A gate that was passed before attempts were counted, and a view of the release that kept it.
GATED = """
ALTER TABLE promotion_gate DISABLE TRIGGER USER;
INSERT INTO promotion_gate (model_version_id, champion_id, golden, golden_detail,
    calibration_error, alpha, minimum_images, count_images, only_candidate, only_champion,
    accuracy_p, ccc_candidate, ccc_champion, ccc_p, asked_by)
    VALUES (1, 2, 'passed', 'they came back', 0.04, 0.05, 100, 500, 60, 38, 0.0245, 0.5, 0.5, 0.9,
            'ada');
ALTER TABLE promotion_gate ENABLE TRIGGER USER;
CREATE VIEW promotion_check AS SELECT is_passed FROM promotion_gate;
"""


def test_the_migration_keeps_champion_and_history_and_lets_a_rollback_lead_back(
    server: PostgresServer,
) -> None:
    files = sorted((SQL_DIR / "migrations").glob("*.sql"))
    with closing(server.connect()) as admin:
        admin.autocommit = True
        admin.cursor().execute("CREATE DATABASE before_the_gate")

    with closing(server.connect("before_the_gate")) as connection, connection.cursor() as cursor:
        for path in files:
            if path.name.startswith("010"):
                cursor.execute(BEFORE)
            if path.name.startswith("014"):
                cursor.execute(GATED)
            cursor.execute(path.read_text(encoding="utf-8"))
        connection.commit()
        cursor.execute("SELECT alias, kind FROM model_alias_change ORDER BY id")
        kinds = cursor.fetchall()
        cursor.execute("SELECT is_passed, attempt, better_below FROM promotion_gate")
        gates = cursor.fetchall()
        cursor.execute("SELECT move_alias('champion', 2, 1, 'rollback', NULL, 2, 'why', 'bob')")
        connection.commit()
        cursor.execute("SELECT alias, model_version_id FROM model_alias ORDER BY alias")
        aliases = cursor.fetchall()
        with pytest.raises(psycopg2.Error, match="there is a gate now"):
            cursor.execute(
                "SELECT move_alias('champion', 1, 2, 'ungated', NULL, NULL, 'why', 'bob')"
            )

    # What was passed stays passed.
    assert gates == [(True, None, 0.025)]
    assert kinds == [("champion", "ungated"), ("champion", "ungated"), ("challenger", "challenge")]
    # Who was challenger has become champion, and challenges no more.
    assert aliases == [("champion", 1)]
