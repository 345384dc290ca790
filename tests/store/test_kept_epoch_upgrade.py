"""A database of before the choice of the epoch: its runs kept their best one, and now say so."""

from contextlib import closing

from emotion_core.local.postgres import PostgresServer
from emotion_core.settings import SQL_DIR

BEFORE = """
INSERT INTO dataset (fingerprint, name, location, is_drawn, count_samples, count_excluded)
    VALUES (decode(repeat('ab', 32), 'hex'), 'old', '/old', true, 0, 0);
INSERT INTO split (dataset_id, seed, validation_share, fingerprint)
    VALUES (1, 1, 0.2, decode(repeat('ab', 32), 'hex'));
INSERT INTO training_run (run_key, group_key, network, preset, recipe, split_id, weights_origin,
                          folder, best_epoch)
    VALUES ('done', 'g', 'resnet50', 'quick', '{"epochs": 3}', 1, 'none', '/old', 2),
           ('running', 'g', 'resnet50', 'quick', '{"epochs": 3}', 1, 'none', '/old', NULL);
"""


def test_runs_of_an_earlier_release_say_that_they_kept_their_best_epoch(
    server: PostgresServer,
) -> None:
    files = sorted((SQL_DIR / "migrations").glob("*.sql"))
    with closing(server.connect()) as admin:
        admin.autocommit = True
        admin.cursor().execute("CREATE DATABASE before_the_choice")

    with closing(server.connect("before_the_choice")) as connection, connection.cursor() as cursor:
        for path in files:
            if path.name.endswith("_training_truth.sql"):
                cursor.execute(BEFORE)
            cursor.execute(path.read_text(encoding="utf-8"))
        connection.commit()
        cursor.execute(
            "SELECT run_key, recipe ->> 'keep', kept_epoch, label_warnings "
            "FROM training_run ORDER BY id"
        )
        runs = cursor.fetchall()

    assert runs == [("done", "best", 2, []), ("running", "best", None, [])]
