CREATE VIEW batch_summary AS
SELECT
    batch.run_key          AS batch,
    -- A number: folders may be named after people.
    'inbox ' || batch.first_of_source AS source,
    model_version.name     AS model,
    batch.is_closed,
    batch.opened_at,
    batch.closed_at,
    coalesce(batch.count_found, live.found)              AS count_found,
    coalesce(batch.count_done, live.done)                AS count_done,
    coalesce(batch.count_rejected, live.rejected)        AS count_rejected,
    coalesce(batch.count_quarantined, live.quarantined)  AS count_quarantined,
    CASE WHEN batch.is_closed THEN 0 ELSE live.unfinished END AS count_left,
    coalesce(batch.count_ignored, 0)                     AS count_ignored,
    coalesce(batch.count_unsettled, 0)                   AS count_unsettled,
    held.count_held
FROM (
    SELECT *, min(id) OVER (PARTITION BY batch.source) AS first_of_source FROM batch
) AS batch
JOIN model_version ON model_version.id = batch.model_version_id
CROSS JOIN LATERAL (
    SELECT
        count(*)                                                   AS found,
        count(*) FILTER (WHERE scoring_item.state = 'done')        AS done,
        count(*) FILTER (WHERE scoring_item.state = 'rejected'
                            OR rejection.id IS NOT NULL)           AS rejected,
        count(*) FILTER (WHERE scoring_item.state = 'quarantined') AS quarantined,
        count(*) FILTER (WHERE scoring_item.state IN ('pending', 'leased')) AS unfinished
    FROM inbox_file
    LEFT JOIN scoring_item
        ON scoring_item.image_id = inbox_file.image_id
       AND scoring_item.model_version_id = batch.model_version_id
    LEFT JOIN rejection ON rejection.inbox_file_id = inbox_file.id
    WHERE inbox_file.batch_id = batch.id AND NOT batch.is_closed
) AS live
CROSS JOIN LATERAL (
    SELECT count(DISTINCT held_folder.folder) AS count_held
    FROM held_folder WHERE held_folder.batch_id = batch.id
) AS held;

COMMENT ON VIEW batch_summary IS 'One row per scoring run: how many files came and what became of them. Open batches are counted when you ask.';
COMMENT ON COLUMN batch_summary.count_found IS 'Files first seen by this batch; duplicates of known content included.';
COMMENT ON COLUMN batch_summary.count_done IS 'Files whose content has a prediction by this model.';
COMMENT ON COLUMN batch_summary.count_left IS 'Files still waiting for a worker; 0 once closed.';
COMMENT ON COLUMN batch_summary.count_ignored IS 'Dot files, .tmp, .part and the like when the inbox was last read.';
COMMENT ON COLUMN batch_summary.count_unsettled IS 'Files that may still be written to; a later batch reads them again.';
COMMENT ON COLUMN batch_summary.count_held IS 'Folders that wait, all or in part, because their manifest is not met; table held_folder says why.';
COMMENT ON COLUMN batch_summary.batch IS 'The scoring run.';
COMMENT ON COLUMN batch_summary.source IS 'The inbox that the run read, by number: the first batch of the same folder. Operators see its name in source_use.';
COMMENT ON COLUMN batch_summary.model IS 'Network and version pinned when the run opened.';
COMMENT ON COLUMN batch_summary.is_closed IS 'True once every file has its end.';
COMMENT ON COLUMN batch_summary.opened_at IS 'When the run began.';
COMMENT ON COLUMN batch_summary.closed_at IS 'When its counts added up; NULL while open.';
COMMENT ON COLUMN batch_summary.count_rejected IS 'Files refused, with a reason.';
COMMENT ON COLUMN batch_summary.count_quarantined IS 'Files set aside because their worker vanished again and again.';
