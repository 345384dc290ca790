-- What each role may do; applied by the owner after the migrations. See sql/roles.sql.
-- Everything is taken away first, so that this file alone is the truth.

REVOKE ALL ON ALL TABLES IN SCHEMA public
    FROM PUBLIC, emotion_train, emotion_score, emotion_report, emotion_analyst;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public
    FROM PUBLIC, emotion_train, emotion_score, emotion_report, emotion_analyst;
GRANT USAGE ON SCHEMA public
    TO emotion_train, emotion_score, emotion_report, emotion_analyst, emotion_app;

-- Every role asks whether the tables are the ones its code expects.
GRANT SELECT ON schema_version TO emotion_train, emotion_score, emotion_report, emotion_app;

GRANT SELECT ON expression, rejection_reason, hold_reason TO emotion_train, emotion_score;

GRANT SELECT, INSERT ON
    dataset, image, label, dataset_exclusion, split, split_member,
    validation_prediction, model_version, model_alias_change
    TO emotion_train;
GRANT SELECT, INSERT, UPDATE ON
    training_run, epoch_metric, run_metric, model_alias
    TO emotion_train;
GRANT SELECT, INSERT, UPDATE ON calibration TO emotion_train;
GRANT SELECT, INSERT ON doubtful_label TO emotion_train;
GRANT DELETE ON epoch_metric, run_metric, validation_prediction, doubtful_label TO emotion_train;

GRANT SELECT ON model_version, model_alias, training_run TO emotion_score;
GRANT SELECT, INSERT ON image, inbox_file, rejection, prediction TO emotion_score;
GRANT SELECT, INSERT, UPDATE ON batch, scoring_item TO emotion_score;
-- Filled in once, when the file has been read; a file that is tried again moves to another batch.
GRANT UPDATE (image_id, batch_id) ON inbox_file TO emotion_score;
-- A refusal that is tried again is kept in refusal_retry.
GRANT UPDATE, DELETE ON rejection TO emotion_score;
GRANT SELECT, INSERT, UPDATE, DELETE ON held_folder TO emotion_score;
GRANT SELECT, INSERT, UPDATE ON refusal_retry TO emotion_score;
GRANT SELECT, INSERT ON scoring_throughput TO emotion_score;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO emotion_report;
GRANT INSERT, UPDATE ON report TO emotion_report;
GRANT EXECUTE ON FUNCTION readable_path(bytea) TO emotion_report, emotion_score;

GRANT SELECT ON current_prediction, refused_image, batch_summary, model_leaderboard,
    scoring_rate, daily_expression_mix, affect_by_day, low_confidence_prediction,
    scored_image_by_batch, confusion_matrix
    TO emotion_analyst;
