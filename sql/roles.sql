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

-- What PostgreSQL lets everybody do in every database, and nobody here needs: locks that promotion,
-- publishing and migrations wait for, objects that belong to no table, rows of the write-ahead log.
-- Only a superuser may take it away; elsewhere PostgreSQL warns, and it stays.
DO $functions$
DECLARE
    named regprocedure;
BEGIN
    FOR named IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
          AND proname ~ '^(pg_(try_)?advisory_|lo_|loread$|lowrite$|pg_logical_emit_message$)'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', named);
        IF named::text ~ 'advisory' THEN
            EXECUTE format(
                'GRANT EXECUTE ON FUNCTION %s TO emotion_owner, emotion_migrate, emotion_train, '
                'emotion_score, emotion_report, emotion_erase', named);
        END IF;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'only a superuser may take locks and large objects away from everybody';
END
$functions$;

-- Analysts, and dashboards under their login. Times are defaults that a session may set otherwise; the
-- number of connections and the temporary files are limits. Sorting ten million rows takes 2 GB.
ALTER ROLE emotion_analyst CONNECTION LIMIT 20;
ALTER ROLE emotion_analyst SET statement_timeout = '5min';
ALTER ROLE emotion_analyst SET idle_in_transaction_session_timeout = '5min';
ALTER ROLE emotion_analyst SET idle_session_timeout = '4h';
DO $files$
BEGIN
    ALTER ROLE emotion_analyst SET temp_file_limit = '4GB';
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'only a superuser may limit the temporary files of emotion_analyst';
END
$files$;
