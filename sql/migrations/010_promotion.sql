-- Promotion: the gate, the one door to the aliases, and scoring the archive again.

CREATE FUNCTION held_out_by_both(candidate_id bigint, champion_id bigint)
    RETURNS TABLE (
        sample_id text, image_id bigint, expression_id smallint, valence real, arousal real,
        candidate validation_prediction, champion validation_prediction
    )
    LANGUAGE sql STABLE AS $$
    SELECT label.sample_id, label.image_id, label.expression_id, label.valence, label.arousal,
           new_answer, old_answer
    FROM model_version AS new_model
    JOIN training_run AS new_run ON new_run.id = new_model.run_id
    JOIN split AS new_split ON new_split.id = new_run.split_id
    JOIN label ON label.dataset_id = new_split.dataset_id
    JOIN validation_prediction AS new_answer
        ON new_answer.run_id = new_run.id AND new_answer.sample_id = label.sample_id
    JOIN split_member AS new_member
        ON new_member.split_id = new_split.id AND new_member.image_id = label.image_id
       AND new_member.part = 'validation'
    JOIN model_version AS old_model ON old_model.id = champion_id
    JOIN training_run AS old_run ON old_run.id = old_model.run_id
    JOIN split AS old_split ON old_split.id = old_run.split_id
    JOIN split_member AS old_member
        ON old_member.split_id = old_split.id AND old_member.image_id = label.image_id
       AND old_member.part = 'validation'
    JOIN LATERAL (
        -- The same bytes get the same answer, under whichever of their names.
        SELECT said FROM label AS same
        JOIN validation_prediction AS said
            ON said.run_id = old_run.id AND said.sample_id = same.sample_id
        WHERE same.dataset_id = old_split.dataset_id AND same.image_id = label.image_id
        ORDER BY same.sample_id
        LIMIT 1
    ) AS old (old_answer) ON true
    WHERE new_model.id = candidate_id
$$;
COMMENT ON FUNCTION held_out_by_both(bigint, bigint) IS 'Samples of the candidate''s data set whose image neither model was trained on and both were validated on, with what each said. Truth is the candidate''s data set''s label.';

CREATE FUNCTION called(said validation_prediction) RETURNS integer
    LANGUAGE sql IMMUTABLE AS $$
    -- Of equal probabilities the first expression counts.
    SELECT array_position(p, greatest(p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8])) - 1
    FROM (SELECT ARRAY[
        said.p_neutral, said.p_happy, said.p_sad, said.p_surprise,
        said.p_fear, said.p_disgust, said.p_anger, said.p_contempt
    ] AS p) AS probabilities
$$;
COMMENT ON FUNCTION called(validation_prediction) IS 'The most probable expression of a validation prediction, 0 to 7.';

CREATE FUNCTION mcnemar_p(only_first integer, only_second integer) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    tosses integer := only_first + only_second;
    log_term double precision := -tosses * ln(2.0::double precision);
    tail double precision := exp(log_term);
BEGIN
    FOR n IN 1 .. least(only_first, only_second) LOOP
        log_term := log_term + ln((tosses - n + 1)::double precision / n);
        tail := tail + exp(log_term);
    END LOOP;
    RETURN least(1.0, 2.0 * tail);
END
$$;
COMMENT ON FUNCTION mcnemar_p(integer, integer) IS 'McNemar''s exact test, two-sided, from the samples that only one of two models got right.';

CREATE FUNCTION concordance(
    covariance double precision, variance double precision, other double precision,
    gap double precision
) RETURNS double precision
    LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(2 * covariance / nullif(variance + other + gap * gap, 0), 0)
$$;
COMMENT ON FUNCTION concordance(double precision, double precision, double precision, double precision) IS 'Lin''s concordance correlation from the moments of two variables (Lin 1989).';

CREATE TABLE promotion_gate (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_version_id   bigint NOT NULL REFERENCES model_version,
    champion_id        bigint REFERENCES model_version,
    golden             text NOT NULL CHECK (golden IN ('passed', 'missing', 'failed')),
    golden_detail      text NOT NULL,
    calibration_error  double precision CHECK (calibration_error BETWEEN 0 AND 1),
    collapse           text,
    alpha              double precision NOT NULL CHECK (alpha > 0 AND alpha <= 0.2),
    minimum_images     integer NOT NULL CHECK (minimum_images >= 30),
    count_images       integer NOT NULL CHECK (count_images >= 0),
    only_candidate     integer NOT NULL CHECK (only_candidate >= 0),
    only_champion      integer NOT NULL CHECK (only_champion >= 0),
    accuracy_candidate double precision CHECK (accuracy_candidate BETWEEN 0 AND 1),
    accuracy_champion  double precision CHECK (accuracy_champion BETWEEN 0 AND 1),
    accuracy_low       double precision,
    accuracy_high      double precision,
    accuracy_p         double precision CHECK (accuracy_p BETWEEN 0 AND 1),
    ccc_candidate      double precision CHECK (ccc_candidate BETWEEN -1 AND 1),
    ccc_champion       double precision CHECK (ccc_champion BETWEEN -1 AND 1),
    ccc_low            double precision,
    ccc_high           double precision,
    ccc_p              double precision CHECK (ccc_p BETWEEN 0 AND 1),
    asked_by           text NOT NULL CHECK (asked_by ~ '\S'),
    login              text NOT NULL DEFAULT session_user,
    checked_at         timestamptz NOT NULL DEFAULT now(),
    is_passed          boolean NOT NULL GENERATED ALWAYS AS (
        golden = 'passed' AND calibration_error IS NOT NULL AND collapse IS NULL
        AND (champion_id IS NULL OR coalesce(
            count_images >= minimum_images
            AND (accuracy_p < alpha / 2 AND only_candidate > only_champion
                 OR ccc_p < alpha / 2 AND ccc_candidate > ccc_champion)
            AND NOT (accuracy_p < alpha AND only_candidate < only_champion)
            AND NOT (ccc_p < alpha AND ccc_candidate < ccc_champion), false))
    ) STORED,
    CHECK (champion_id <> model_version_id),
    CHECK (champion_id IS NOT NULL OR num_nonnulls(accuracy_p, ccc_p) = 0)
);
COMMENT ON TABLE promotion_gate IS 'One row per time that a model was held against the champion of that moment: what was measured, and whether it may take its place.';
COMMENT ON COLUMN promotion_gate.champion_id IS 'NULL when no model was champion yet: then nothing can be compared.';
COMMENT ON COLUMN promotion_gate.golden IS 'Whether the stored model still gives its own stored answers; failed cannot be overridden, because scoring would not begin.';
COMMENT ON COLUMN promotion_gate.calibration_error IS 'Expected calibration error after the temperature, cross-fitted; NULL when none is recorded.';
COMMENT ON COLUMN promotion_gate.collapse IS 'Why the model is of no use; NULL when it is of some.';
COMMENT ON COLUMN promotion_gate.count_images IS 'Distinct images held out by both models.';
COMMENT ON COLUMN promotion_gate.only_candidate IS 'Samples that only the candidate called right; McNemar''s test rests on these two counts.';
COMMENT ON COLUMN promotion_gate.is_passed IS 'Computed from the row itself: better beyond chance in expression or affect (each held against half of alpha), and in neither worse beyond chance (held against alpha).';
CREATE INDEX promotion_gate_model ON promotion_gate (model_version_id, checked_at);

CREATE FUNCTION verify_promotion_gate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found record;
BEGIN
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
    SELECT count(DISTINCT image_id) AS images,
           count(*) FILTER (WHERE called(candidate) = expression_id
                              AND called(champion) <> expression_id) AS only_candidate,
           count(*) FILTER (WHERE called(candidate) <> expression_id
                              AND called(champion) = expression_id) AS only_champion,
           (concordance(covar_pop(valence, (candidate).valence), var_pop(valence),
                        var_pop((candidate).valence), avg(valence) - avg((candidate).valence))
            + concordance(covar_pop(arousal, (candidate).arousal), var_pop(arousal),
                        var_pop((candidate).arousal), avg(arousal) - avg((candidate).arousal))) / 2 AS ccc_candidate,
           (concordance(covar_pop(valence, (champion).valence), var_pop(valence),
                        var_pop((champion).valence), avg(valence) - avg((champion).valence))
            + concordance(covar_pop(arousal, (champion).arousal), var_pop(arousal),
                        var_pop((champion).arousal), avg(arousal) - avg((champion).arousal))) / 2 AS ccc_champion
    INTO found FROM held_out_by_both(NEW.model_version_id, NEW.champion_id);
    IF (NEW.count_images, NEW.only_candidate, NEW.only_champion)
       <> (found.images, found.only_candidate, found.only_champion)
       OR abs(NEW.accuracy_p - mcnemar_p(NEW.only_candidate, NEW.only_champion)) > 1e-6
       OR abs(NEW.ccc_candidate - found.ccc_candidate) > 1e-4
       OR abs(NEW.ccc_champion - found.ccc_champion) > 1e-4 THEN
        RAISE check_violation
            USING MESSAGE = 'the figures of the gate are not those of the stored predictions';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION verify_promotion_gate() IS 'What the tables can tell of a gate is taken from the tables, whoever writes the row.';
CREATE TRIGGER promotion_gate_is_true BEFORE INSERT ON promotion_gate
    FOR EACH ROW EXECUTE FUNCTION verify_promotion_gate();

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format('rows of %s are never changed', TG_TABLE_NAME);
END
$$;
COMMENT ON FUNCTION refuse_change() IS 'For tables that are records of what happened.';
CREATE TRIGGER promotion_gate_is_kept BEFORE UPDATE OR DELETE ON promotion_gate
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Every change of an alias says of which kind it was, and on what it rests.
ALTER TABLE model_alias_change
    ALTER COLUMN to_id DROP NOT NULL,
    ADD COLUMN kind text NOT NULL DEFAULT 'ungated'
        CHECK (kind IN ('ungated', 'promotion', 'override', 'rollback', 'challenge', 'withdrawal')),
    ADD COLUMN gate_id bigint UNIQUE REFERENCES promotion_gate,
    ADD COLUMN undoes_id bigint UNIQUE REFERENCES model_alias_change,
    ADD COLUMN login text NOT NULL DEFAULT session_user;
UPDATE model_alias_change SET kind = 'challenge' WHERE alias = 'challenger';
ALTER TABLE model_alias_change
    ALTER COLUMN kind DROP DEFAULT,
    ADD CHECK ((alias = 'challenger') = (kind IN ('challenge', 'withdrawal'))),
    ADD CHECK ((kind IN ('promotion', 'override')) = (gate_id IS NOT NULL)),
    ADD CHECK ((kind = 'rollback') = (undoes_id IS NOT NULL)),
    ADD CHECK ((kind = 'withdrawal') = (to_id IS NULL));
COMMENT ON COLUMN model_alias_change.to_id IS 'NULL when the alias was taken away: only a challenger can be withdrawn.';
COMMENT ON COLUMN model_alias_change.kind IS 'ungated: before there was a gate; promotion: through the gate; override: past it, for the reason given; rollback; challenge and withdrawal of a challenger.';
COMMENT ON COLUMN model_alias_change.gate_id IS 'The gate that the change rests on; each serves once.';
COMMENT ON COLUMN model_alias_change.undoes_id IS 'The change that a rollback undid.';
COMMENT ON COLUMN model_alias_change.login IS 'The database login; changed_by is the person.';

CREATE FUNCTION verify_alias_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gate promotion_gate;
    undone model_alias_change;
BEGIN
    NEW.login := session_user;
    NEW.changed_at := now();
    IF NEW.reason !~ '\S' OR NEW.changed_by !~ '\S' THEN
        RAISE check_violation USING MESSAGE = 'say who changes the alias, and why';
    END IF;
    IF NEW.from_id IS DISTINCT FROM
       (SELECT model_version_id FROM model_alias WHERE alias = NEW.alias) THEN
        RAISE serialization_failure
            USING MESSAGE = format('%s was moved by somebody else meanwhile', NEW.alias);
    END IF;
    IF NEW.kind IN ('promotion', 'override') THEN
        SELECT * INTO gate FROM promotion_gate WHERE id = NEW.gate_id;
        IF gate.id IS NULL OR gate.model_version_id <> NEW.to_id
           OR gate.champion_id IS DISTINCT FROM NEW.from_id THEN
            RAISE insufficient_privilege
                USING MESSAGE = 'no gate held this model against this champion';
        ELSIF gate.checked_at < now() - interval '7 days' THEN
            RAISE insufficient_privilege
                USING MESSAGE = 'the gate is older than seven days; check again';
        ELSIF NEW.kind = 'promotion' AND NOT gate.is_passed THEN
            RAISE insufficient_privilege USING MESSAGE = 'the model did not pass the gate';
        ELSIF gate.golden = 'failed' THEN
            RAISE insufficient_privilege
                USING MESSAGE = 'a model that no longer gives its own answers cannot be champion';
        END IF;
    ELSIF NEW.kind = 'rollback' THEN
        SELECT * INTO undone FROM model_alias_change AS change
        WHERE change.alias = 'champion' AND change.kind <> 'rollback'
          AND NOT EXISTS (SELECT FROM model_alias_change AS later WHERE later.undoes_id = change.id)
        ORDER BY change.id DESC
        LIMIT 1;
        IF undone.id IS DISTINCT FROM NEW.undoes_id OR undone.from_id IS DISTINCT FROM NEW.to_id THEN
            RAISE insufficient_privilege
                USING MESSAGE = 'a rollback leads back to the champion before, and nowhere else';
        END IF;
    ELSIF NEW.kind = 'ungated' THEN
        RAISE insufficient_privilege USING MESSAGE = 'there is a gate now';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION verify_alias_change() IS 'No alias changes without what its kind asks for, whoever writes the row.';
CREATE TRIGGER model_alias_change_is_true BEFORE INSERT ON model_alias_change
    FOR EACH ROW EXECUTE FUNCTION verify_alias_change();
CREATE TRIGGER model_alias_change_is_kept BEFORE UPDATE OR DELETE ON model_alias_change
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION verify_alias() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    name text := coalesce(NEW.alias, OLD.alias);
BEGIN
    IF NEW.model_version_id IS DISTINCT FROM (
        SELECT to_id FROM model_alias_change WHERE alias = name ORDER BY id DESC LIMIT 1
    ) OR OLD.alias <> NEW.alias THEN
        RAISE insufficient_privilege
            USING MESSAGE = format('%s is moved by the promotion functions only', name);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION verify_alias() IS 'An alias stands where its newest recorded change put it: no other writer, not even the owner.';
CREATE TRIGGER model_alias_is_recorded AFTER INSERT OR UPDATE OR DELETE ON model_alias
    FOR EACH ROW EXECUTE FUNCTION verify_alias();

-- The door. Owned by the owner; the roles may call it and write neither table.
CREATE FUNCTION move_alias(
    alias_name text, seen_id bigint, wanted_id bigint, how text, gate bigint, undoes bigint,
    why text, who text
) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    change_id bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('model_alias'));
    IF seen_id IS DISTINCT FROM
       (SELECT model_version_id FROM model_alias WHERE alias = alias_name) THEN
        RETURN NULL;
    END IF;
    INSERT INTO model_alias_change
        (alias, from_id, to_id, kind, gate_id, undoes_id, reason, changed_by)
    VALUES (alias_name, seen_id, wanted_id, how, gate, undoes, why, who)
    RETURNING id INTO change_id;
    IF wanted_id IS NULL THEN
        DELETE FROM model_alias WHERE alias = alias_name;
    ELSE
        INSERT INTO model_alias (alias, model_version_id) VALUES (alias_name, wanted_id)
        ON CONFLICT (alias) DO UPDATE SET model_version_id = excluded.model_version_id;
    END IF;
    -- Who has become champion challenges nobody any more.
    IF alias_name = 'champion' AND EXISTS (
        SELECT FROM model_alias WHERE alias = 'challenger' AND model_version_id = wanted_id
    ) THEN
        PERFORM move_alias('challenger', wanted_id, NULL, 'withdrawal', NULL, NULL,
                           'it became champion', who);
    END IF;
    RETURN change_id;
END
$$;
COMMENT ON FUNCTION move_alias(text, bigint, bigint, text, bigint, bigint, text, text) IS 'Compare-and-set of an alias, with its record; NULL when it no longer stands where the caller saw it. What each kind of change asks for is checked by the tables'' triggers.';

CREATE TABLE rescoring (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_key          text NOT NULL UNIQUE,
    model_version_id bigint NOT NULL REFERENCES model_version,
    last_image_id    bigint NOT NULL DEFAULT 0,
    count_seen       bigint NOT NULL DEFAULT 0 CHECK (count_seen >= 0),
    count_planned    bigint NOT NULL DEFAULT 0 CHECK (count_planned BETWEEN 0 AND count_seen),
    opened_at        timestamptz NOT NULL DEFAULT now(),
    closed_at        timestamptz
);
COMMENT ON TABLE rescoring IS 'One row per run that scores the archive again with another model; it goes on where it stopped.';
COMMENT ON COLUMN rescoring.last_image_id IS 'Up to here the archive was looked through.';
COMMENT ON COLUMN rescoring.count_seen IS 'Images of the archive that an older model had scored and this one had not.';
COMMENT ON COLUMN rescoring.count_planned IS 'Those whose file is still there.';

CREATE TABLE rescoring_missing (
    rescoring_id bigint NOT NULL REFERENCES rescoring,
    image_id     bigint NOT NULL REFERENCES image ON DELETE CASCADE,
    PRIMARY KEY (rescoring_id, image_id)
);
COMMENT ON TABLE rescoring_missing IS 'One row per rescoring and image whose file could not be found any more; what older models said of it stays.';
