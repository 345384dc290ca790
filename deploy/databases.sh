#!/bin/sh
# Run once by the PostgreSQL image on an empty volume: databases, roles, logins.
# Passwords are read by psql from the environment, so that they stand on no command line.
set -eu

psql --set ON_ERROR_STOP=1 --username postgres <<'SQL'
\getenv airflow_password AIRFLOW_DB_PASSWORD
CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE DATABASE airflow OWNER airflow;
REVOKE ALL ON DATABASE airflow FROM PUBLIC;
CREATE DATABASE emotion;
SQL

psql --set ON_ERROR_STOP=1 --username postgres --dbname emotion --file "${EMOTION_SQL_DIR:-/opt/emotion/sql}/roles.sql"

psql --set ON_ERROR_STOP=1 --username postgres --dbname emotion <<'SQL'
\getenv migrate_password EMOTION_MIGRATE_PASSWORD
\getenv app_password EMOTION_APP_PASSWORD
\getenv analyst_password EMOTION_ANALYST_PASSWORD
ALTER ROLE emotion_migrate LOGIN PASSWORD :'migrate_password';
ALTER ROLE emotion_app LOGIN PASSWORD :'app_password';
ALTER ROLE emotion_analyst LOGIN PASSWORD :'analyst_password';
SQL
