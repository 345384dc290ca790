-- Limits that were found crossed by the newest looks.
SELECT checked_at, batch, measure, sentence, is_new_alarm
FROM nightly_health
WHERE is_alarm
ORDER BY checked_at DESC, is_new_alarm DESC, measure, against
LIMIT :limit
