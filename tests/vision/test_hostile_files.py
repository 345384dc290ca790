"""Each hostile file has exactly one outcome, in time, and harms no neighbour."""

import hashlib
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hostile_files import mutations
from test_images import encoded, photograph

from emotion_core.errors import ImageRefused
from emotion_core.vision.decoding import DecodePool
from emotion_core.vision.images import decode
from emotion_core.vision.preprocessing import Preprocessing

SMALL = Preprocessing(image_size=32)
COUNT = 20_000

PILLOW = "pillow==13.0.0"
PILLOW_SHA256 = "cdcd1ba258178f7356d74170c9a81ba4eab6a5d55748bc402a5a2a6fe6be3510"

RecordProperty = Callable[[str, object], None]


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    """The limit on time is the one that is promised: an image that needs a second is refused."""
    with DecodePool(SMALL, 2, seconds_per_image=1.0) as made:
        yield made


def outcomes_of(pool: DecodePool, hostile: list[bytes]) -> Counter[str]:
    """Decode hostile files, each beside a valid one; how often each outcome came."""
    valid = encoded(photograph((32, 32)))
    pixels = SMALL.pixels(decode(valid))
    counted: Counter[str] = Counter()
    for start in range(0, len(hostile), 1000):
        chunk = hostile[start : start + 1000]
        mixed = [file for pair in zip(chunk, [valid] * len(chunk), strict=True) for file in pair]
        decoded = pool.decode_many(mixed)
        assert len(decoded) == len(mixed)
        assert all(np.array_equal(neighbour, pixels) for neighbour in decoded[1::2])  # type: ignore[arg-type]
        for outcome in decoded[::2]:
            counted[outcome.code if isinstance(outcome, ImageRefused) else "decoded"] += 1
    return counted


def told(counted: Counter[str], pool: DecodePool, seconds: float) -> str:
    counts = ", ".join(f"{number:,} {code}" for code, number in counted.most_common())
    return (
        f"{counted.total():,} files with as many valid neighbours in {seconds:.0f} s: {counts}; "
        f"{pool.count_replaced} decoders replaced, 0 neighbours lost"
    )


def test_twenty_thousand_damaged_files(pool: DecodePool, record_property: RecordProperty) -> None:
    hostile = list(mutations(COUNT, seed=4))
    began = time.monotonic()

    counted = outcomes_of(pool, hostile)

    assert counted.total() == COUNT == len(hostile)
    assert len(set(hostile)) > 0.95 * COUNT
    assert min(counted["decoded"], counted["truncated"], counted["decode_error"]) > 1000
    assert "decode_timeout" not in counted
    record_property("figure", f"hostile files: {told(counted, pool, time.monotonic() - began)}")


def test_pillows_own_collection_of_malformed_images(
    pool: DecodePool, record_property: RecordProperty, tmp_path: Path
) -> None:
    hostile = pillow_images(tmp_path)
    began = time.monotonic()

    counted = outcomes_of(pool, hostile)

    assert counted.total() == len(hostile) > 900
    assert counted["decoded"] > 100 and counted["unsupported_format"] > 100
    record_property(
        "figure", f"Pillow's test images: {told(counted, pool, time.monotonic() - began)}"
    )


def pillow_images(folder: Path) -> list[bytes]:
    """Every file of ``Tests/images`` in Pillow's source distribution, from a package registry."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{PILLOW} --hash=sha256:{PILLOW_SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-binary", "pillow", "--no-deps", "--require-hashes", "--retries", "1"]
    fetched = subprocess.run(
        [*command, "--dest", str(folder), "-r", str(wanted)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    archives = list(folder.glob("pillow-*.tar.gz"))
    if not archives:
        pytest.skip(
            f"Pillow's source could not be fetched: {(fetched.stderr.strip() or '?')[-200:]}"
        )
    assert hashlib.sha256(archives[0].read_bytes()).hexdigest() == PILLOW_SHA256
    images = []
    with tarfile.open(archives[0]) as archive:
        for member in archive:
            if "/Tests/images/" in member.name and member.isfile():
                file = archive.extractfile(member)
                assert file is not None
                images.append(file.read())
    return images
