-- One statement, one truth: items whose fence still matches become done or rejected, and exactly
-- those get their prediction or their reason. What a late worker brings is not among them.
WITH scored AS (
    UPDATE scoring_item SET state = 'done', lease_until = NULL, finished_at = now()
    FROM scored_item
    WHERE scoring_item.id = scored_item.item_id
      AND scoring_item.fence = scored_item.fence
      AND scoring_item.state = 'leased'
    RETURNING scoring_item.id, scoring_item.image_id, scoring_item.model_version_id
),
refused AS (
    UPDATE scoring_item SET state = 'rejected', lease_until = NULL, finished_at = now()
    FROM refused_item
    WHERE scoring_item.id = refused_item.item_id
      AND scoring_item.fence = refused_item.fence
      AND scoring_item.state = 'leased'
    RETURNING scoring_item.id
),
predicted AS (
    INSERT INTO prediction
        (image_id, model_version_id, expression_id, confidence,
         p_neutral, p_happy, p_sad, p_surprise, p_fear, p_disgust, p_anger, p_contempt,
         valence, arousal)
    SELECT
        scored.image_id, scored.model_version_id, scored_item.expression_id,
        scored_item.confidence, p_neutral, p_happy, p_sad, p_surprise, p_fear, p_disgust,
        p_anger, p_contempt, valence, arousal
    FROM scored
    JOIN scored_item ON scored_item.item_id = scored.id
),
reasons AS (
    INSERT INTO rejection (scoring_item_id, code, detail)
    SELECT refused.id, refused_item.code, refused_item.detail
    FROM refused
    JOIN refused_item ON refused_item.item_id = refused.id
)
SELECT (SELECT count(*) FROM scored) AS count_scored, (SELECT count(*) FROM refused) AS count_refused
