-- Compare-and-set: changes the alias only while it still points where the caller saw it.
WITH swapped AS (
    INSERT INTO model_alias (alias, model_version_id)
    SELECT :alias, :to_id
    WHERE cast(:from_id AS bigint) IS NULL
       OR EXISTS (SELECT FROM model_alias WHERE alias = :alias AND model_version_id = :from_id)
    ON CONFLICT (alias) DO UPDATE SET model_version_id = excluded.model_version_id
        WHERE model_alias.model_version_id = :from_id
    RETURNING alias
)
INSERT INTO model_alias_change (alias, from_id, to_id, reason, changed_by)
SELECT alias, :from_id, :to_id, :reason, :changed_by FROM swapped
RETURNING id
