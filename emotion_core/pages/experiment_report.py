"""The page of an experiment: networks compared by all of their trainings."""

from pathlib import Path

from markupsafe import Markup

from emotion_core.charts.metrics import Band, band_chart
from emotion_core.comparison.experiment import ExperimentComparison
from emotion_core.pages.page import render_page, write_page
from emotion_core.pages.stored_reports import PAGE_FILE, keep_earlier
from emotion_core.statistics.metrics import DECISIVE, headlines


def render_experiment(comparison: ExperimentComparison, out_dir: Path) -> Path:
    """Write the page and its facts, as :func:`emotion_core.pages.comparison_report` does.

    Args:
        comparison: What to say.
        out_dir: Folder of the two files; made if it is not there.
    """
    page = render_page(
        "experiment.html",
        root=None,
        comparison=comparison,
        curves=_curves(comparison),
        DECISIVE=DECISIVE,
    )
    keep_earlier(out_dir, page)
    return write_page(out_dir / PAGE_FILE, page, comparison.to_dict())


def _curves(comparison: ExperimentComparison) -> list[Markup]:
    drawn = []
    for metric, title in {"loss": "Loss", **headlines()}.items():
        bands = [
            Band(network.number, network.label, network.curves[metric])
            for network in comparison.networks
            if network.curves.get(metric)
        ]
        if bands:
            drawn.append(band_chart(f"curve-{metric}", title, bands))
    return drawn
