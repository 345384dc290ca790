-- The items stay done: the same image, delivered again, is not scored again.
WITH old AS (
    SELECT doomed.image_id, doomed.model_version_id
    FROM model_version
    CROSS JOIN LATERAL (
        SELECT prediction.image_id, prediction.model_version_id
        FROM prediction
        WHERE prediction.model_version_id = model_version.id
          AND prediction.scored_at < :cutoff
          -- Asked once where nothing is held, else of each row.
          AND ((SELECT NOT EXISTS (SELECT FROM legal_hold WHERE lifted_at IS NULL))
               OR standing_hold(prediction.image_id) IS NULL)
        ORDER BY prediction.scored_at
        LIMIT :limit
    ) AS doomed
    LIMIT :limit
),
gone AS (
    DELETE FROM prediction USING old
    WHERE prediction.image_id = old.image_id AND prediction.model_version_id = old.model_version_id
    RETURNING old.image_id
)
SELECT count(*) FROM gone
