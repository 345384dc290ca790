-- What each run costs: to train, and one image of its model on the devices that timed it.
SELECT run_id, network, parameters, trained_on, training_seconds, trained_per_second,
       device, flops, weights_bytes, peak_bytes, batch_size, images_per_second
FROM run_cost
WHERE run_id IN (:runs)
ORDER BY run_id, device
