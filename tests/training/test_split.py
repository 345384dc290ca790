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


def with_groups(found: LabelledSet, size: int) -> LabelledSet:
    """The same faces, each ``size`` that follow one another of one person."""
    samples = tuple(
        replace(sample, group=f"person {place // size}")
        for place, sample in enumerate(found.samples)
    )
    return replace(found, samples=samples)


@pytest.mark.parametrize("share", [0.15, 0.2, 0.5])
def test_no_person_stands_on_both_sides(share: float) -> None:
    found = with_groups(labelled_set(faces(30)), 6)

    split = split_by_content(found, seed=1, validation_share=share)

    people = [
        {found.samples[place].group for place in side} for side in (split.train, split.validation)
    ]
    assert people[0] & people[1] == set()
    assert abs(len(split.validation) / 240 - share) < 0.03
    assert set(counts(found, split.validation)) == set(range(8))


def test_folds_over_people_hold_out_everybody_once() -> None:
    found = with_groups(labelled_set(faces(30)), 6)

    held_out = [
        split_by_content(found, seed=4, validation_share=0.2, fold=fold).validation
        for fold in range(5)
    ]

    assert sorted(place for fold in held_out for place in fold) == list(range(240))


def test_two_people_with_the_same_image_stand_on_one_side() -> None:
    alike = [*faces(20), ("shared", 0), ("shared", 0)]
    found = with_groups(labelled_set(alike), 8)
    samples = [
        *found.samples[:-2],
        *(
            replace(s, group=g)
            for s, g in zip(found.samples[-2:], ("person 0", "person 1"), strict=True)
        ),
    ]
    found = replace(found, samples=tuple(samples))

    for seed in range(5):
        split = split_by_content(found, seed=seed, validation_share=0.2)

        sides = {
            person: {
                place in split.train
                for place, sample in enumerate(found.samples)
                if sample.group == person
            }
            for person in ("person 0", "person 1")
        }
        assert sides["person 0"] == sides["person 1"] and len(sides["person 0"]) == 1


def test_names_of_people_and_the_order_of_files_decide_nothing() -> None:
    found = with_groups(labelled_set(faces(20)), 4)
    renamed = [replace(sample, group=f"other {sample.group}") for sample in found.samples[::-1]]

    first = split_by_content(found, seed=2)
    second = split_by_content(replace(found, samples=tuple(renamed)), seed=2)

    assert first.fingerprint == second.fingerprint


def test_fewer_people_than_folds_are_refused_with_both_numbers() -> None:
    found = with_groups(labelled_set(faces(20)), 80)

    with pytest.raises(DataError, match="has 2 groups, fewer than the 5 folds"):
        split_by_content(found, seed=0, validation_share=0.2)


def test_people_come_from_a_file_or_from_folders(tmp_path: Path) -> None:
    plain = write_affectnet(tmp_path / "plain", per_expression=2)
    ids = sorted((path.stem for path in (plain / "images").iterdir()), key=int)
    before = read_affectnet(plain)
    lines = [f"{name},person {n % 3}" for n, name in enumerate(ids)]
    (plain / "groups.csv").write_text("\n".join(["id,group", *lines[:-1]]), encoding="utf-8")

    listed = read_affectnet(plain)
    for folder in ("images", "annotations"):
        for path in sorted((plain / folder).iterdir()):
            person = plain / folder / f"p{int(path.stem.split('_')[0]) % 2}"
            person.mkdir(exist_ok=True)
            path.rename(person / path.name)
    (plain / "groups.csv").unlink()
    foldered = read_affectnet(plain)

    assert {sample.group for sample in before.samples} == {None}
    assert {sample.group for sample in listed.samples} == {"person 0", "person 1", "person 2", None}
    assert listed.fingerprint != before.fingerprint
    assert {sample.group.rpartition("/")[2] for sample in foldered.samples} == {"p0", "p1"}
    assert foldered.samples[0].sample_id.startswith("p0/")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name,person\n1,a\n", "its first line must name id and group"),
        ("id,group\n1,a\n1,b\n", "line 3: 1 has another group above"),
        ("id,group\n1,\n", "line 2: id or group is empty"),
    ],
)
def test_a_groups_file_that_cannot_be_used_is_refused_by_line(
    tmp_path: Path, text: str, why: str
) -> None:
    source = write_affectnet(tmp_path / "faces", per_expression=2)
    (source / "groups.csv").write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=why):
        read_affectnet(source)
