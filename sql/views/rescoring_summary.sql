CREATE VIEW rescoring_summary AS
SELECT
    rescoring.run_key   AS rescoring,
    model_version.name  AS model,
    rescoring.count_seen,
    rescoring.count_planned,
    rescoring.count_seen - rescoring.count_planned AS count_missing,
    rescoring.closed_at IS NOT NULL AS is_whole,
    rescoring.opened_at,
    rescoring.closed_at
FROM rescoring
JOIN model_version ON model_version.id = rescoring.model_version_id;

COMMENT ON VIEW rescoring_summary IS 'One row per run that scored the archive again with another model.';
COMMENT ON COLUMN rescoring_summary.rescoring IS 'The run.';
COMMENT ON COLUMN rescoring_summary.model IS 'Network and version that scored.';
COMMENT ON COLUMN rescoring_summary.count_seen IS 'Images that an older model had scored and this one had not.';
COMMENT ON COLUMN rescoring_summary.count_planned IS 'Those whose file was still there, handed to the workers.';
COMMENT ON COLUMN rescoring_summary.count_missing IS 'Those whose file could not be found any more; what older models said of them stays.';
COMMENT ON COLUMN rescoring_summary.is_whole IS 'True once the whole archive was searched.';
COMMENT ON COLUMN rescoring_summary.opened_at IS 'When the run began.';
COMMENT ON COLUMN rescoring_summary.closed_at IS 'When the whole archive was searched; NULL before.';
