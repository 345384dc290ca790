DELETE FROM erasure_leftover WHERE id = :id
