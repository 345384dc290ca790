-- Sets aside what has made its worker vanish again and again while held alone.
UPDATE scoring_item SET state = 'quarantined', lease_until = NULL, finished_at = now()
FROM (
    SELECT id FROM scoring_item
    WHERE model_version_id = :model_version_id AND finished_at IS NULL
      AND state = 'leased' AND lease_until < now() AND solo_attempts >= :solo_limit
    ORDER BY planned_at, id
    FOR UPDATE SKIP LOCKED
) AS culprit
WHERE scoring_item.id = culprit.id
