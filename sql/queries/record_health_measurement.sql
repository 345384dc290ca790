-- An alarm is new where the last check of this source that could judge the same measure found none.
INSERT INTO health_measurement (
    check_id, measure, against, value, low, high, limit_value, p_value, count_images,
    count_reference, status, sentence, is_new_alarm
)
SELECT
    :check_id, :measure, :against, :value, :low, :high, :limit_value, :p_value, :count_images,
    :count_reference, cast(:status AS text), :sentence,
    cast(:status AS text) = 'alarm' AND coalesce((
        SELECT earlier.status <> 'alarm'
        FROM health_check AS this
        JOIN health_check AS before ON before.source = this.source AND before.id < this.id
        JOIN health_measurement AS earlier ON earlier.check_id = before.id
        WHERE this.id = :check_id
          AND earlier.measure = :measure AND earlier.against = :against
          AND earlier.status IN ('fine', 'alarm')
        ORDER BY before.id DESC
        LIMIT 1
    ), true)
ON CONFLICT (check_id, measure, against) DO UPDATE SET
    value = excluded.value, low = excluded.low, high = excluded.high,
    limit_value = excluded.limit_value, p_value = excluded.p_value,
    count_images = excluded.count_images, count_reference = excluded.count_reference,
    status = excluded.status, sentence = excluded.sentence, is_new_alarm = excluded.is_new_alarm
