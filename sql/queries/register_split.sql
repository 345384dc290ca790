-- The id of a split, making its row when it is new.
WITH made AS (
    INSERT INTO split (dataset_id, seed, validation_share, fold, fingerprint)
    VALUES (:dataset_id, :seed, :validation_share, :fold, decode(:fingerprint, 'hex'))
    ON CONFLICT (dataset_id, fingerprint) DO NOTHING
    RETURNING id
)
SELECT id, true AS is_new FROM made
UNION ALL
SELECT id, false FROM split WHERE dataset_id = :dataset_id AND fingerprint = decode(:fingerprint, 'hex')
LIMIT 1
