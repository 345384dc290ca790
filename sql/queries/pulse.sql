-- How fresh the champion's newest prediction is, and what waits; by the database's clock.
SELECT
    newest.scored_at AS newest_scored_at,
    extract(epoch FROM now() - newest.scored_at)::float8 / 3600 AS hours_since_newest,
    waiting.count_waiting,
    coalesce(extract(epoch FROM now() - waiting.oldest)::float8 / 3600, 0) AS hours_oldest_waiting
FROM (
    SELECT max(prediction.scored_at) AS scored_at
    FROM prediction
    JOIN model_alias
        ON model_alias.model_version_id = prediction.model_version_id
       AND model_alias.alias = 'champion'
) AS newest
CROSS JOIN (
    SELECT count(*) AS count_waiting, min(scoring_item.planned_at) AS oldest
    FROM scoring_item
    JOIN model_alias
        ON model_alias.model_version_id = scoring_item.model_version_id
       AND model_alias.alias = 'champion'
    WHERE scoring_item.finished_at IS NULL
) AS waiting
