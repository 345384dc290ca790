-- The record of migrations; made before the first of them, changed by none.

CREATE TABLE IF NOT EXISTS schema_version (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE schema_version IS 'One row per migration that was applied; version 0 stands for the views and grants, applied anew whenever their text changes.';
