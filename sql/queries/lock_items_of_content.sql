-- A worker that is just publishing holds these rows: we wait for its end and then remove what it
-- wrote. One that publishes after us finds no row, and writes nothing.
SELECT id FROM scoring_item WHERE image_id = :image_id ORDER BY id FOR UPDATE
