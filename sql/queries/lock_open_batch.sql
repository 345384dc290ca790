-- Whoever closes the batch waits until what this transaction enters can be counted.
SELECT FROM batch WHERE id = :batch_id AND NOT is_closed FOR SHARE
