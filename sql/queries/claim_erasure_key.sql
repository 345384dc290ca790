-- The key of the first tombstone is the key of all.
INSERT INTO erasure_key (fingerprint) VALUES (:fingerprint)
ON CONFLICT (is_only) DO NOTHING
