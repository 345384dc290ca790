"""What differs between two runs, and what a reader is warned of."""

from comparison_factory import (
    IMAGES,
    MADE_AT,
    RECIPE,
    make_failed_run,
    make_run_facts,
    make_validation_images,
)

from emotion_core.comparison import formatting
from emotion_core.comparison.comparison import compare


def test_what_differs_is_told_apart_from_what_is_the_same() -> None:
    comparison = compare(
        [
            make_run_facts(images=IMAGES),
            make_run_facts(
                "efficientnet_b0",
                images=IMAGES,
                recipe=RECIPE | {"network": "efficientnet_b0", "learning_rate": 1e-3},
                device="CPU, 2 threads",
            ),
        ],
        MADE_AT,
    )

    different = {setting.name: setting.values for setting in comparison.configuration.different}
    assert different == {
        "Learning rate": ("0.0001", "0.001"),
        "Device": ("NVIDIA H200", "CPU, 2 threads"),
    }
    same = {setting.name: setting.common for setting in comparison.configuration.same}
    assert same["Batch size"] == "32"
    assert same["torch"] == "2.11.0"
    titles = [warning.title for warning in comparison.warnings]
    assert titles == ["Trained on a CPU", "The recipes differ"]


def test_what_a_failed_run_never_recorded_is_no_difference() -> None:
    comparison = compare([make_run_facts(images=IMAGES), make_failed_run()], MADE_AT)

    assert comparison.configuration.different == ()


def test_drawn_faces_random_weights_and_few_images_are_told_at_the_top() -> None:
    facts = make_run_facts(
        images=make_validation_images(80), dataset_is_drawn=True, weights_origin="none"
    )

    warnings = compare([facts], MADE_AT).warnings

    assert [(warning.weight, warning.title) for warning in warnings] == [
        ("warning", "Drawn faces"),
        ("warning", "Random starting weights"),
        ("note", "Few validation images"),
    ]


def test_a_run_that_kept_its_best_epoch_is_told_with_what_the_choice_gained() -> None:
    images = make_validation_images(240)
    last, best = (
        make_run_facts(network, images=images, recipe=RECIPE | {"network": network, "keep": keep})
        for network, keep in (("resnet50", "last"), ("efficientnet_b0", "best"))
    )
    accuracy = best.epochs.query("split == 'validation' and metric == 'accuracy'")
    of_epoch = dict(zip(accuracy["epoch"], accuracy["value"], strict=True))

    comparison = compare([last, best], MADE_AT)

    (warning,) = (n for n in comparison.warnings if n.title == "Best epoch chosen on these images")
    assert warning.weight == "warning"
    assert warning.text.startswith("EfficientNet-B0 kept the epoch that scored best on the images")
    assert (
        f"accuracy {formatting.score(of_epoch[9])} in the kept epoch 9, "
        f"{formatting.score(of_epoch[12])} in the last, 12 "
        f"({formatting.signed(of_epoch[9] - of_epoch[12])})"
    ) in warning.text
    different = {setting.name: setting.values for setting in comparison.configuration.different}
    assert different == {"Epoch that is kept": ("last", "best")}
    assert not [n for n in compare([last], MADE_AT).warnings if "epoch" in n.title]


def test_what_a_data_sets_labels_speak_against_is_told_at_the_top() -> None:
    warnings = ("Happy has mean valence -0.47 (+0.67 in AffectNet)",)

    comparison = compare(
        [
            make_run_facts(images=IMAGES, label_warnings=warnings),
            make_run_facts("efficientnet_b0", images=IMAGES, label_warnings=warnings),
        ],
        MADE_AT,
    )

    (warning,) = (n for n in comparison.warnings if n.weight == "warning")
    assert warning.text == f"{warnings[0]}."
