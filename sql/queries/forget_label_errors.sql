-- What a cross-validation said before; returns the data set's id.
WITH gone AS (
    DELETE FROM label_error
    USING dataset
    WHERE dataset.id = label_error.dataset_id
      AND dataset.fingerprint = decode(:fingerprint, 'hex')
      AND label_error.group_key = :group_key
)
SELECT id FROM dataset WHERE fingerprint = decode(:fingerprint, 'hex')
