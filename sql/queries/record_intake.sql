UPDATE batch SET count_ignored = :count_ignored, count_unsettled = :count_unsettled
WHERE id = :batch_id
