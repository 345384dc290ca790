-- Gives claims back as if they had never been made. What was suspected before stays suspected: its
-- lease is over at once, and the claim does not count against it.
UPDATE scoring_item SET
    state = CASE WHEN held.attempts = 1 THEN 'pending' ELSE 'leased' END,
    lease_until = CASE WHEN held.attempts = 1 THEN NULL ELSE timestamptz '-infinity' END,
    fence = scoring_item.fence + 1,
    attempts = held.attempts - 1,
    solo_attempts = greatest(scoring_item.solo_attempts - 1, 0)
FROM (
    SELECT scoring_item.id, scoring_item.attempts FROM scoring_item
    JOIN unnest(cast(:item_ids AS bigint[]), cast(:fences AS integer[])) AS claim (item_id, fence)
        ON claim.item_id = scoring_item.id AND claim.fence = scoring_item.fence
    WHERE scoring_item.state = 'leased'
    ORDER BY scoring_item.id
    FOR UPDATE OF scoring_item SKIP LOCKED
) AS held
WHERE scoring_item.id = held.id
