SELECT
    change.id, change.alias, change.kind, earlier.name AS from_model, later.name AS to_model,
    change.reason, change.changed_by, change.changed_at
FROM model_alias_change AS change
LEFT JOIN model_version AS earlier ON earlier.id = change.from_id
LEFT JOIN model_version AS later ON later.id = change.to_id
ORDER BY change.id DESC
LIMIT :limit
