from pathlib import Path

from emotion_core.store.schema_document import schema_document


def test_w(database):
    with database.transaction("emotion_report") as c:
        Path("/work/w/metric/docs/store/schema.md").write_text(schema_document(c), encoding="utf-8")
