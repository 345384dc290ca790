-- Seconds that earlier trainings of a network took for one image of one epoch here, the middle one.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds / (
    (recipe ->> 'epochs')::integer * (
        SELECT count(*) FROM split_member
        WHERE split_member.split_id = training_run.split_id AND split_member.split = 'train'
    )
))
FROM training_run
WHERE status = 'succeeded' AND seconds > 0
  AND network = :network
  AND recipe ->> 'image_size' = cast(:image_size AS text)
  AND EXISTS (
      SELECT FROM split_member
      WHERE split_member.split_id = training_run.split_id AND split_member.split = 'train'
  )
