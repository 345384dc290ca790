INSERT INTO erasure_tombstone (content_hmac, erased_at)
SELECT content_hmac, coalesce(erased_at, now())
FROM unnest(cast(:content_hmacs AS bytea[]), cast(:erased_at AS timestamptz[]))
    AS told (content_hmac, erased_at)
ON CONFLICT (content_hmac) DO NOTHING
