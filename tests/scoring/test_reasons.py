"""The document and the tables name the same reasons."""

import re
from pathlib import Path

from sqlalchemy import text

from emotion_core.store.database import Database
from emotion_core.store.retries import refusal_codes

DOCUMENT = Path(__file__).parents[2] / "docs/scoring/nightly_scoring.md"


def test_every_reason_code_is_explained_and_none_is_invented(database: Database) -> None:
    explained = set(re.findall(r"^\| `([a-z_0-9]+)` \|", DOCUMENT.read_text("utf-8"), re.M))

    with database.transaction("emotion_score") as connection:
        refused = set(refusal_codes(connection))
        held = set(connection.execute(text("SELECT code FROM hold_reason")).scalars())

    assert explained == refused | held
