-- The change that made the present champion champion: the newest that no rollback has undone.
SELECT change.id, change.from_id, change.to_id
FROM model_alias_change AS change
WHERE change.alias = 'champion' AND change.kind <> 'rollback'
  AND NOT EXISTS (SELECT FROM model_alias_change AS later WHERE later.undoes_id = change.id)
ORDER BY change.id DESC
LIMIT 1
