-- The first who marks anything says with which key.
INSERT INTO erasure_key (fingerprint) VALUES (:fingerprint)
ON CONFLICT (is_only) DO NOTHING
