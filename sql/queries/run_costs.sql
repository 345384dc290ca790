SELECT model_cost.device, model_cost.flops, model_cost.weights_bytes, model_cost.batch_size,
       model_cost.images_per_second, model_cost.peak_bytes
FROM model_cost
JOIN model_version ON model_version.id = model_cost.model_version_id
WHERE model_version.run_id = :run_id
ORDER BY model_cost.device
