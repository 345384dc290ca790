-- The gate on large and repeated comparisons, and the newest word on doubtful labels.

CREATE OR REPLACE FUNCTION mcnemar_p(only_first integer, only_second integer) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    tosses integer := only_first + only_second;
    fewer integer := least(only_first, only_second);
    -- In logarithms: 2^-tosses is no double from 1,075 tosses on.
    log_largest double precision := -tosses * ln(2.0::double precision);
    term double precision := 1;
    tail double precision := 1;
BEGIN
    FOR n IN 1 .. fewer LOOP
        log_largest := log_largest + ln((tosses - n + 1)::double precision / n);
    END LOOP;
    -- The sum in units of its largest term, downwards until nothing is added any more.
    FOR n IN REVERSE fewer .. 1 LOOP
        term := term * n / (tosses - n + 1);
        EXIT WHEN term < 1e-17 * tail;
        tail := tail + term;
    END LOOP;
    -- PostgreSQL raises where the exponential is smaller than any double.
    RETURN CASE WHEN log_largest < -700 THEN 0 ELSE least(1.0, 2.0 * tail * exp(log_largest)) END;
END
$$;
COMMENT ON FUNCTION mcnemar_p(integer, integer) IS 'McNemar''s exact test, two-sided, from the distinct images that only one of two models got right; 0 where it is smaller than 1e-300.';

-- The same rows as before, joined so that no missing statistics can make it compare all with all: a
-- gate may be asked for in the minute in which a large data set was entered.
CREATE OR REPLACE FUNCTION held_out_by_both(candidate_id bigint, champion_id bigint)
    RETURNS TABLE (
        sample_id text, image_id bigint, expression_id smallint, valence real, arousal real,
        candidate validation_prediction, champion validation_prediction
    )
    LANGUAGE plpgsql STABLE SET enable_nestloop = off AS $$
DECLARE
    new record;
    old record;
BEGIN
    SELECT model_version.run_id, split.id AS split_id, split.dataset_id INTO new
    FROM model_version
    JOIN training_run ON training_run.id = model_version.run_id
    JOIN split ON split.id = training_run.split_id
    WHERE model_version.id = candidate_id;
    SELECT model_version.run_id, split.id AS split_id, split.dataset_id INTO old
    FROM model_version
    JOIN training_run ON training_run.id = model_version.run_id
    JOIN split ON split.id = training_run.split_id
    WHERE model_version.id = champion_id;
    RETURN QUERY
    SELECT label.sample_id, label.image_id, label.expression_id, label.valence, label.arousal,
           new_answer, old_answer.said
    FROM label
    JOIN validation_prediction AS new_answer
        ON new_answer.run_id = new.run_id AND new_answer.sample_id = label.sample_id
    JOIN split_member AS new_member
        ON new_member.split_id = new.split_id AND new_member.image_id = label.image_id
       AND new_member.part = 'validation'
    JOIN split_member AS old_member
        ON old_member.split_id = old.split_id AND old_member.image_id = label.image_id
       AND old_member.part = 'validation'
    JOIN (
        -- The same bytes get the same answer, under whichever of their names.
        SELECT DISTINCT ON (same.image_id) same.image_id, said
        FROM label AS same
        JOIN validation_prediction AS said
            ON said.run_id = old.run_id AND said.sample_id = same.sample_id
        WHERE same.dataset_id = old.dataset_id
        ORDER BY same.image_id, same.sample_id
    ) AS old_answer ON old_answer.image_id = label.image_id
    WHERE label.dataset_id = new.dataset_id;
END
$$;

ALTER TABLE promotion_gate
    ADD COLUMN attempt integer CHECK (attempt >= 1),
    ADD COLUMN better_below double precision CHECK (better_below > 0 AND better_below <= alpha / 2),
    -- Views are made anew after every migration.
    DROP COLUMN is_passed CASCADE;
ALTER TABLE promotion_gate DISABLE TRIGGER promotion_gate_is_kept;
UPDATE promotion_gate SET better_below = alpha / 2;
ALTER TABLE promotion_gate ENABLE TRIGGER promotion_gate_is_kept;
ALTER TABLE promotion_gate
    ALTER COLUMN better_below SET NOT NULL,
    ADD COLUMN is_passed boolean NOT NULL GENERATED ALWAYS AS (
        golden = 'passed' AND calibration_error IS NOT NULL AND collapse IS NULL
        AND (champion_id IS NULL OR coalesce(
            count_images >= minimum_images
            AND (accuracy_p < better_below AND only_candidate > only_champion
                 OR ccc_p < better_below AND ccc_candidate > ccc_champion)
            AND NOT (accuracy_p < alpha AND only_candidate < only_champion)
            AND NOT (ccc_p < alpha AND ccc_candidate < ccc_champion), false))
    ) STORED;
COMMENT ON COLUMN promotion_gate.attempt IS 'The place of this model among those that were compared with this champion, from 1; checked again it keeps its place. NULL for gates of before attempts were counted.';
COMMENT ON COLUMN promotion_gate.better_below IS 'The p below which a figure counts as better: alpha / (attempt * (attempt + 1)). Over any number of attempts these add up to alpha.';
COMMENT ON COLUMN promotion_gate.alpha IS 'The p below which a figure counts as worse, and the chance that any of the champion''s equals ever passes.';
COMMENT ON COLUMN promotion_gate.only_candidate IS 'Distinct images of which more samples were right under the candidate than under the champion; McNemar''s test rests on these two counts.';
COMMENT ON COLUMN promotion_gate.only_champion IS 'Distinct images of which more samples were right under the champion.';
COMMENT ON COLUMN promotion_gate.is_passed IS 'Computed from the row itself: better beyond chance in expression or affect (p under better_below), and in neither worse beyond chance (p under alpha).';

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
            USING MESSAGE = 'another model is champion now; hold the candidate against that one';
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
    RETURN NEW;
END
$$;

-- Of two cross-validations the later one is the newest word.
ALTER TABLE doubtful_label ADD COLUMN entered_at timestamptz NOT NULL DEFAULT statement_timestamp();
COMMENT ON COLUMN doubtful_label.entered_at IS 'When the cross-validation was entered: the same for all of its rows.';

COMMENT ON COLUMN prediction.confidence IS 'Probability of the expression, after the model''s temperature: calibrated, as are the eight.';
COMMENT ON TABLE validation_prediction IS 'One row per run and validation sample: what the best epoch''s weights said of it, before the temperature. NaN fails the range checks, since PostgreSQL sorts it above every number.';

COMMENT ON TABLE run_metric IS 'One row per run and metric on the validation part, for the network, for chance and for the constant predictor; low and high are the 95 % interval.';
