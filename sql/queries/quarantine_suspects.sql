-- Sets aside what has made its worker vanish again and again while held alone.
UPDATE scoring_item SET state = 'quarantined', lease_until = NULL, finished_at = now()
WHERE model_version_id = :model_version_id
  AND state = 'leased' AND lease_until < now() AND solo_attempts >= :solo_limit
