"""Champion, challenger and candidates: what the page says of who scores the nights."""

import pytest
from comparison_factory import MADE_AT, make_run_facts, make_validation_images

from emotion_core.comparison.champion_roles import roles_of, roles_sentence
from emotion_core.comparison.comparison import compare

IMAGES = make_validation_images(80)


@pytest.mark.parametrize(
    ("aliases", "sentence"),
    [
        ((), "None of these networks is champion. ResNet50 and EfficientNet-B0 are candidates"),
        (
            ("champion",),
            "ResNet50 is champion: it scores the nightly batches. EfficientNet-B0 is a",
        ),
        (("challenger",), "ResNet50 is challenger: it scores them too, unseen. EfficientNet-B0 is"),
    ],
)
def test_one_sentence_tells_who_scores_the_nights_and_who_might(
    aliases: tuple[str, ...], sentence: str
) -> None:
    runs = compare(
        [
            make_run_facts(images=IMAGES, model_name="resnet50 v1", aliases=aliases),
            make_run_facts("efficientnet_b0", images=IMAGES, model_name="efficientnet_b0 v1"),
        ],
        MADE_AT,
    ).runs

    assert sentence in (roles_sentence(runs) or "")
    roles = {run.label: roles_of(run) for run in runs}
    assert roles == {
        "ResNet50": aliases or ("candidate",),
        "EfficientNet-B0": ("candidate",),
    }


def test_without_a_registered_model_there_is_nobody_to_promote() -> None:
    runs = compare([make_run_facts(images=IMAGES, model_name=None)], MADE_AT).runs

    assert roles_sentence(runs) is None
