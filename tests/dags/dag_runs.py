"""What goes into a run of a DAG, and what came of it."""

from pathlib import Path
from typing import Any

from airflow.models.asset import AssetEvent, AssetModel
from airflow.utils.session import create_session
from factories import make_jpeg

from emotion_core.settings import Settings


def deliver(settings: Settings, folder: str, *colours: tuple[int, int, int]) -> Path:
    """A complete delivery with one picture of each colour."""
    place = settings.inbox_dir / folder
    place.mkdir(parents=True)
    for number, colour in enumerate(colours):
        (place / f"{number}.jpg").write_bytes(make_jpeg(colour))
    (place / "_SUCCESS").touch()
    return place


def states(run: Any) -> dict[str, str]:
    """Task to state."""
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


def events(run: Any) -> set[str]:
    """The assets whose events a run emitted."""
    with create_session() as session:
        found = (
            session.query(AssetModel.name)
            .join(AssetEvent, AssetEvent.asset_id == AssetModel.id)
            .filter(AssetEvent.source_run_id == run.run_id)
        )
        return {name for (name,) in found}
