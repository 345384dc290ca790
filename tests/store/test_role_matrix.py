"""What each role may do to each object, asked of PostgreSQL and compared with a list for people.

A table, view or function that is not listed here fails by name: decide who may do what with it,
write that into sql/grants.sql, then here.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories import make_arrivals, make_labels, make_model, make_scores
from promotions import make_champion, make_rival, record_gate
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from emotion_core.errors import StoreError
from emotion_core.local.credentials import Credentials
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.provision import provision_airflow
from emotion_core.store import batches, datasets
from emotion_core.store.batches import ArrivedFile, HeldFolder
from emotion_core.store.database import Database
from emotion_core.store.ledger import Refusal, claim_items, publish_items


def named(listed: str) -> set[str]:
    return set(listed.split())


TABLES = named("""
    batch batch_affect calibration dataset dataset_exclusion doubtful_label epoch_metric erasure
    erasure_key erasure_leftover erasure_tombstone expression health_check health_reading
    held_folder hold_reason image image_scored_again inbox_file label legal_hold model_alias
    model_alias_change model_cost model_version prediction prediction_summary promotion_gate
    refusal_retry rejection rejection_reason report rescoring rescoring_missing retention_policy
    retention_run run_metric schema_version scoring_item scoring_throughput source_purpose
    source_purpose_change split split_member subject_image training_run validation_prediction
    """)
VIEWS_WITH_PATHS = {"refused_file", "rescoring_missing_file", "source_use"}
ANALYST_VIEWS = named("""
    affect_by_day batch_summary champion_history confusion_matrix current_prediction
    daily_expression_mix drift image_delivered_again likely_label_error low_confidence_prediction
    model_change model_change_summary model_disagreement model_leaderboard nightly_health
    promotion_check refused_image refused_image_by_reason rescoring_summary run_cost run_score
    scored_image_by_batch scored_image_by_batch_affect scored_image_count scoring_backlog
    scoring_rate training_curve validation_answer
    """)
RELATIONS = TABLES | VIEWS_WITH_PATHS | ANALYST_VIEWS
MOVE_ALIAS = "move_alias(text,bigint,bigint,text,bigint,bigint,text,text)"
FUNCTIONS = {
    MOVE_ALIAS,
    "affect_of_batch(bigint,bigint)",
    "called(validation_prediction)",
    "compact_prediction_summary()",
    "concordance(double precision,double precision,double precision,double precision)",
    "count_closed_batches()",
    "forget_batch_affect()",
    "forget_scored_again()",
    "held_out_by_both(bigint,bigint)",
    "mcnemar_p(integer,integer)",
    "readable_path(bytea)",
    "recount_predictions()",
    "refuse_change()",
    "refuse_orphans()",
    "standing_hold(bigint)",
    "summarise_predictions()",
    "verify_alias()",
    "verify_alias_change()",
    "verify_promotion_gate()",
    "withdraw_items(bigint[])",
}

# Role, verb, objects; `table.column` where only that column is granted.
MAY: dict[str, dict[str, set[str]]] = {
    "public": {},
    "emotion_migrate": {},
    "emotion_app": {"SELECT": {"schema_version"}},
    "emotion_analyst": {"SELECT": ANALYST_VIEWS},
    "emotion_report": {
        "SELECT": RELATIONS,
        "INSERT": {"health_check", "health_reading", "model_cost", "report"},
        "UPDATE": {"health_check", "health_reading", "model_cost", "report"},
        "EXECUTE": {
            "held_out_by_both(bigint,bigint)",
            "readable_path(bytea)",
            "standing_hold(bigint)",
        },
    },
    "emotion_train": {
        "SELECT": named("""
            calibration dataset dataset_exclusion doubtful_label epoch_metric erasure_key
            erasure_tombstone expression hold_reason image label model_alias model_alias_change
            model_version promotion_gate rejection_reason run_metric schema_version
            source_purpose split split_member training_run validation_prediction
            """),
        "INSERT": named("""
            calibration dataset dataset_exclusion doubtful_label epoch_metric erasure_key image
            label model_version promotion_gate run_metric split split_member training_run
            validation_prediction
            """),
        "UPDATE": {"calibration", "epoch_metric", "run_metric", "training_run"},
        "DELETE": {"doubtful_label", "epoch_metric", "run_metric", "validation_prediction"},
        "EXECUTE": {MOVE_ALIAS, "held_out_by_both(bigint,bigint)"},
    },
    "emotion_score": {
        "SELECT": named("""
            batch erasure_key erasure_tombstone expression held_folder hold_reason image
            inbox_file model_alias model_version prediction refusal_retry rejection
            rejection_reason rescoring rescoring_missing schema_version scoring_item
            scoring_throughput source_purpose subject_image training_run
            """),
        "INSERT": named("""
            batch erasure_key held_folder image inbox_file prediction refusal_retry rejection
            rescoring rescoring_missing scoring_item scoring_throughput subject_image
            """),
        "UPDATE": named("""
            batch held_folder inbox_file.batch_id inbox_file.image_id refusal_retry rejection
            rescoring scoring_item
            """),
        "DELETE": {"held_folder", "rejection"},
        "EXECUTE": {
            "compact_prediction_summary()",
            "count_closed_batches()",
            "readable_path(bytea)",
            "withdraw_items(bigint[])",
        },
    },
    "emotion_erase": {
        "SELECT": RELATIONS,
        "INSERT": named("""
            erasure erasure_key erasure_leftover erasure_tombstone legal_hold retention_run
            source_purpose source_purpose_change
            """),
        "UPDATE": named("""
            erasure erasure_leftover image.id inbox_file.removed_at legal_hold.lifted_at
            legal_hold.lifted_by retention_policy.changed_at retention_policy.changed_by
            retention_policy.days retention_run scoring_item.state source_purpose
            """),
        "DELETE": named("""
            doubtful_label erasure erasure_leftover health_check held_folder image inbox_file
            label prediction refusal_retry rejection retention_run scoring_item
            scoring_throughput split_member subject_image validation_prediction
            """),
        "EXECUTE": {"readable_path(bytea)", "standing_hold(bigint)"},
    },
    "emotion_owner": {
        **dict.fromkeys(
            ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"), RELATIONS
        ),
        "EXECUTE": FUNCTIONS,
    },
}
LOGINS = {
    "emotion_migrate": {"emotion_owner"},
    "emotion_app": {"emotion_train", "emotion_score", "emotion_report", "emotion_erase"},
}
"""Which roles may become which; no other may become any."""
PERSON = "Ada Lovelace"

_RELATION = """
    SELECT verb, relation.relname
    FROM pg_class AS relation
    CROSS JOIN unnest(ARRAY[
        'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS verb
    WHERE relation.relnamespace = to_regnamespace('public')
      AND relation.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND has_table_privilege(:role, relation.oid, verb)
"""
_COLUMN = """
    SELECT verb, relation.relname || '.' || attribute.attname
    FROM pg_class AS relation
    JOIN pg_attribute AS attribute
        ON attribute.attrelid = relation.oid AND attribute.attnum > 0 AND NOT attisdropped
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS verb
    WHERE relation.relnamespace = to_regnamespace('public')
      AND relation.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT has_table_privilege(:role, relation.oid, verb)
      AND has_column_privilege(:role, relation.oid, attribute.attnum, verb)
"""
_FUNCTION = """
    SELECT 'EXECUTE', cast(cast(oid AS regprocedure) AS text)
    FROM pg_proc
    WHERE pronamespace = to_regnamespace('public') AND has_function_privilege(:role, oid, 'EXECUTE')
"""
_SEQUENCE = """
    SELECT verb, relation.relname
    FROM pg_class AS relation
    CROSS JOIN unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS verb
    WHERE relation.relnamespace = to_regnamespace('public') AND relation.relkind = 'S'
      AND has_sequence_privilege(:role, relation.oid, verb)
"""
# A view's rule depends on each column that it reads; through a view it reads what that one reads.
_READ_BY_VIEWS = """
    WITH RECURSIVE reads (view, relation, number) AS (
        SELECT rule.ev_class, edge.refobjid, edge.refobjsubid
        FROM pg_rewrite AS rule
        JOIN pg_depend AS edge
            ON edge.classid = to_regclass('pg_rewrite') AND edge.objid = rule.oid
           AND edge.refclassid = to_regclass('pg_class') AND edge.refobjid <> rule.ev_class
    ), all_reads AS (
        SELECT view, relation, number FROM reads
        UNION
        SELECT all_reads.view, reads.relation, reads.number
        FROM all_reads JOIN reads ON reads.view = all_reads.relation
    )
    SELECT view.relname, relation.relname || '.' || attribute.attname
    FROM all_reads
    JOIN pg_class AS view ON view.oid = all_reads.view
    JOIN pg_class AS relation ON relation.oid = all_reads.relation AND relation.relkind = 'r'
    JOIN pg_attribute AS attribute
        ON attribute.attrelid = relation.oid AND attribute.attnum = all_reads.number
    WHERE view.relnamespace = to_regnamespace('public')
      AND has_table_privilege('emotion_analyst', view.oid, 'SELECT')
      AND attribute.attname IN ('path', 'source', 'location', 'folder', 'sample_id', 'detail',
                                'golden_detail', 'recipe', 'card', 'note', 'failure')
"""


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.transaction("emotion_report") as opened:
        yield opened


def allowed(connection: Connection, role: str, *statements: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for statement in statements:
        for verb, name in connection.execute(text(statement), {"role": role}):
            found[verb].add(name)
    return dict(found)


def sentences(role: str, found: dict[str, set[str]], wanted: dict[str, set[str]]) -> list[str]:
    return [
        f"{role} {said} {verb} {name}"
        for verb in sorted({*found, *wanted})
        for said, names in (
            ("unexpectedly may", found.get(verb, set()) - wanted.get(verb, set())),
            ("should but may not", wanted.get(verb, set()) - found.get(verb, set())),
        )
        for name in sorted(names)
    ]


def test_every_table_view_function_and_role_is_listed_here(connection: Connection) -> None:
    relations = connection.execute(
        text(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('public') "
            "AND relkind IN ('r', 'p', 'v', 'm', 'f')"
        )
    ).scalars()
    functions = connection.execute(
        text(
            "SELECT cast(cast(oid AS regprocedure) AS text) FROM pg_proc "
            "WHERE pronamespace = to_regnamespace('public')"
        )
    ).scalars()
    roles = connection.execute(
        text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'emotion\\_%'")
    ).scalars()

    unlike = set(relations) ^ RELATIONS | set(functions) ^ FUNCTIONS

    assert sorted(unlike) == [], "list it in TABLES, a set of views or FUNCTIONS, or take it out"
    assert {"public", *roles} == set(MAY)


@pytest.mark.parametrize("role", sorted(MAY))
def test_a_role_may_do_what_is_listed_and_nothing_else(connection: Connection, role: str) -> None:
    found = allowed(connection, role, _RELATION, _COLUMN, _FUNCTION)

    assert sentences(role, found, MAY[role]) == []


@pytest.mark.parametrize("role", sorted(set(MAY) - {"emotion_owner"}))
def test_only_the_owner_touches_sequences_and_creates_in_the_schema(
    connection: Connection, role: str
) -> None:
    asked = text(
        "SELECT has_schema_privilege(:role, 'public', 'CREATE'), "
        "has_schema_privilege('emotion_owner', 'public', 'CREATE')"
    )

    found = allowed(connection, role, _SEQUENCE)
    may_create, owner_may_create = connection.execute(asked, {"role": role}).one()

    assert found == {}
    assert (may_create, owner_may_create) == (False, True)


def test_no_role_is_above_the_rules(connection: Connection) -> None:
    powerful = connection.execute(
        text(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'emotion\\_%' "
            "AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication)"
        )
    ).scalars()

    assert list(powerful) == []


def test_only_two_logins_become_other_roles_and_neither_inherits(connection: Connection) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    inheriting = connection.execute(
        text("SELECT rolname FROM pg_roles WHERE rolinherit AND rolname = ANY (:logins)"),
        {"logins": list(LOGINS)},
    ).scalars()

    for member, role in connection.execute(
        text(
            "SELECT member.rolname, granted.rolname FROM pg_auth_members "
            "JOIN pg_roles AS member ON member.oid = pg_auth_members.member "
            "JOIN pg_roles AS granted ON granted.oid = pg_auth_members.roleid "
            "WHERE member.rolname LIKE 'emotion\\_%'"
        )
    ):
        found[member].add(role)

    assert found == LOGINS
    assert list(inheriting) == []


def test_the_analysts_views_read_no_file_name_and_a_folder_only_where_listed(
    connection: Connection,
) -> None:
    found = {tuple(row) for row in connection.execute(text(_READ_BY_VIEWS))}

    assert found == {
        # Batches of the same source get the same number.
        ("batch_summary", "batch.source"),
        # How many folders wait, not which.
        ("batch_summary", "held_folder.folder"),
        # To find the image that a sample is.
        ("confusion_matrix", "label.sample_id"),
        ("confusion_matrix", "validation_prediction.sample_id"),
        ("likely_label_error", "doubtful_label.sample_id"),
        ("likely_label_error", "label.sample_id"),
        # Which epoch was kept, and nothing else of it.
        ("model_leaderboard", "training_run.recipe"),
        ("validation_answer", "label.sample_id"),
        ("validation_answer", "validation_prediction.sample_id"),
    }


def test_no_row_of_an_analysts_view_holds_a_name_out_of_a_path(
    database: Database, urls: dict[str, str]
) -> None:
    # A folder, a file, a sample, a source: each is named after a person, as people do.
    labels = make_labels().assign(sample_id=lambda made: f"{PERSON}/" + made["sample_id"])
    with database.transaction("emotion_train") as connection:
        model = make_rival(connection, labels, share_right=0.5, folder=Path(f"/runs/{PERSON}"))
        make_champion(connection, model)
        fingerprint = hashlib.sha256("".join(labels["sha256"]).encode()).hexdigest()
        doubts = labels[["sample_id", "expression"]].iloc[:1]
        datasets.record_label_errors(
            connection,
            fingerprint=fingerprint,
            group_key="folds",
            errors=doubts.assign(suggested=4, p_given=0.1, p_suggested=0.8),
        )
        record_gate(connection, make_model(connection), golden_detail=f"/runs/{PERSON} is empty")
    with database.transaction("emotion_score") as connection:
        batch = batches.open_batch(
            connection,
            run_key="named night",
            source=f"/srv/clinic/{PERSON}/",
            model_version_id=model.id,
        )
        gone = ArrivedFile(f"{PERSON}.gif".encode(), 9, 1, None, "empty_file", f"{PERSON}.gif")
        batches.enter_files(connection, batch, [*make_arrivals(1, f"{PERSON}/"), gone])
        batches.plan_items(connection, batch.id)
        batches.record_intake(
            connection,
            batch.id,
            count_ignored=0,
            count_unsettled=0,
            held=[HeldFolder(PERSON.encode(), "manifest_missing", 1, f"{PERSON}.jpg")],
        )
        claims = claim_items(
            connection, model_version_id=model.id, worker="w", limit=9, lease_seconds=60
        )
        publish_items(
            connection,
            [],
            *make_scores(0),
            [Refusal(claim, "truncated", PERSON) for claim in claims],
        )

    analyst = Database(urls["emotion_analyst"])
    with analyst.connect() as connection:
        told = {
            view: connection.execute(
                text(f"SELECT told::text FROM {view} AS told WHERE told::text LIKE :named"),
                {"named": f"%{PERSON}%"},
            ).all()
            for view in sorted(ANALYST_VIEWS)
        }
        seen = connection.execute(
            text("SELECT source FROM batch_summary WHERE batch = 'named night'")
        ).scalar_one()
        doubted = connection.execute(
            text("SELECT image_sha256 FROM likely_label_error WHERE dataset_fingerprint = :set"),
            {"set": fingerprint},
        ).scalar_one()
    analyst.close()

    assert {view: rows for view, rows in told.items() if rows} == {}
    assert re.fullmatch(r"inbox \d+", seen)
    assert doubted == labels["sha256"][0]
    # Operators still see the names.
    with database.transaction("emotion_report") as connection:
        named = batches.batch_summary(connection, "named night")
        inbox = connection.execute(
            text("SELECT inbox FROM source_use WHERE source LIKE :named"), {"named": f"%{PERSON}%"}
        ).scalar_one()
    assert named is not None and named.source == PERSON
    assert inbox == seen


def test_the_analyst_can_open_every_granted_view(urls: dict[str, str]) -> None:
    analyst = Database(urls["emotion_analyst"])
    with analyst.connect() as connection:
        for view in sorted(ANALYST_VIEWS):
            # Of a function inside a view the reader's own right is asked, as soon as it starts.
            connection.execute(text(f"SELECT * FROM {view} LIMIT 0"))
    analyst.close()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (a integer)",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "ALTER TABLE prediction ADD COLUMN mine integer",
        "DROP VIEW current_prediction",
        "TRUNCATE prediction",
        "GRANT emotion_score TO emotion_analyst",
        "SET LOCAL ROLE emotion_owner",
    ],
)
def test_no_role_but_the_owner_changes_what_there_is(
    database: Database, urls: dict[str, str], statement: str
) -> None:
    refused = pytest.raises(ProgrammingError, match=r"permission denied|must be owner")
    analyst = Database(urls["emotion_analyst"])

    for role in sorted(LOGINS["emotion_app"]):
        with refused, database.transaction(role) as connection:
            connection.execute(text(statement))
    with refused, analyst.connect() as connection:
        connection.execute(text(statement))
    analyst.close()


EVERYBODYS = (
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT lo_from_bytea(0, 'mine')",
    "SELECT pg_logical_emit_message(false, 'mine', 'mine')",
)
LOCKS = (
    "SELECT pg_advisory_lock(hashtext('model_alias'))",
    "SELECT pg_try_advisory_xact_lock(1, 2)",
    "SELECT pg_advisory_xact_lock_shared(7203114902)",
    "SELECT pg_advisory_unlock_all()",
)


@pytest.mark.parametrize("statement", (*EVERYBODYS, *LOCKS, "CREATE TEMPORARY TABLE mine (a int)"))
def test_the_analyst_leaves_nothing_behind_and_holds_nothing_up(
    urls: dict[str, str], statement: str
) -> None:
    analyst = Database(urls["emotion_analyst"])

    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        analyst.connect() as connection,
    ):
        connection.execute(text(statement))
    analyst.close()


@pytest.mark.parametrize("role", sorted(LOGINS["emotion_app"]))
def test_the_roles_of_the_tasks_take_locks_and_make_no_large_object(
    database: Database, role: str
) -> None:
    for statement in LOCKS[1:3]:
        with database.transaction(role) as connection:
            connection.execute(text(statement))
    for statement in EVERYBODYS:
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            database.transaction(role) as connection,
        ):
            connection.execute(text(statement))


def test_the_analysts_statements_and_sessions_end(urls: dict[str, str]) -> None:
    names = (
        "statement_timeout",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "temp_file_limit",
    )
    analyst = Database(urls["emotion_analyst"])
    with analyst.connect() as connection:
        set_to = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in names]
        connections = connection.execute(
            text("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'emotion_analyst'")
        ).scalar_one()
        with pytest.raises(ProgrammingError, match="permission denied to set parameter"):
            connection.execute(text("SET temp_file_limit = -1"))
    analyst.close()

    assert set_to == ["5min", "5min", "4h", "4GB"]
    assert connections == 20


@pytest.mark.parametrize("database_name", ["postgres", "template1", "airflow"])
def test_the_analyst_enters_no_other_database(
    server: PostgresServer, credentials: Credentials, database_name: str
) -> None:
    provision_airflow(server, credentials)
    login = server.url(database_name, "emotion_analyst", credentials.emotion_analyst)
    stranger = Database(login)

    with pytest.raises(StoreError, match="permission denied for database"), stranger.connect():
        pass
    stranger.close()
