-- Limits that the newest checks found crossed.
SELECT checked_at, batch, measure, sentence, is_new_alarm
FROM nightly_health
WHERE is_alarm
ORDER BY checked_at DESC, is_new_alarm DESC, measure, against
LIMIT :limit
