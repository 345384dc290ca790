-- What a cross-validation said before; returns the data set's id.
WITH gone AS (
    DELETE FROM doubtful_label
    USING dataset
    WHERE dataset.id = doubtful_label.dataset_id
      AND dataset.fingerprint = decode(:fingerprint, 'hex')
      AND doubtful_label.group_key = :group_key
)
SELECT id FROM dataset WHERE fingerprint = decode(:fingerprint, 'hex')
