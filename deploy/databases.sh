#!/bin/sh
# Databases, roles, logins. The PostgreSQL image runs it once, on an empty volume; run again by hand it
# sets every password to what the environment says and every right to what this release asks for.
# Passwords are read by psql from the environment, so that they stand on no command line.
set -eu

# This image has no Python; `init` looks closer (emotion_core/store/weak_secrets.py).
for name in POSTGRES_PASSWORD AIRFLOW_DB_PASSWORD EMOTION_MIGRATE_PASSWORD EMOTION_APP_PASSWORD \
    EMOTION_ANALYST_PASSWORD; do
    eval "value=\${$name:-}"
    if [ "${#value}" -lt 16 ]; then
        echo "error: the secret in $name is shorter than 16 characters; draw one with make secrets" >&2
        exit 1
    fi
done

psql --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres <<'SQL'
\getenv airflow_password AIRFLOW_DB_PASSWORD
SELECT 'CREATE ROLE airflow' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'airflow') \gexec
SELECT format('CREATE DATABASE %I', name)
FROM unnest(ARRAY['airflow', 'emotion']) AS name
WHERE name NOT IN (SELECT datname FROM pg_database) \gexec
ALTER ROLE airflow LOGIN PASSWORD :'airflow_password';
ALTER DATABASE airflow OWNER TO airflow;
-- Each login enters its own database and no other.
REVOKE ALL ON DATABASE airflow, postgres, template1 FROM PUBLIC;
SQL

psql --quiet --set ON_ERROR_STOP=1 --username postgres --dbname emotion --file "${EMOTION_SQL_DIR:-/opt/emotion/sql}/roles.sql"

psql --quiet --set ON_ERROR_STOP=1 --username postgres --dbname emotion <<'SQL'
\getenv postgres_password POSTGRES_PASSWORD
\getenv migrate_password EMOTION_MIGRATE_PASSWORD
\getenv app_password EMOTION_APP_PASSWORD
\getenv analyst_password EMOTION_ANALYST_PASSWORD
ALTER ROLE emotion_migrate LOGIN PASSWORD :'migrate_password';
ALTER ROLE emotion_app LOGIN PASSWORD :'app_password';
ALTER ROLE emotion_analyst LOGIN PASSWORD :'analyst_password';
ALTER ROLE postgres PASSWORD :'postgres_password';
SQL
