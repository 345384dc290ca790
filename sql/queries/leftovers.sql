SELECT id, erasure_id, source, path, content_hmac, problem
FROM erasure_leftover
WHERE cast(:erasure_id AS bigint) IS NULL OR erasure_id = :erasure_id
ORDER BY id
