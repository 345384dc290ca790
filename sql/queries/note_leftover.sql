INSERT INTO erasure_leftover (erasure_id, source, path, content_hmac, problem)
VALUES (:erasure_id, :source, :path, :content_hmac, 'not tried yet')
