-- Before its files are counted: what others are entering now is counted too.
SELECT FROM batch WHERE id = :batch_id FOR NO KEY UPDATE
