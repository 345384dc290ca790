-- Of a content that the batch's own model is to score, its promise stays.
SELECT withdraw_items(cast(:items AS bigint[]))
