-- Ends exactly the items whose fence is still the claim's. What a late worker brings is not among
-- them, and for those alone rows are written in this transaction.
UPDATE scoring_item SET state = :state, lease_until = NULL, finished_at = now()
FROM unnest(cast(:item_ids AS bigint[]), cast(:fences AS integer[])) AS claim (item_id, fence)
WHERE scoring_item.id = claim.item_id
  AND scoring_item.fence = claim.fence
  AND scoring_item.state = 'leased'
RETURNING scoring_item.id, scoring_item.image_id, scoring_item.model_version_id
