-- Where labelled data hold an image: their files are their owner's, not ours to remove.
SELECT
    dataset.name, dataset.location, encode(dataset.fingerprint, 'hex') AS fingerprint,
    label.sample_id
FROM label
JOIN dataset ON dataset.id = label.dataset_id
WHERE label.image_id = :image_id
ORDER BY dataset.name, label.sample_id
