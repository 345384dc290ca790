CREATE VIEW model_change_summary AS
SELECT
    model_before,
    model_after,
    count(*)                                   AS count_images,
    count(*) FILTER (WHERE is_flip)            AS count_flips,
    avg(is_flip::integer)::double precision    AS flip_share,
    avg(valence_shift)                         AS mean_valence_shift,
    avg(abs(valence_shift))                    AS mean_valence_distance,
    avg(arousal_shift)                         AS mean_arousal_shift,
    avg(abs(arousal_shift))                    AS mean_arousal_distance
FROM model_change
GROUP BY model_before, model_after;

COMMENT ON VIEW model_change_summary IS 'One row per change of champion: how much of what both scored the new one predicts otherwise.';
COMMENT ON COLUMN model_change_summary.model_before IS 'Champion before.';
COMMENT ON COLUMN model_change_summary.model_after IS 'Champion that replaced it.';
COMMENT ON COLUMN model_change_summary.count_images IS 'Images that both scored.';
COMMENT ON COLUMN model_change_summary.count_flips IS 'Those that got another expression.';
COMMENT ON COLUMN model_change_summary.flip_share IS 'Their share, 0 to 1.';
COMMENT ON COLUMN model_change_summary.mean_valence_shift IS 'Mean of valence after minus before.';
COMMENT ON COLUMN model_change_summary.mean_valence_distance IS 'Mean of its size, without sign.';
COMMENT ON COLUMN model_change_summary.mean_arousal_shift IS 'Mean of arousal after minus before.';
COMMENT ON COLUMN model_change_summary.mean_arousal_distance IS 'Mean of its size, without sign.';
