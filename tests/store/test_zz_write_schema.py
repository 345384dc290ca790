from emotion_core.store.schema_document import schema_document
from pathlib import Path
def test_w(database):
    with database.transaction("emotion_report") as c:
        Path("/work/w/metric/docs/store/schema.md").write_text(schema_document(c), encoding="utf-8")
