SELECT content_hmac, erased_at FROM erasure_tombstone
WHERE content_hmac = ANY (cast(:content_hmacs AS bytea[]))
