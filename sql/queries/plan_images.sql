-- Makes a row for each content that is new.
INSERT INTO image (sha256)
SELECT DISTINCT sha256 FROM arrived_file WHERE sha256 IS NOT NULL
ORDER BY sha256
ON CONFLICT (sha256) DO NOTHING
