-- The roles of the database, made once by an administrator: psql -f sql/roles.sql emotion
-- Run it again at any time; it changes nothing that is already right.
--
-- Group roles hold the privileges (sql/grants.sql); logins only become them:
--   emotion_owner    owns every table, cannot log in
--   emotion_train    writes data sets, runs and model versions
--   emotion_score    writes batches, the ledger and predictions
--   emotion_report   reads everything, records reports and health
--   emotion_erase    removes what was asked to be erased or is older than may be kept
--   emotion_migrate  login that may become the owner, for migrations alone
--   emotion_app      login of the Airflow tasks; powerless until it becomes one of the four above
--   emotion_analyst  login that reads the views
-- Logins get their password outside of this file: ALTER ROLE emotion_app LOGIN PASSWORD '…'.

DO $roles$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'emotion_owner', 'emotion_train', 'emotion_score', 'emotion_report', 'emotion_erase',
        'emotion_migrate', 'emotion_app', 'emotion_analyst'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I', wanted);
        END IF;
    END LOOP;
END
$roles$;

-- Set before the grants: a grant remembers whether its member inherited at that moment.
ALTER ROLE emotion_app NOINHERIT;
ALTER ROLE emotion_migrate NOINHERIT;

GRANT emotion_owner TO emotion_migrate;
GRANT emotion_train, emotion_score, emotion_report, emotion_erase TO emotion_app;

DO $database$
BEGIN
    EXECUTE format('ALTER DATABASE %I OWNER TO emotion_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO emotion_migrate, emotion_app, emotion_analyst',
        current_database()
    );
    -- Publishing copies into a temporary table first.
    EXECUTE format(
        'GRANT TEMPORARY ON DATABASE %I TO emotion_train, emotion_score, emotion_erase', current_database()
    );
END
$database$;

ALTER SCHEMA public OWNER TO emotion_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
