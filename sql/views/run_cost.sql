CREATE VIEW run_cost AS
SELECT
    training_run.id      AS run_id,
    training_run.run_key AS run,
    training_run.network,
    model_version.name   AS model,
    training_run.parameters,
    training_run.device  AS trained_on,
    training_run.seconds AS training_seconds,
    training_run.images_per_second AS trained_per_second,
    model_cost.device,
    model_cost.flops,
    model_cost.weights_bytes,
    model_cost.peak_bytes,
    model_cost.batch_size,
    model_cost.images_per_second
FROM training_run
LEFT JOIN model_version ON model_version.run_id = training_run.id
LEFT JOIN model_cost ON model_cost.model_version_id = model_version.id;

COMMENT ON VIEW run_cost IS 'One row per training run and device on which its model was timed; one row without a device where it was not.';
COMMENT ON COLUMN run_cost.run_id IS 'Number of the training run.';
COMMENT ON COLUMN run_cost.run IS 'Its key: the run that trained, and the network.';
COMMENT ON COLUMN run_cost.network IS 'What was trained.';
COMMENT ON COLUMN run_cost.model IS 'Network and version; NULL when no model came of it.';
COMMENT ON COLUMN run_cost.parameters IS 'Numbers that were learnt.';
COMMENT ON COLUMN run_cost.trained_on IS 'Device of the training.';
COMMENT ON COLUMN run_cost.training_seconds IS 'From the first epoch to the last.';
COMMENT ON COLUMN run_cost.trained_per_second IS 'Training images a second.';
COMMENT ON COLUMN run_cost.device IS 'Device that timed the model.';
COMMENT ON COLUMN run_cost.flops IS 'Floating-point operations of one image; a multiplication and its addition are two.';
COMMENT ON COLUMN run_cost.weights_bytes IS 'Size of the weights in memory.';
COMMENT ON COLUMN run_cost.peak_bytes IS 'Most memory that a batch took, weights included.';
COMMENT ON COLUMN run_cost.batch_size IS 'Images of that batch.';
COMMENT ON COLUMN run_cost.images_per_second IS 'Forward passes alone, in float32, as PyTorch runs the network.';
