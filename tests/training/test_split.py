"""The split into train and validation: by content, stratified, decided by seed alone."""

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from factories_data import write_affectnet

from emotion_core.errors import DataError, RecipeError
from emotion_core.training.affectnet import read_affectnet
from emotion_core.training.labelled_set import LabelledSet, Sample
from emotion_core.training.split import split_by_content


def labelled_set(faces: list[tuple[str, int]]) -> LabelledSet:
    """Faces as (content, expression)."""
    samples = tuple(
        Sample(
            str(n), f"images/{n}.jpg", sha256(content.encode()).hexdigest(), expression, 0.0, 0.0
        )
        for n, (content, expression) in enumerate(faces)
    )
    return LabelledSet("faces", Path("faces"), samples, (), "00" * 32, False, True)


def faces(per_expression: int) -> list[tuple[str, int]]:
    return [
        (f"{n}-{expression}", expression) for n in range(per_expression) for expression in range(8)
    ]


def counts(found: LabelledSet, indices: tuple[int, ...]) -> Counter[int]:
    return Counter(found.samples[index].expression for index in indices)


def test_every_sample_stands_on_exactly_one_side() -> None:
    found = labelled_set(faces(20))

    split = split_by_content(found, seed=3)

    assert sorted(split.train + split.validation) == list(range(160))
    assert split.train == tuple(sorted(split.train))


@pytest.mark.parametrize("share", [0.05, 0.15, 0.33, 0.5, 0.8])
@pytest.mark.parametrize("per_expression", [2, 7, 40])
def test_every_expression_sends_its_share_to_validation_within_one_image(
    share: float, per_expression: int
) -> None:
    found = labelled_set(faces(per_expression))

    split = split_by_content(found, seed=1, validation_share=share)

    for expression, count in counts(found, split.validation).items():
        assert abs(count - share * per_expression) <= 1, expression
    assert set(counts(found, split.train)) == set(counts(found, split.validation)) == set(range(8))


@pytest.mark.parametrize("seed", range(20))
def test_identical_images_never_straddle_the_split(seed: int) -> None:
    copies = [("0-0", 0), ("0-0", 3), ("1-1", 1), ("1-1", 1), ("2-2", 6), ("2-2", 5)]
    found = labelled_set(faces(10) + copies)

    split = split_by_content(found, seed=seed, validation_share=0.3)

    sides = [{found.samples[i].sha256 for i in part} for part in (split.train, split.validation)]
    assert not sides[0] & sides[1]
    for expression, count in counts(found, split.validation).items():
        total = sum(sample.expression == expression for sample in found.samples)
        assert abs(count - 0.3 * total) <= 1


def test_contradictory_images_may_stand_on_either_side() -> None:
    copies = [(f"{n}-0", 5) for n in range(10)]
    found = labelled_set(faces(10) + copies)

    split = split_by_content(found, seed=0, validation_share=0.5)

    both = {found.samples[i].sha256 for i in range(80, 90)}
    sides = [
        both & {found.samples[i].sha256 for i in part} for part in (split.train, split.validation)
    ]
    assert all(sides)


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    found = labelled_set(faces(20))

    first, again, other = (split_by_content(found, seed=seed) for seed in (5, 5, 6))

    assert first == again
    assert first.fingerprint != other.fingerprint
    assert first.validation != other.validation


def test_the_split_does_not_depend_on_the_order_of_the_samples() -> None:
    found = labelled_set([*faces(12), ("0-0", 4)])
    turned = replace(found, samples=tuple(reversed(found.samples)))

    splits = [split_by_content(each, seed=9) for each in (found, turned)]

    held_out = [
        {each.samples[i].sha256 for i in split.validation}
        for each, split in zip((found, turned), splits, strict=True)
    ]
    assert held_out[0] == held_out[1]
    assert splits[0].fingerprint == splits[1].fingerprint


def test_a_set_read_from_files_can_be_split(tmp_path: Path) -> None:
    found = read_affectnet(write_affectnet(tmp_path / "faces", per_expression=3))

    split = split_by_content(found, seed=42)

    assert counts(found, split.validation) == dict.fromkeys(range(8), 1)


def test_an_expression_of_one_image_under_two_ids_cannot_be_split() -> None:
    without_contempt = [face for face in faces(4) if face[1] != 7]
    found = labelled_set([*without_contempt, ("x", 7), ("x", 7)])

    with pytest.raises(DataError, match="only one distinct image of Contempt"):
        split_by_content(found, seed=1)


@pytest.mark.parametrize(
    ("seed", "share", "field"), [(-1, 0.15, "seed"), (1, 0.0, "share"), (1, 1.0, "share")]
)
def test_impossible_requests_name_their_field(seed: int, share: float, field: str) -> None:
    found = labelled_set(faces(4))

    with pytest.raises(RecipeError, match=field):
        split_by_content(found, seed=seed, validation_share=share)


@pytest.mark.parametrize(("share", "folds"), [(1 / 3, 3), (0.2, 5), (0.1, 10)])
def test_the_folds_of_a_seed_hold_out_every_image_once(share: float, folds: int) -> None:
    found = labelled_set(faces(17))

    held_out = [
        split_by_content(found, seed=2, validation_share=share, fold=fold).validation
        for fold in range(folds)
    ]

    assert sorted(index for fold in held_out for index in fold) == list(range(len(found.samples)))


def test_the_first_fold_is_the_plain_split() -> None:
    found = labelled_set(faces(20))

    assert split_by_content(found, 3, 0.15, fold=0) == split_by_content(found, 3, 0.15)


@pytest.mark.parametrize("fold", [-1, 6])
def test_a_fold_beyond_the_whole_is_refused(fold: int) -> None:
    with pytest.raises(RecipeError, match="fold"):
        split_by_content(labelled_set(faces(20)), 3, 0.15, fold=fold)
