"""``emotion db document``: the tables and views, as the database describes itself."""

from emotion_core.cli.console import db, installation
from emotion_core.store.schema_document import schema_document


@db.command("document")
def document_schema() -> None:
    """Print docs/store/schema.md: a diagram of the tables, and each column with its comment."""
    with installation().database.transaction("emotion_report") as connection:
        print(schema_document(connection), end="")
