-- What each role may do; applied by the owner after the migrations. See sql/roles.sql.
-- Everything is taken away first, so that this file alone is the truth.

REVOKE ALL ON ALL TABLES IN SCHEMA public
    FROM PUBLIC, emotion_train, emotion_score, emotion_report, emotion_erase, emotion_analyst;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public
    FROM PUBLIC, emotion_train, emotion_score, emotion_report, emotion_erase, emotion_analyst;
GRANT USAGE ON SCHEMA public
    TO emotion_train, emotion_score, emotion_report, emotion_erase, emotion_analyst, emotion_app;

-- Every role asks whether the tables are the ones its code expects.
GRANT SELECT ON schema_version
    TO emotion_train, emotion_score, emotion_report, emotion_erase, emotion_app;

GRANT SELECT ON expression, rejection_reason, hold_reason TO emotion_train, emotion_score;

GRANT SELECT, INSERT ON
    dataset, image, label, dataset_exclusion, split, split_member,
    validation_prediction, model_version, promotion_gate
    TO emotion_train;
GRANT SELECT, INSERT, UPDATE ON
    training_run, epoch_metric, run_metric, experiment, experiment_metric
    TO emotion_train;
-- An alias moves through one function, which asks for a gate; no role writes the tables.
GRANT SELECT ON model_alias, model_alias_change TO emotion_train;
GRANT EXECUTE ON FUNCTION
    move_alias(text, bigint, bigint, text, bigint, bigint, text, text)
    TO emotion_train;
GRANT EXECUTE ON FUNCTION held_out_by_both(bigint, bigint) TO emotion_train, emotion_report;
-- The view promotion_check calls the rule in the name of whoever asks it.
GRANT EXECUTE ON FUNCTION promotion_rule(promotion_gate)
    TO emotion_train, emotion_report, emotion_erase, emotion_analyst;
GRANT SELECT ON promotion_check, champion_history, model_change, model_change_summary,
    rescoring_summary
    TO emotion_analyst;
GRANT SELECT, INSERT, UPDATE ON rescoring TO emotion_score;
GRANT SELECT, INSERT ON rescoring_missing TO emotion_score;
GRANT SELECT, INSERT, UPDATE ON calibration TO emotion_train;
GRANT SELECT, INSERT ON label_error TO emotion_train;
GRANT DELETE ON epoch_metric, run_metric, validation_prediction, label_error, experiment_metric
    TO emotion_train;

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
-- What is not scored yet and no open batch counts on.
GRANT EXECUTE ON FUNCTION withdraw_items(bigint[]) TO emotion_score;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO emotion_report;
GRANT INSERT, UPDATE ON report, model_cost TO emotion_report;
-- Every figure of a report shows its SQL; these are what it asks.
GRANT SELECT ON validation_answer, training_curve, run_score, run_cost, experiment_summary,
    experiment_training, experiment_score
    TO emotion_analyst;
GRANT EXECUTE ON FUNCTION readable_path(bytea) TO emotion_report, emotion_score;

GRANT SELECT ON current_prediction, refused_image, batch_summary, model_leaderboard,
    scoring_rate, daily_expression_mix, affect_by_day, low_confidence_prediction,
    scored_image_by_batch, confusion_matrix, scoring_backlog, model_disagreement,
    refused_image_by_reason, scored_image_by_batch_affect, likely_label_error,
    scored_image_count, image_delivered_again
    TO emotion_analyst;
-- Rows of the summary come from the triggers of prediction alone.
GRANT EXECUTE ON FUNCTION compact_prediction_summary(), count_closed_batches() TO emotion_score;

-- Watching, and what each source may be used for.
GRANT INSERT, UPDATE ON health_check, health_measurement TO emotion_report;
GRANT SELECT ON drift, nightly_health TO emotion_analyst;
GRANT SELECT ON source_purpose, erasure_tombstone, erasure_key TO emotion_score, emotion_train;
GRANT INSERT ON erasure_key TO emotion_score, emotion_train;
GRANT SELECT, INSERT ON subject_image TO emotion_score;

-- The only role that may take away what was scored: for erasure and retention.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO emotion_erase;
GRANT EXECUTE ON FUNCTION readable_path(bytea), standing_hold(bigint) TO emotion_erase;
GRANT EXECUTE ON FUNCTION standing_hold(bigint) TO emotion_report;
GRANT UPDATE (id) ON image TO emotion_erase;
GRANT UPDATE (state) ON scoring_item TO emotion_erase;
GRANT DELETE ON image, label, split_member, inbox_file, rejection, refusal_retry, held_folder,
    scoring_item, prediction, validation_prediction, label_error, subject_image
    TO emotion_erase;
GRANT INSERT, UPDATE, DELETE ON erasure, erasure_leftover TO emotion_erase;
GRANT INSERT ON erasure_tombstone, erasure_key TO emotion_erase;
GRANT INSERT, UPDATE ON source_purpose TO emotion_erase;
GRANT INSERT ON source_purpose_change TO emotion_erase;
GRANT INSERT ON legal_hold TO emotion_erase;
GRANT UPDATE (lifted_by, lifted_at) ON legal_hold TO emotion_erase;
GRANT UPDATE (days, changed_by, changed_at) ON retention_policy TO emotion_erase;
GRANT INSERT, UPDATE, DELETE ON retention_run TO emotion_erase;
GRANT UPDATE (removed_at) ON inbox_file TO emotion_erase;
GRANT DELETE ON health_check, scoring_throughput TO emotion_erase;
