-- Health checks, workers' throughput, proofs of retention, finished requests to erase. Tombstones stay, and so do
-- changes of aliases and of sources' purposes.
WITH checks AS (
    DELETE FROM health_check WHERE id IN (
        SELECT id FROM health_check WHERE checked_at < :cutoff ORDER BY id LIMIT :limit)
    RETURNING id
),
tallies AS (
    DELETE FROM scoring_throughput WHERE id IN (
        SELECT id FROM scoring_throughput WHERE ended_at < :cutoff ORDER BY id LIMIT :limit)
    RETURNING id
),
proofs AS (
    DELETE FROM retention_run WHERE id IN (
        SELECT id FROM retention_run WHERE finished_at < :cutoff ORDER BY id LIMIT :limit)
    RETURNING id
),
requests AS (
    DELETE FROM erasure WHERE id IN (
        SELECT erasure.id FROM erasure
        WHERE erasure.finished_at < :cutoff
          AND NOT EXISTS (
              SELECT FROM erasure_leftover WHERE erasure_leftover.erasure_id = erasure.id)
        ORDER BY erasure.id LIMIT :limit)
    RETURNING id
)
SELECT (SELECT count(*) FROM checks) + (SELECT count(*) FROM tallies)
     + (SELECT count(*) FROM proofs) + (SELECT count(*) FROM requests)
