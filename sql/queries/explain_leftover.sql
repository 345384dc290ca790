UPDATE erasure_leftover SET problem = :problem WHERE id = :id
