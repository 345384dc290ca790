-- What is delivered under names and times that nothing here was made for, and batches whose process
-- is gone.

INSERT INTO rejection_reason (code, meaning, advice) VALUES
    ('path_too_long', 'The path inside the inbox is longer than 1,600 bytes.',           'Deliver it with shorter folder and file names.'),
    ('unusable_name', 'The object''s key has an empty part, `.` or `..`, or ends in `/`.', 'Deliver it under another key: one slash between names.');
INSERT INTO hold_reason (code, meaning, advice) VALUES
    ('misnamed_marker', 'A file is called nearly manifest.csv or _SUCCESS.', 'Rename it to exactly that, or move it away if it is something else.');

CREATE FUNCTION withdraw_items(items bigint[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DELETE FROM scoring_item
    WHERE id = ANY (items)
      AND finished_at IS NULL
      AND NOT EXISTS (
          SELECT FROM inbox_file
          JOIN batch ON batch.id = inbox_file.batch_id
          WHERE inbox_file.image_id = scoring_item.image_id
            AND batch.model_version_id = scoring_item.model_version_id
            AND NOT batch.is_closed
      )
$$;
COMMENT ON FUNCTION withdraw_items(bigint[]) IS 'Takes promises back that nobody counts on any more: not ended, and of no open batch. A worker that still holds one finds it gone and publishes nothing.';
