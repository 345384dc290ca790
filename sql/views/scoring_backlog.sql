CREATE VIEW scoring_backlog AS
SELECT
    model_version.name                                               AS model,
    count(*) FILTER (WHERE scoring_item.state = 'pending')           AS count_waiting,
    count(*) FILTER (WHERE scoring_item.state = 'leased'
                       AND scoring_item.lease_until >= now())        AS count_in_work,
    count(*) FILTER (WHERE scoring_item.state = 'leased'
                       AND scoring_item.lease_until < now())         AS count_abandoned,
    min(scoring_item.planned_at)                                     AS waiting_since
FROM scoring_item
JOIN model_version ON model_version.id = scoring_item.model_version_id
-- As the index of open items has it: finished items are never read.
WHERE scoring_item.finished_at IS NULL
GROUP BY model_version.name;

COMMENT ON VIEW scoring_backlog IS 'One row per model that images wait for; no row means that nothing waits.';
COMMENT ON COLUMN scoring_backlog.model IS 'Network and version.';
COMMENT ON COLUMN scoring_backlog.count_waiting IS 'Images that no worker has claimed.';
COMMENT ON COLUMN scoring_backlog.count_in_work IS 'Images that a worker holds.';
COMMENT ON COLUMN scoring_backlog.count_abandoned IS 'Images whose worker let its lease run out; the next worker takes them.';
COMMENT ON COLUMN scoring_backlog.waiting_since IS 'When the oldest of them was planned.';
