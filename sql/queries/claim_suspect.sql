-- Leases items whose last worker vanished: a small group the first time, so that a random kill
-- costs little, and after that each alone: should it kill this worker too, no neighbour is blamed.
WITH expired AS (
    SELECT id, attempts > 1 AS is_alone FROM scoring_item
    WHERE model_version_id = :model_version_id AND finished_at IS NULL
      AND state = 'leased' AND lease_until < now()
    ORDER BY attempts > 1, planned_at, id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
),
chosen AS (
    SELECT id, is_alone FROM expired WHERE NOT is_alone
    UNION ALL
    (SELECT id, is_alone FROM expired
     WHERE NOT EXISTS (SELECT FROM expired WHERE NOT is_alone)
     ORDER BY id
     LIMIT 1)
),
claimed AS (
    UPDATE scoring_item SET
        state = 'leased',
        fence = fence + 1,
        attempts = attempts + 1,
        solo_attempts = solo_attempts + chosen.is_alone::integer,
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
