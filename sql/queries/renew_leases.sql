-- Prolongs leases that are still the claim's. Items that this worker is just publishing are locked,
-- and passed over: they need no lease any more.
UPDATE scoring_item SET lease_until = now() + make_interval(secs => :lease_seconds)
FROM (
    SELECT scoring_item.id FROM scoring_item
    JOIN unnest(cast(:item_ids AS bigint[]), cast(:fences AS integer[])) AS claim (item_id, fence)
        ON claim.item_id = scoring_item.id AND claim.fence = scoring_item.fence
    WHERE scoring_item.state = 'leased'
    ORDER BY scoring_item.id
    FOR UPDATE OF scoring_item SKIP LOCKED
) AS held
WHERE scoring_item.id = held.id
