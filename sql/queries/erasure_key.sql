SELECT fingerprint FROM erasure_key
