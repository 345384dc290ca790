-- The promotion rule in one place: the gate's verdict, the view promotion_check and every sentence about
-- a gate are made of the rows of this function.

CREATE FUNCTION promotion_rule(gate promotion_gate) RETURNS TABLE (
    figure text, is_passed boolean, candidate_value double precision,
    champion_value double precision, low double precision, high double precision,
    p double precision, asked_for text, detail text
)
    LANGUAGE sql IMMUTABLE AS $$
    VALUES
        ('golden outputs', gate.golden = 'passed', NULL::double precision,
         NULL::double precision, NULL::double precision, NULL::double precision,
         NULL::double precision, 'the golden outputs come back',
         format('golden outputs %s: %s', gate.golden, gate.golden_detail)),
        ('calibration', gate.calibration_error IS NOT NULL, gate.calibration_error,
         NULL, NULL, NULL, NULL, 'an error after calibration is recorded',
         CASE WHEN gate.calibration_error IS NULL
              THEN 'no calibration is recorded: register its run again' END),
        ('not degenerate', gate.collapse IS NULL, NULL, NULL, NULL, NULL, NULL,
         'predictions better than chance, or predictions that vary', gate.collapse),
        ('images', gate.champion_id IS NULL OR gate.count_images >= gate.minimum_images,
         gate.count_images, NULL, NULL, NULL, NULL,
         format('at least %s held out by both', gate.minimum_images),
         format('only %s images were held out by both: train on the champion''s data and seed',
                gate.count_images)),
        ('accuracy', NOT coalesce(gate.accuracy_p < gate.alpha
                                  AND gate.only_candidate < gate.only_champion, false),
         gate.accuracy_candidate, gate.accuracy_champion, gate.accuracy_low, gate.accuracy_high,
         gate.accuracy_p, format('not worse with p below %s', gate.alpha), NULL),
        ('mean CCC', NOT coalesce(gate.ccc_p < gate.alpha
                                  AND gate.ccc_candidate < gate.ccc_champion, false),
         gate.ccc_candidate, gate.ccc_champion, gate.ccc_low, gate.ccc_high, gate.ccc_p,
         format('not worse with p below %s', gate.alpha), NULL),
        ('better in accuracy or mean CCC', gate.champion_id IS NULL OR coalesce(
            gate.accuracy_p < gate.better_below AND gate.only_candidate > gate.only_champion
            OR gate.ccc_p < gate.better_below AND gate.ccc_candidate > gate.ccc_champion, false),
         NULL, NULL, NULL, NULL, least(gate.accuracy_p, gate.ccc_p),
         format('p below %s in one of them',
                -- Three digits of it, however small; the table refuses a limit of 0 itself.
                trim_scale(round(gate.better_below::numeric,
                                 2 - floor(log(nullif(gate.better_below, 0)::numeric))::integer)))
         || coalesce(format(': %s / (%s × %s), candidate %s against this champion', gate.alpha,
                            gate.attempt, gate.attempt + 1, gate.attempt), ''), NULL)
$$;
COMMENT ON FUNCTION promotion_rule(promotion_gate) IS 'The promotion rule: one row per figure of a gate, what is required of it and whether it passed. A gate passes when every figure does.';

ALTER TABLE promotion_gate ALTER COLUMN is_passed DROP EXPRESSION;
COMMENT ON COLUMN promotion_gate.is_passed IS 'Whether every row of promotion_rule passed; written by the trigger verify_promotion_gate, whoever inserts the row.';

CREATE OR REPLACE FUNCTION verify_promotion_gate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found record;
BEGIN
    -- One gate at a time, so that each counts those before it.
    PERFORM pg_advisory_xact_lock(hashtext('promotion_gate'));
    NEW.login := session_user;
    NEW.checked_at := now();
    SELECT calibration.ece_after INTO NEW.calibration_error
    FROM model_version LEFT JOIN calibration ON calibration.run_id = model_version.run_id
    WHERE model_version.id = NEW.model_version_id;
    IF NEW.champion_id IS DISTINCT FROM
       (SELECT model_version_id FROM model_alias WHERE alias = 'champion') THEN
        RAISE serialization_failure
            USING MESSAGE = 'another model is champion now; compare the candidate with that one';
    END IF;
    WITH sample AS MATERIALIZED (
        SELECT image_id, valence, arousal, candidate, champion,
               (called(candidate) = expression_id)::integer AS candidate_right,
               (called(champion) = expression_id)::integer AS champion_right
        FROM held_out_by_both(NEW.model_version_id, NEW.champion_id)
    ), content AS (
        -- Byte-identical samples are one toss.
        SELECT sign(sum(candidate_right - champion_right)) AS gain FROM sample GROUP BY image_id
    ), tosses AS (
        SELECT count(*) AS images,
               count(*) FILTER (WHERE gain > 0) AS only_candidate,
               count(*) FILTER (WHERE gain < 0) AS only_champion
        FROM content
    ), affect AS (
        SELECT (concordance(covar_pop(valence, (candidate).valence), var_pop(valence),
                        var_pop((candidate).valence), avg(valence) - avg((candidate).valence))
            + concordance(covar_pop(arousal, (candidate).arousal), var_pop(arousal),
                        var_pop((candidate).arousal), avg(arousal) - avg((candidate).arousal))) / 2 AS ccc_candidate,
           (concordance(covar_pop(valence, (champion).valence), var_pop(valence),
                        var_pop((champion).valence), avg(valence) - avg((champion).valence))
            + concordance(covar_pop(arousal, (champion).arousal), var_pop(arousal),
                        var_pop((champion).arousal), avg(arousal) - avg((champion).arousal))) / 2 AS ccc_champion
        FROM sample
    )
    SELECT *, CASE WHEN images > 0 THEN mcnemar_p(only_candidate::integer, only_champion::integer) END
              AS accuracy_p
    INTO found FROM tosses, affect;
    -- McNemar's test is the database's own; what is claimed of it must agree.
    NEW.only_candidate := coalesce(NEW.only_candidate, found.only_candidate);
    NEW.only_champion := coalesce(NEW.only_champion, found.only_champion);
    NEW.accuracy_p := coalesce(NEW.accuracy_p, found.accuracy_p);
    IF (NEW.count_images, NEW.only_candidate, NEW.only_champion)
       <> (found.images, found.only_candidate, found.only_champion)
       OR abs(NEW.accuracy_p - coalesce(found.accuracy_p, 1)) > 1e-6
       OR abs(NEW.ccc_candidate - found.ccc_candidate) > 1e-4
       OR abs(NEW.ccc_champion - found.ccc_champion) > 1e-4 THEN
        RAISE check_violation
            USING MESSAGE = 'the figures of the gate are not those of the stored predictions';
    END IF;
    -- A model that is checked again has no new chance: its figures are the same.
    NEW.attempt := coalesce(
        (SELECT min(attempt) FROM promotion_gate
         WHERE champion_id = NEW.champion_id AND model_version_id = NEW.model_version_id
           AND count_images > 0),
        (SELECT 1 + count(DISTINCT model_version_id) FROM promotion_gate
         WHERE champion_id = NEW.champion_id AND model_version_id <> NEW.model_version_id
           AND count_images > 0));
    NEW.better_below := NEW.alpha / (NEW.attempt::double precision * (NEW.attempt + 1));
    NEW.is_passed := (SELECT bool_and(check_.is_passed) FROM promotion_rule(NEW) AS check_);
    RETURN NEW;
END
$$;
