"""docs/store/schema.md is what the database says of itself."""

from pathlib import Path

from shells import emotion
from sqlalchemy import text

from emotion_core.store.database import Database
from emotion_core.store.schema_document import schema_document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "store" / "schema.md"


def test_the_committed_page_is_what_the_command_prints(urls: dict[str, str]) -> None:
    result = emotion("db", "document", EMOTION_DATABASE_URL=urls["emotion_app"])

    assert result.returncode == 0, result.stderr
    assert PAGE.read_text(encoding="utf-8") == result.stdout, (
        "docs/store/schema.md is stale: run `emotion db document > docs/store/schema.md`"
    )


def test_keys_decide_how_the_lines_of_the_diagram_end(owner: Database) -> None:
    with owner.connect() as connection:
        connection.execute(text("SET ROLE emotion_owner"))
        connection.execute(text("CREATE TABLE zz_hen (id integer PRIMARY KEY)"))
        connection.execute(
            text(
                "CREATE TABLE zz_egg (hen integer NOT NULL REFERENCES zz_hen, "
                "nest integer UNIQUE REFERENCES zz_hen)"
            )
        )
        connection.execute(text("COMMENT ON TABLE zz_egg IS 'white | <b>brown</b>'"))
        connection.execute(text("COMMENT ON COLUMN zz_egg.hen IS 'Who laid it.'"))

        said = schema_document(connection)

        connection.rollback()
    assert '    zz_hen ||--o{ zz_egg : "hen"\n' in said
    assert '    zz_hen |o--o| zz_egg : "nest"\n' in said
    assert "### zz_egg\n\nwhite \\| &lt;b>brown&lt;/b>\n" in said
    assert "| `hen` | integer | no | References `zz_hen`. Who laid it. |" in said
    assert "| `nest` | integer | yes | References `zz_hen`. |" in said
    assert "| `id` | integer | no | Primary key. |" in said
