-- Leases a chunk to one worker. Others pass over locked rows.
-- The lease runs by the database's clock: workers' clocks may disagree.
WITH chosen AS (
    SELECT id FROM scoring_item
    WHERE model_version_id = :model_version_id AND state = 'pending'
    ORDER BY id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
),
claimed AS (
    UPDATE scoring_item SET
        state = 'leased',
        fence = fence + 1,
        attempts = attempts + 1,
        lease_until = now() + make_interval(secs => :lease_seconds),
        worker = :worker
    FROM chosen
    WHERE scoring_item.id = chosen.id
    RETURNING scoring_item.id, scoring_item.image_id, scoring_item.fence
)
SELECT claimed.id, claimed.fence, image.sha256, files.sources, files.paths
FROM claimed
JOIN image ON image.id = claimed.image_id
CROSS JOIN LATERAL (
    -- Newest first: an old delivery may have been tidied away.
    SELECT array_agg(source ORDER BY id DESC) AS sources, array_agg(path ORDER BY id DESC) AS paths
    FROM inbox_file WHERE inbox_file.image_id = claimed.image_id
) AS files
ORDER BY claimed.id
