"""docs/store/schema.md is what the database says of itself."""

import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from emotion_core.store.database import Database
from emotion_core.store.schema_document import schema_document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "store" / "schema.md"


def test_the_committed_page_is_what_the_database_says(database: Database) -> None:
    with database.transaction("emotion_report") as connection:
        said = schema_document(connection)

    committed = PAGE.read_text(encoding="utf-8")

    assert committed == said, (
        "docs/store/schema.md is stale: run `emotion db document > docs/store/schema.md`"
    )


def test_the_command_prints_the_page(database: Database, urls: dict[str, str]) -> None:
    with database.transaction("emotion_report") as connection:
        said = schema_document(connection)

    result = subprocess.run(
        [sys.executable, "-m", "emotion_core.cli", "db", "document"],
        capture_output=True,
        text=True,
        env={**os.environ, "EMOTION_DATABASE_URL": urls["emotion_app"]},
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout == said


def test_keys_decide_how_the_lines_of_the_diagram_end(urls: dict[str, str]) -> None:
    owner = Database(urls["emotion_migrate"])
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
    owner.close()
    assert '    zz_hen ||--o{ zz_egg : "hen"\n' in said
    assert '    zz_hen |o--o| zz_egg : "nest"\n' in said
    assert "### zz_egg\n\nwhite \\| &lt;b>brown&lt;/b>\n" in said
    assert "| `hen` | integer | no | References `zz_hen`. Who laid it. |" in said
    assert "| `nest` | integer | yes | References `zz_hen`. |" in said
    assert "| `id` | integer | no | Primary key. |" in said
