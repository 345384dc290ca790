-- The id of a data set, making its row when it is new.
WITH made AS (
    INSERT INTO dataset (fingerprint, name, location, is_drawn, count_samples, count_excluded)
    VALUES (decode(:fingerprint, 'hex'), :name, :location, :is_drawn, :count_samples, :count_excluded)
    ON CONFLICT (fingerprint) DO NOTHING
    RETURNING id
)
SELECT id, true AS is_new FROM made
UNION ALL
SELECT id, false FROM dataset WHERE fingerprint = decode(:fingerprint, 'hex')
LIMIT 1
