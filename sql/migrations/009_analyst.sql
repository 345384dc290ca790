-- What analysts read at speed: the views speak of UTC days, which no index on scored_at can answer.

CREATE INDEX prediction_day ON prediction (((scored_at AT TIME ZONE 'UTC')::date), model_version_id);
COMMENT ON INDEX prediction_day IS 'A day''s window of daily_expression_mix and affect_by_day.';
