-- Reasons and details; the file's row and its item stay, so that it is not read again. What an
-- open batch counts on is left alone.
WITH old AS (
    SELECT rejection.id
    FROM rejection
    LEFT JOIN scoring_item ON scoring_item.id = rejection.scoring_item_id
    LEFT JOIN inbox_file ON inbox_file.id = rejection.inbox_file_id
    WHERE rejection.rejected_at < :cutoff
      AND NOT EXISTS (
          SELECT FROM inbox_file AS place
          JOIN batch ON batch.id = place.batch_id AND NOT batch.is_closed
          WHERE place.id = rejection.inbox_file_id OR place.image_id = scoring_item.image_id
      )
      AND ((SELECT NOT EXISTS (SELECT FROM legal_hold WHERE lifted_at IS NULL))
           OR standing_hold(scoring_item.image_id) IS NULL)
      AND NOT EXISTS (
          SELECT FROM legal_hold
          WHERE legal_hold.lifted_at IS NULL AND legal_hold.source = inbox_file.source
      )
    ORDER BY rejection.id
    LIMIT :limit
),
tried_again AS (
    DELETE FROM refusal_retry WHERE id IN (
        SELECT refusal_retry.id
        FROM refusal_retry
        JOIN inbox_file ON inbox_file.id = refusal_retry.inbox_file_id
        WHERE refusal_retry.rejected_at < :cutoff AND refusal_retry.to_batch_id IS NOT NULL
          AND standing_hold(inbox_file.image_id) IS NULL
          AND NOT EXISTS (
              SELECT FROM legal_hold
              WHERE legal_hold.lifted_at IS NULL AND legal_hold.source = inbox_file.source
          )
        ORDER BY refusal_retry.id
        LIMIT :limit
    )
    RETURNING id
),
folders AS (
    DELETE FROM held_folder WHERE (batch_id, folder, code) IN (
        SELECT held_folder.batch_id, held_folder.folder, held_folder.code
        FROM held_folder
        JOIN batch ON batch.id = held_folder.batch_id AND batch.is_closed
        WHERE held_folder.seen_at < :cutoff
          AND NOT EXISTS (
              SELECT FROM legal_hold
              WHERE legal_hold.lifted_at IS NULL AND legal_hold.source = batch.source
          )
        LIMIT :limit
    )
    RETURNING batch_id
),
refusals AS (
    DELETE FROM rejection USING old WHERE rejection.id = old.id
    RETURNING rejection.id
)
SELECT (SELECT count(*) FROM refusals) + (SELECT count(*) FROM tried_again)
     + (SELECT count(*) FROM folders)
