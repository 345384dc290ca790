"""A decoder that crashes, hangs or eats memory takes only itself down."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_images import encoded, photograph, png_that_claims

from emotion_core.errors import ImageRefused, ScoringError
from emotion_core.vision import decoding
from emotion_core.vision.decoder_process import SLOTS
from emotion_core.vision.decoding import DecodePool
from emotion_core.vision.images import decode
from emotion_core.vision.preprocessing import Preprocessing

SMALL = Preprocessing(image_size=32)

# Put in front of the real decoder in a child: what these bytes do to it, they do for real.
SABOTAGE = """
import ctypes, os, signal, time
from emotion_core.vision import images
true_decode = images.decode_pixels
def decode_pixels(data, preprocessing, out):
    if data == b"crash":
        ctypes.string_at(0)
    if data == b"exit":
        os._exit(3)
    if data == b"killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if data == b"hang":
        while True: pass
    if data == b"sleep":
        time.sleep(3600)
    if data == b"eat":
        bytearray(1 << 40)
    return true_decode(data, preprocessing, out)
images.decode_pixels = decode_pixels
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with DecodePool(SMALL, 2) as made:
        yield made


@pytest.fixture
def start_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a module in the way of the children that are started from then on."""

    def start_with(module: str, code: str) -> None:
        (tmp_path / f"{module}.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)

    return start_with


@pytest.fixture(scope="module")
def sabotaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecodePool]:
    folder = tmp_path_factory.mktemp("sabotage")
    (folder / "sitecustomize.py").write_text(SABOTAGE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        with DecodePool(SMALL, 2, seconds_per_image=0.5) as made:
            yield made


def pictures(count: int) -> list[bytes]:
    return [encoded(Image.new("RGB", (40, 30), (n % 256, 90, n // 256))) for n in range(count)]


def expected(data: bytes) -> np.ndarray:
    return SMALL.pixels(decode(data))


def test_pixels_are_those_of_decoding_here(pool: DecodePool) -> None:
    files = [
        encoded(photograph()),
        encoded(photograph((32, 32))),  # the fast way writes this one straight into its place
        encoded(photograph((32, 32)), quality=40, progressive=True),
        encoded(photograph(), "PNG"),
        encoded(photograph(), "WEBP"),
        encoded(photograph().convert("CMYK")),
        encoded(photograph().convert("L")),
        encoded(photograph().convert("RGBA"), "PNG"),
        *pictures(3 * SLOTS),
    ]

    decoded = pool.decode_many(files)

    for data, pixels in zip(files, decoded, strict=True):
        assert isinstance(pixels, np.ndarray)
        assert np.array_equal(pixels, expected(data))


def test_refusals_stand_at_their_own_places(pool: DecodePool) -> None:
    good = pictures(3)
    bad = [b"", b"letter", encoded(photograph())[:900], png_that_claims(65_000, 65_000)]
    files = [bad[0], good[0], bad[1], bad[2], good[1], bad[3], good[2]]

    outcomes = pool.decode_many(files)

    assert [o.code if isinstance(o, ImageRefused) else "" for o in outcomes] == [
        "empty_file", "", "not_an_image", "truncated", "", "too_many_pixels", "",
    ]  # fmt: skip
    assert np.array_equal(outcomes[4], expected(good[1]))  # type: ignore[arg-type]
    assert pool.decode_many([]) == []


def test_decoding_into_an_array_leaves_the_rows_of_refused_files(pool: DecodePool) -> None:
    out = np.full((4, 32, 32, 3), 7, np.uint8)
    files = [pictures(1)[0], b"letter"]

    outcomes = pool.decode_into(files, out)

    assert outcomes[0] is None and outcomes[1] is not None
    assert np.array_equal(out[0], expected(files[0]))
    assert (out[1:] == 7).all()


@pytest.mark.parametrize(
    ("poison", "code"),
    [
        (b"crash", "decoder_crashed"),
        (b"exit", "decoder_crashed"),
        (b"hang", "decode_timeout"),
        (b"sleep", "decode_timeout"),
        (b"killed", "too_much_memory"),
        (b"eat", "too_much_memory"),
    ],
)
def test_poison_is_refused_and_its_neighbours_are_decoded(
    sabotaged: DecodePool, poison: bytes, code: str
) -> None:
    good = pictures(70)
    files = [*good[:5], poison, *good[5:60], poison, poison, *good[60:]]

    outcomes = sabotaged.decode_many(files)

    codes = [outcome.code for outcome in outcomes if isinstance(outcome, ImageRefused)]
    assert codes == [code] * 3
    for data, outcome in zip(files, outcomes, strict=True):
        if data != poison:
            assert np.array_equal(outcome, expected(data))  # type: ignore[arg-type]


def test_a_crash_that_another_image_caused_condemns_nobody(
    start_with: Callable[[str, str], None],
) -> None:
    # The third image a child sees kills it, whichever that is.
    start_with(
        "sitecustomize",
        "import os\n"
        "from emotion_core.vision import images\n"
        "true_decode, seen = images.decode_pixels, []\n"
        "def decode_pixels(*given):\n"
        "    seen.append(1)\n"
        "    if len(seen) == 3: os._exit(1)\n"
        "    true_decode(*given)\n"
        "images.decode_pixels = decode_pixels\n",
    )
    files = pictures(9)

    with DecodePool(SMALL, 1) as pool:
        outcomes = pool.decode_many(files)

    assert all(
        np.array_equal(outcome, expected(data))  # type: ignore[arg-type]
        for data, outcome in zip(files, outcomes, strict=True)
    )
    assert pool.count_replaced > 2


def test_an_image_that_needs_more_memory_than_allowed_is_refused_and_the_child_lives() -> None:
    large = encoded(Image.new("RGB", (5000, 5000)), "PNG")

    with DecodePool(SMALL, 1, memory_limit=40_000_000) as pool:
        outcomes = pool.decode_many([large, pictures(1)[0]])

    assert isinstance(outcomes[0], ImageRefused) and outcomes[0].code == "too_much_memory"
    assert isinstance(outcomes[1], np.ndarray)
    assert pool.count_replaced == 0


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16", "P", "1"])
def test_the_largest_images_fit_into_the_default_limits(pool: DecodePool, mode: str) -> None:
    large = encoded(Image.new(mode, (8000, 5000)), "PNG", compress_level=1)

    (pixels,) = pool.decode_many([large])

    assert isinstance(pixels, np.ndarray)


def test_children_that_somebody_kills_are_replaced_and_no_image_is_blamed(
    pool: DecodePool,
) -> None:
    before = pool.count_replaced
    killed = {child._process.pid for child in pool._all}
    for child in killed:
        os.kill(child, signal.SIGKILL)

    outcomes = pool.decode_many(pictures(200))

    assert all(isinstance(outcome, np.ndarray) for outcome in outcomes)
    assert pool.count_replaced > before
    assert not killed & {child._process.pid for child in pool._all}


def test_several_threads_may_ask_at_once(pool: DecodePool) -> None:
    files = pictures(150)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: pool.decode_many(files), range(4)))

    for answer in answers:
        assert all(
            np.array_equal(pixels, expected(data))  # type: ignore[arg-type]
            for data, pixels in zip(files, answer, strict=True)
        )


def test_children_end_with_the_process_that_started_them() -> None:
    script = (
        "import os\n"
        "from emotion_core.vision.decoding import DecodePool\n"
        "from emotion_core.vision.preprocessing import Preprocessing\n"
        "pool = DecodePool(Preprocessing(image_size=8), 1)\n"
        "print(next(iter(pool._all))._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    child = int(result.stdout)
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text():
            return
        signal.sigtimedwait([], 0.1)
    raise AssertionError("the child is still there")


def test_children_need_no_torch_and_see_no_credentials(
    monkeypatch: pytest.MonkeyPatch, start_with: Callable[[str, str], None]
) -> None:
    monkeypatch.setenv("EMOTION_DATABASE_URL", "postgresql://u:secret@h/d")
    start_with("torch", "raise ImportError('torch is not for children')")

    with DecodePool(SMALL, 1) as pool:
        environment = Path(f"/proc/{next(iter(pool._all))._process.pid}/environ").read_bytes()
        outcomes = pool.decode_many(pictures(1))

    assert isinstance(outcomes[0], np.ndarray)
    assert b"secret" not in environment


def test_children_that_cannot_start_are_a_sentence(
    start_with: Callable[[str, str], None],
) -> None:
    start_with("sitecustomize", "import os; os._exit(9)")

    with pytest.raises(ScoringError, match=r"did not start \(exit code 9\)"):
        DecodePool(SMALL, 1)


def test_large_files_travel_in_small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BYTES_PER_REQUEST", 100)

    requests = list(decoding._requests([b"x" * 60, b"x" * 60, b"x" * 300, b"x", b"x"]))

    assert [(rows.start, rows.stop) for rows in requests] == [(0, 1), (1, 2), (2, 3), (3, 5)]
