CREATE VIEW model_leaderboard AS
SELECT
    model_version.name                                  AS model,
    -- A model that is champion and challenger is one row.
    (SELECT string_agg(model_alias.alias, ', ' ORDER BY model_alias.alias)
     FROM model_alias WHERE model_alias.model_version_id = model_version.id) AS alias,
    dataset.name                                        AS dataset,
    encode(dataset.fingerprint, 'hex')                  AS dataset_fingerprint,
    encode(split.fingerprint, 'hex')                    AS split_fingerprint,
    dataset.is_drawn                                    AS is_drawn_faces,
    training_run.preset,
    training_run.weights_origin,
    training_run.recipe ->> 'keep'                      AS keep,
    run_metric.metric,
    run_metric.value,
    run_metric.low,
    run_metric.high,
    chance.value                                        AS chance,
    model_version.registered_at
FROM model_version
JOIN training_run ON training_run.id = model_version.run_id
JOIN split ON split.id = training_run.split_id
JOIN dataset ON dataset.id = split.dataset_id
JOIN run_metric ON run_metric.run_id = training_run.id AND run_metric.kind = 'network'
LEFT JOIN run_metric AS chance
    ON chance.run_id = training_run.id
   AND chance.kind = 'chance'
   AND chance.metric = run_metric.metric;

COMMENT ON VIEW model_leaderboard IS 'One row per model and metric on its validation images. Compare models only within one split of one data set: the two fingerprints, not the name.';
COMMENT ON COLUMN model_leaderboard.low IS 'Lower end of the 95 % interval.';
COMMENT ON COLUMN model_leaderboard.high IS 'Upper end of the 95 % interval.';
COMMENT ON COLUMN model_leaderboard.chance IS 'What guessing would reach.';
COMMENT ON COLUMN model_leaderboard.model IS 'Network and version.';
COMMENT ON COLUMN model_leaderboard.alias IS 'champion or challenger; NULL for every other model.';
COMMENT ON COLUMN model_leaderboard.dataset IS 'Name of the labelled data set.';
COMMENT ON COLUMN model_leaderboard.dataset_fingerprint IS 'Of its samples, images and labels: another one under the same name is another data set.';
COMMENT ON COLUMN model_leaderboard.split_fingerprint IS 'Of which images were held out: models with the same one were validated on the same images.';
COMMENT ON COLUMN model_leaderboard.is_drawn_faces IS 'True for drawn faces: the metrics say nothing about people.';
COMMENT ON COLUMN model_leaderboard.preset IS 'Named recipe that it was trained with.';
COMMENT ON COLUMN model_leaderboard.weights_origin IS 'Where the starting weights came from.';
COMMENT ON COLUMN model_leaderboard.keep IS 'last, or best: then the epoch was chosen on these images, and the metrics are too high.';
COMMENT ON COLUMN model_leaderboard.metric IS 'What was measured.';
COMMENT ON COLUMN model_leaderboard.value IS 'Its value on the validation images.';
COMMENT ON COLUMN model_leaderboard.registered_at IS 'When the model was registered.';
