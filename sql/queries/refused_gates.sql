SELECT id FROM promotion_gate
WHERE NOT is_passed
ORDER BY id DESC
LIMIT :limit
