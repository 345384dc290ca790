"""``emotion db document``: tables and views, as the database describes them."""

from emotion_core.cli.console import ask, db
from emotion_core.store.schema_document import schema_document


@db.command("document")
def document_schema() -> None:
    """Print docs/store/schema.md: a diagram of the tables, and each column with its comment."""
    print(ask("emotion_report", schema_document), end="")
