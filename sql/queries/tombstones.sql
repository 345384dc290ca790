SELECT content_hmac, erased_at FROM erasure_tombstone ORDER BY erased_at, content_hmac
