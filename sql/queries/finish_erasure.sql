-- Nothing of it is left to remove.
UPDATE erasure SET finished_at = now()
WHERE finished_at IS NULL
  AND (cast(:erasure_id AS bigint) IS NULL OR id = :erasure_id)
  AND NOT EXISTS (SELECT FROM erasure_leftover WHERE erasure_leftover.erasure_id = erasure.id)
