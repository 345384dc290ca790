INSERT INTO promotion_gate
    (model_version_id, champion_id, golden, golden_detail, collapse, alpha, minimum_images,
     count_images, only_candidate, only_champion,
     accuracy_candidate, accuracy_champion, accuracy_low, accuracy_high, accuracy_p,
     ccc_candidate, ccc_champion, ccc_low, ccc_high, ccc_p, asked_by)
VALUES
    (:model_version_id, :champion_id, :golden, :golden_detail, :collapse, :alpha, :minimum_images,
     :count_images, :only_candidate, :only_champion,
     :accuracy_candidate, :accuracy_champion, :accuracy_low, :accuracy_high, :accuracy_p,
     :ccc_candidate, :ccc_champion, :ccc_low, :ccc_high, :ccc_p, :asked_by)
RETURNING id
