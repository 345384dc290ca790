"""The main job on a system of its own: real PostgreSQL, real scheduler, real pages, real models."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from installation import Ended, Installation, installed

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with installed() as made:
        yield made


@pytest.fixture(scope="module")
def demo(installation: Installation) -> Ended:
    """A demo from nothing, as small as it can be."""
    return installation.run("demo", "--exit", "--faces", "8", "--epochs", "1")


def test_the_demo_ends_well_and_leaves_no_process(demo: Ended, installation: Installation) -> None:
    assert demo.code == 0, demo.text
    assert installation.processes() == []


def test_the_demo_trains_both_networks_and_names_a_champion(demo: Ended) -> None:
    for network in ("resnet50", "efficientnet_b0"):
        assert re.search(rf"train {network}.* done", demo.text)
        assert re.search(rf"{network} +epoch +1 of 1", demo.text)
    assert re.search(r"(resnet50|efficientnet_b0) v1 has the higher mean of macro F1", demo.text)
    assert re.search(r"^Verdict +Expression: ", demo.text, re.MULTILINE)


def test_the_demo_scores_its_batch_and_tells_every_refusal(demo: Ended) -> None:
    assert re.search(r"\b27\W+25\W+2\W+0\W+0\W+(resnet50|efficientnet_b0) v1", demo.text)
    assert re.search(r"cut off in transit\.jpg\W+truncated", demo.text)
    assert re.search(r"shopping list\.jpg\W+not_an_image", demo.text)


def test_the_demo_leaves_a_report_that_needs_no_network(demo: Ended) -> None:
    page = Path(re.search(r"^Report +(.+comparison\.html)", demo.text, re.MULTILINE)[1])

    text = page.read_text(encoding="utf-8")

    assert "resnet50" in text.lower()
    assert "is champion: it scores the nightly batches." in text
    assert (
        re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']+\.(?:js|css|png|woff2?)""", text) == []
    )


def test_a_second_demo_works_on_what_is_there(demo: Ended, installation: Installation) -> None:
    assert demo.code == 0

    second = installation.run("demo", "--exit", "--faces", "8", "--epochs", "1")

    assert second.code == 0, second.text
    assert "both networks were trained on these faces before" in second.text
    assert re.search(r"\b27\W+25\W+2\W+0\W+0\W", second.text)
