"""Promotion through the steps and the shell: what is good passes, what fails gets a reason."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from promotions import forget_champion
from rivals import Field, make_field
from shells import Answer, emotion
from sqlalchemy import text

from emotion_core.errors import PromotionRefusedError
from emotion_core.settings import Settings
from emotion_core.steps.promotion import check_promotion, promote, roll_back
from emotion_core.store.aliases import alias_changes
from emotion_core.store.database import Database
from emotion_core.store.models import current_model
from emotion_core.vision.golden_outputs import GOLDEN_FILE, GoldenOutputs
from emotion_core.vision.scores import Scores


@pytest.fixture
def field(
    settings: Settings, database: Database, urls: dict[str, str], stored: Path, tmp_path: Path
) -> Iterator[Field]:
    yield make_field(settings, database, urls, stored, tmp_path)
    forget_champion(urls)


def champion_of(database: Database) -> str:
    with database.transaction("emotion_report") as connection:
        champion = current_model(connection)
    assert champion is not None
    return champion.name


def tell(field: Field, *arguments: str) -> Answer:
    return emotion(*arguments, EMOTION_DATABASE_URL=field.here.settings.require_database_url())


def test_a_better_model_becomes_champion_and_a_rollback_undoes_it(
    field: Field, database: Database
) -> None:
    name = promote(field.here, field.better.name, reason="it is better", changed_by="ada")
    again = promote(field.here, field.better.name, reason="it is better", changed_by="ada")
    back = roll_back(field.here, reason="complaints", changed_by="bob")

    assert name == again == field.better.name
    assert back == champion_of(database) == field.champion.name
    with database.transaction("emotion_report") as connection:
        rollback, promotion = alias_changes(connection, 2)
    assert (promotion.kind, promotion.changed_by, promotion.reason) == (
        "promotion",
        "ada",
        "it is better",
    )
    assert (rollback.kind, rollback.changed_by) == ("rollback", "bob")


def test_a_model_that_chance_could_explain_is_refused_with_its_figures(
    field: Field, database: Database
) -> None:
    with pytest.raises(PromotionRefusedError) as refusal:
        promote(field.here, field.equal.name, reason="hope", changed_by="ada")

    assert "Not passed: better in accuracy or mean CCC" in str(refusal.value)
    assert "accuracy 0.508 against 0.500" in str(refusal.value)
    assert "mean CCC" in str(refusal.value)
    assert champion_of(database) == field.champion.name


def test_too_few_shared_images_are_refused_by_their_number(field: Field) -> None:
    with pytest.raises(PromotionRefusedError, match="only 240 images were held out by both"):
        promote(field.here, field.better.name, reason="hope", changed_by="ada", minimum_images=1000)


def test_limits_out_of_range_are_refused_before_anything_is_measured(field: Field) -> None:
    with pytest.raises(PromotionRefusedError, match=r"alpha 0\.9"):
        promote(field.here, field.better.name, reason="hope", changed_by="ada", alpha=0.9)


def test_another_models_weights_under_the_candidates_name_are_refused_even_with_an_override(
    field: Field, database: Database
) -> None:
    weights = field.folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")

    with pytest.raises(PromotionRefusedError, match="golden outputs failed"):
        promote(field.here, field.better.name, reason="hope", changed_by="ada")
    with pytest.raises(PromotionRefusedError, match="no longer gives its golden outputs"):
        promote(field.here, field.better.name, reason="hope", changed_by="ada", override="I insist")

    assert champion_of(database) == field.champion.name


def test_a_model_whose_answers_drifted_is_refused(field: Field) -> None:
    golden = GoldenOutputs.read(field.folder)
    moved = Scores(golden.scores.probabilities, golden.scores.va + np.float32(0.5))
    GoldenOutputs(golden.pixels, moved).write(field.folder)

    gate = check_promotion(field.here, field.better.name, asked_by="ada")

    assert (gate.golden, gate.is_passed) == ("failed", False)
    assert "no longer gives its own golden outputs" in gate.verdict


def test_an_override_is_kept_with_its_reason_and_the_gate_it_went_past(
    field: Field, database: Database, urls: dict[str, str]
) -> None:
    promote(
        field.here,
        field.equal.name,
        reason="new licence",
        changed_by="ada",
        override="legal asked for it",
    )

    analyst = Database(urls["emotion_analyst"])
    with analyst.connect() as connection:
        row = connection.execute(
            text("SELECT * FROM champion_history WHERE alias = 'champion' AND until IS NULL")
        ).one()
        refused = connection.execute(
            text(
                "SELECT figure FROM promotion_check WHERE candidate = :m AND NOT is_passed "
                "ORDER BY figure"
            ),
            {"m": field.equal.name},
        ).scalars()
        assert list(refused) == ["better in accuracy or mean CCC"]
    analyst.close()
    assert (row.change, row.to_model, row.is_gate_passed) == ("override", field.equal.name, False)
    assert row.reason == "legal asked for it (asked for: new licence)"


def test_the_first_champion_needs_its_answers_and_its_calibration_only(
    field: Field, database: Database, urls: dict[str, str]
) -> None:
    forget_champion(urls)

    name = promote(field.here, field.equal.name, reason="the first", changed_by="ada")

    assert champion_of(database) == name
    forget_champion(urls)
    (field.folder / GOLDEN_FILE).unlink()
    with pytest.raises(PromotionRefusedError, match="golden outputs missing"):
        promote(field.here, field.equal.name, reason="the first", changed_by="ada")


def test_there_is_no_way_back_from_the_first_champion(field: Field) -> None:
    with pytest.raises(PromotionRefusedError, match="no champion before"):
        roll_back(field.here, reason="regret", changed_by="ada")


def test_the_shell_refuses_promotes_tells_the_history_and_goes_back(
    field: Field, database: Database
) -> None:
    refused = tell(field, "promote", field.equal.name, "--reason", "hope")
    told = tell(field, "models", "check", field.better.name)
    promoted = tell(field, "promote", field.better.name, "--reason", "better")
    back = tell(field, "rollback", "--reason", "complaints")
    history = tell(field, "models", "history", "--limit", "3")
    listed = tell(field, "models")

    assert refused.returncode == 1
    assert "Not passed: better in accuracy or mean CCC" in refused.stderr.replace("\n", " ")
    assert "Traceback" not in refused.stderr
    assert f"{field.better.name} may become champion" in told.stdout
    assert promoted.stdout.strip() == f"{field.better.name} is champion"
    assert back.stdout.strip() == f"{field.champion.name} is champion again"
    assert [kind in history.stdout for kind in ("rollback", "promotion", "complaints")] == [
        True
    ] * 3
    line = next(line for line in listed.stdout.splitlines() if f" {field.champion.name} " in line)
    assert "champion" in line


def test_a_challenger_is_named_and_taken_back_from_the_shell(
    field: Field, database: Database
) -> None:
    named = tell(field, "challenge", field.equal.name, "--reason", "to be watched")
    wrong = tell(field, "challenge", field.champion.name, "--reason", "to be watched")
    nobody = tell(field, "challenge", "--reason", "seen enough")

    assert named.stdout.strip() == f"{field.equal.name} is challenger"
    assert wrong.returncode == 1 and "is the champion" in wrong.stderr
    assert nobody.stdout.strip() == "no model is challenger"


def test_promoting_what_does_not_exist_names_what_does(field: Field) -> None:
    result = tell(field, "promote", "resnet50 v999", "--reason", "a test")

    assert result.returncode == 1
    assert "there is no model 'resnet50 v999'; there are:" in result.stderr
