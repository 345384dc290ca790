-- From version 16 of before release 0.1.0 to today's baseline (001_schema.sql): what is called otherwise.
-- Comments and functions are taken from the baseline itself afterwards. Views are made anew.

DO $views$
DECLARE
    stale text;
BEGIN
    FOR stale IN SELECT viewname FROM pg_views WHERE schemaname = current_schema() LOOP
        EXECUTE format('DROP VIEW IF EXISTS %I CASCADE', stale);
    END LOOP;
END
$views$;

ALTER TABLE split_member RENAME COLUMN part TO split;
ALTER TABLE epoch_metric RENAME COLUMN part TO split;

ALTER TABLE doubtful_label RENAME TO label_error;
ALTER INDEX doubtful_label_pkey RENAME TO label_error_pkey;
ALTER TABLE health_reading RENAME TO health_measurement;
ALTER INDEX health_reading_pkey RENAME TO health_measurement_pkey;

ALTER TABLE promotion_gate ALTER COLUMN is_passed DROP EXPRESSION IF EXISTS;

ALTER TRIGGER refused_file_is_put_back ON refusal_retry RENAME TO refused_file_is_retried;

UPDATE rejection_reason
SET meaning = 'The file''s bytes changed after it was ingested.', advice = 'The next batch ingests the new bytes.'
WHERE code = 'changed_since_arrival';
UPDATE rejection_reason
SET advice = 'Remove the file at the sender; if the erasure was a mistake, see docs/privacy/erasure_and_retention.md.'
WHERE code = 'erased';
UPDATE hold_reason
SET advice = 'Add them to the manifest, or move them away; the listed ones are ingested.'
WHERE code = 'manifest_unlisted';
