INSERT INTO model_cost (model_version_id, device, flops, weights_bytes, batch_size,
                        images_per_second, peak_bytes)
VALUES (:model_version_id, :device, :flops, :weights_bytes, :batch_size,
        :images_per_second, :peak_bytes)
ON CONFLICT (model_version_id, device) DO UPDATE SET
    flops = excluded.flops, weights_bytes = excluded.weights_bytes,
    batch_size = excluded.batch_size, images_per_second = excluded.images_per_second,
    peak_bytes = excluded.peak_bytes, measured_at = now()
