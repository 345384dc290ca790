"""What each role may do to each object, asked of PostgreSQL and compared with ``roles.toml``."""

import hashlib
import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from asking import ask, ask_one
from factories import make_arrivals, make_labels, make_model, make_scores
from promotions import make_champion, make_rival, record_gate
from sqlalchemy.exc import ProgrammingError

from emotion_core.errors import StoreError
from emotion_core.local.credentials import Credentials
from emotion_core.local.postgres import PostgresServer
from emotion_core.store import batches, datasets
from emotion_core.store.batches import ArrivedFile, HeldFolder
from emotion_core.store.database import Database
from emotion_core.store.ledger import Refusal, claim_items, publish_items


def named(listed: str | list[str]) -> set[str]:
    return ALIASES.get(str(listed)) or set(listed.split() if isinstance(listed, str) else listed)


LISTED = tomllib.loads((Path(__file__).parent / "roles.toml").read_text(encoding="utf-8"))
ALIASES: dict[str, set[str]] = {}
TABLES, VIEWS_WITH_PATHS, ANALYST_VIEWS, FUNCTIONS = (
    named(LISTED["objects"][kind])
    for kind in ("tables", "views_with_paths", "analyst_views", "functions")
)
RELATIONS = TABLES | VIEWS_WITH_PATHS | ANALYST_VIEWS
ALIASES |= {"every table and view": RELATIONS, "the analyst's views": ANALYST_VIEWS}
LOGINS = {login: named(roles) for login, roles in LISTED["becomes"].items()}
EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
MAY: dict[str, dict[str, set[str]]] = {
    "emotion_owner": {**dict.fromkeys(EVERYTHING, RELATIONS), "EXECUTE": FUNCTIONS},
    **{
        role: {verb: named(objects) for verb, objects in verbs.items()}
        for role, verbs in LISTED["may"].items()
    },
}
PERSON = "Ada Lovelace"

_RELATION = """
    SELECT verb, relation.relname
    FROM pg_class AS relation
    CROSS JOIN unnest(ARRAY[
        'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS verb
    WHERE relation.relnamespace = to_regnamespace('public')
      AND relation.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND has_table_privilege(:asked, relation.oid, verb)
"""
_COLUMN = """
    SELECT verb, relation.relname || '.' || attribute.attname
    FROM pg_class AS relation
    JOIN pg_attribute AS attribute
        ON attribute.attrelid = relation.oid AND attribute.attnum > 0 AND NOT attisdropped
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS verb
    WHERE relation.relnamespace = to_regnamespace('public')
      AND relation.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT has_table_privilege(:asked, relation.oid, verb)
      AND has_column_privilege(:asked, relation.oid, attribute.attnum, verb)
"""
_FUNCTION = """
    SELECT 'EXECUTE', cast(cast(oid AS regprocedure) AS text)
    FROM pg_proc
    WHERE pronamespace = to_regnamespace('public')
      AND has_function_privilege(:asked, oid, 'EXECUTE')
"""
_SEQUENCE = """
    SELECT verb, relation.relname
    FROM pg_class AS relation
    CROSS JOIN unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS verb
    WHERE relation.relnamespace = to_regnamespace('public') AND relation.relkind = 'S'
      AND has_sequence_privilege(:asked, relation.oid, verb)
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


def allowed(database: Database, role: str, *statements: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for statement in statements:
        for verb, name in ask(database, statement, asked=role):
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


def listed(database: Database, statement: str) -> set[str]:
    return {name for (name,) in ask(database, statement)}


def test_every_table_view_function_and_role_is_listed_here(database: Database) -> None:
    relations = listed(
        database,
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('public') "
        "AND relkind IN ('r', 'p', 'v', 'm', 'f')",
    )
    functions = listed(
        database,
        "SELECT cast(cast(oid AS regprocedure) AS text) FROM pg_proc "
        "WHERE pronamespace = to_regnamespace('public')",
    )
    roles = listed(database, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'emotion\\_%'")

    unlike = relations ^ RELATIONS | functions ^ FUNCTIONS

    assert sorted(unlike) == [], "list it in roles.toml, or take it out"
    assert {"public", *roles} == set(MAY)


@pytest.mark.parametrize("role", sorted(MAY))
def test_a_role_may_do_what_is_listed_and_nothing_else(database: Database, role: str) -> None:
    found = allowed(database, role, _RELATION, _COLUMN, _FUNCTION)

    assert sentences(role, found, MAY[role]) == []


@pytest.mark.parametrize("role", sorted(MAY))
def test_only_the_owner_touches_sequences_and_creates_in_the_schema(
    database: Database, role: str
) -> None:
    may_create = ask_one(
        database, "SELECT has_schema_privilege(:asked, 'public', 'CREATE')", asked=role
    )

    assert may_create is (role == "emotion_owner")
    assert bool(allowed(database, role, _SEQUENCE)) is (role == "emotion_owner")


def test_no_role_is_above_the_rules(database: Database) -> None:
    powerful = listed(
        database,
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'emotion\\_%' "
        "AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication)",
    )

    assert powerful == set()


def test_only_two_logins_become_other_roles_and_neither_inherits(database: Database) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    inheriting = listed(database, "SELECT rolname FROM pg_roles WHERE rolinherit")

    for member, role in ask(
        database,
        "SELECT member.rolname, granted.rolname FROM pg_auth_members "
        "JOIN pg_roles AS member ON member.oid = pg_auth_members.member "
        "JOIN pg_roles AS granted ON granted.oid = pg_auth_members.roleid "
        "WHERE member.rolname LIKE 'emotion\\_%'",
    ):
        found[member].add(role)

    assert found == LOGINS
    assert not inheriting & set(LOGINS)


def test_the_analysts_views_read_no_file_name_and_a_folder_only_where_listed(
    database: Database,
) -> None:
    assert set(ask(database, _READ_BY_VIEWS)) == {
        # Batches of the same source get the same number.
        ("batch_summary", "batch.source"),
        # How many folders wait, not which.
        ("batch_summary", "held_folder.folder"),
        # To find the image that a sample is.
        ("confusion_matrix", "label.sample_id"),
        ("confusion_matrix", "validation_prediction.sample_id"),
        ("likely_label_error", "label_error.sample_id"),
        ("likely_label_error", "label.sample_id"),
        # Which epoch was kept, and nothing else of it.
        ("model_leaderboard", "training_run.recipe"),
        ("validation_answer", "label.sample_id"),
        ("validation_answer", "validation_prediction.sample_id"),
    }


def test_no_row_of_an_analysts_view_holds_a_name_out_of_a_path(
    database: Database, analyst: Database
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
        arrived = [*make_arrivals(1, f"{PERSON}/"), gone]
        batches.enter_files(connection, batch, arrived, plans=True)
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

    told = {
        view: ask(
            analyst,
            f"SELECT told::text FROM {view} AS told WHERE told::text LIKE :named",
            role=None,
            named=f"%{PERSON}%",
        )
        for view in sorted(ANALYST_VIEWS)
    }
    seen = ask_one(
        analyst, "SELECT source FROM batch_summary WHERE batch = 'named night'", role=None
    )
    doubted = ask_one(
        analyst,
        "SELECT image_sha256 FROM likely_label_error WHERE dataset_fingerprint = :set",
        role=None,
        set=fingerprint,
    )

    assert {view: rows for view, rows in told.items() if rows} == {}
    assert re.fullmatch(r"inbox \d+", seen)
    assert doubted == labels["sha256"][0]
    # Operators still see the names.
    with database.transaction("emotion_report") as connection:
        named = batches.batch_summary(connection, "named night")
    inbox = ask_one(
        database, "SELECT inbox FROM source_use WHERE source LIKE :named", named=f"%{PERSON}%"
    )
    assert named is not None and named.source == PERSON
    assert inbox == seen


def test_the_analyst_can_open_every_granted_view(analyst: Database) -> None:
    for view in sorted(ANALYST_VIEWS):
        # Of a function inside a view the reader's own right is asked, as soon as it starts.
        ask(analyst, f"SELECT * FROM {view} LIMIT 0", role=None)


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
    database: Database, analyst: Database, statement: str
) -> None:
    refused = pytest.raises(ProgrammingError, match=r"permission denied|must be owner")

    for role in sorted(LOGINS["emotion_app"]):
        with refused:
            ask(database, statement, role=role)
    with refused:
        ask(analyst, statement, role=None)


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
    analyst: Database, statement: str
) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        ask(analyst, statement, role=None)


@pytest.mark.parametrize("role", sorted(LOGINS["emotion_app"]))
def test_the_roles_of_the_tasks_take_locks_and_make_no_large_object(
    database: Database, role: str
) -> None:
    for statement in LOCKS[1:3]:
        ask(database, statement, role=role)
    for statement in EVERYBODYS:
        with pytest.raises(ProgrammingError, match="permission denied"):
            ask(database, statement, role=role)


def test_the_analysts_statements_and_sessions_end(database: Database, analyst: Database) -> None:
    set_to = {
        "statement_timeout": "5min",
        "idle_in_transaction_session_timeout": "5min",
        "idle_session_timeout": "4h",
        "temp_file_limit": "4GB",
    }

    assert {name: ask_one(analyst, f"SHOW {name}", role=None) for name in set_to} == set_to
    limit = "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'emotion_analyst'"
    assert ask_one(database, limit) == 20
    with pytest.raises(ProgrammingError, match="permission denied to set parameter"):
        ask(analyst, "SET temp_file_limit = -1", role=None)


@pytest.mark.parametrize("database_name", ["postgres", "template1", "airflow"])
def test_the_analyst_enters_no_other_database(
    server: PostgresServer, credentials: Credentials, database_name: str
) -> None:
    login = server.url(database_name, "emotion_analyst", credentials.emotion_analyst)
    stranger = Database(login)

    with pytest.raises(StoreError, match="permission denied for database"), stranger.connect():
        pass
    stranger.close()
