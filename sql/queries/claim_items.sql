-- Leases a chunk to one worker. Others pass over locked rows.
-- The lease runs by the database's clock: workers' clocks may disagree.
WITH chosen AS (
    SELECT id FROM scoring_item
    WHERE model_version_id = :model_version_id AND finished_at IS NULL AND state = 'pending'
    ORDER BY planned_at, id
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
-- One row per place, newest first: an old delivery may have been tidied away.
SELECT claimed.id, claimed.fence, image.sha256, place.source, place.path
FROM claimed
JOIN image ON image.id = claimed.image_id
CROSS JOIN LATERAL (
    SELECT id, source, path FROM inbox_file
    WHERE inbox_file.image_id = claimed.image_id
    ORDER BY id DESC
    LIMIT 10
) AS place
ORDER BY claimed.id, place.id DESC
