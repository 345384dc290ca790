INSERT INTO image (sha256)
SELECT DISTINCT decode(sha256, 'hex') FROM incoming_label ORDER BY 1
ON CONFLICT (sha256) DO NOTHING
