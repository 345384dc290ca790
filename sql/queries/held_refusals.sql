SELECT count(*)
FROM rejection
LEFT JOIN scoring_item ON scoring_item.id = rejection.scoring_item_id
LEFT JOIN inbox_file ON inbox_file.id = rejection.inbox_file_id
WHERE rejection.rejected_at < :cutoff
  AND EXISTS (SELECT FROM legal_hold WHERE lifted_at IS NULL)
  AND (standing_hold(scoring_item.image_id) IS NOT NULL
       OR EXISTS (SELECT FROM legal_hold
                  WHERE legal_hold.lifted_at IS NULL AND legal_hold.source = inbox_file.source))
