INSERT INTO erasure (asked_by, reason, requested_by)
VALUES (:asked_by, :reason, :requested_by)
RETURNING id
