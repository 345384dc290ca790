-- A run's model version, numbered per network; registering a run again changes nothing.
WITH made AS (
    INSERT INTO model_version
        (run_id, network, version, weights_sha256, preprocessing_fingerprint, card, folder)
    SELECT
        :run_id, :network,
        1 + coalesce((SELECT max(version) FROM model_version WHERE network = :network), 0),
        decode(card ->> 'weights_sha256', 'hex'), decode(card ->> 'preprocessing_fingerprint', 'hex'),
        card, :folder
    FROM cast(:card AS jsonb) AS card
    WHERE NOT EXISTS (SELECT FROM model_version WHERE run_id = :run_id)
    RETURNING id
)
SELECT id FROM made
UNION ALL
SELECT id FROM model_version WHERE run_id = :run_id
LIMIT 1
