SELECT count(*) FROM scoring_item
WHERE model_version_id = :model_version_id AND finished_at IS NULL
