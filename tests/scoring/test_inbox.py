"""The inbox: only what has arrived whole is ingested, and nothing but regular files is opened."""

import os
import random
import socket
import stat
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from factories import make_batch, make_jpeg

from emotion_core.errors import ScoringError
from emotion_core.scoring.inbox import Scan, read_arrived
from emotion_core.scoring.ingest import ingest
from emotion_core.scoring.local_folder import LocalFolder
from emotion_core.scoring.sources import get_source
from emotion_core.store.batches import ArrivedFile, refused_files
from emotion_core.store.database import Database


def scan(root: Path, settle_seconds: float = 60) -> tuple[dict[bytes, ArrivedFile], Scan]:
    looked = Scan(get_source(str(root)), now_ns=time.time_ns(), settle_seconds=settle_seconds)
    return {found.path: found for found in looked.files()}, looked


def code_of(root: Path, found: ArrivedFile) -> str | None:
    arrived = read_arrived(LocalFolder(root), found)
    assert arrived is not None
    return arrived.code


def test_a_folder_with_its_success_marker_has_arrived(tmp_path: Path) -> None:
    (tmp_path / "night/deep").mkdir(parents=True)
    (tmp_path / "night/_SUCCESS").touch()
    (tmp_path / "night/a.jpg").write_bytes(make_jpeg())
    (tmp_path / "night/deep/b.jpg").write_bytes(make_jpeg())

    files, looked = scan(tmp_path)

    assert set(files) == {b"night/a.jpg", b"night/deep/b.jpg"}
    assert looked.count_ignored == 1


def test_without_a_marker_a_file_waits_until_it_was_left_alone_for_a_while(tmp_path: Path) -> None:
    for name, age in (("old.jpg", 3600), ("new.jpg", 0)):
        (tmp_path / name).write_bytes(make_jpeg())
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))

    files, looked = scan(tmp_path)

    assert set(files) == {b"old.jpg"}
    assert looked.count_unsettled == 1


def test_unfinished_copies_and_hidden_files_are_ignored_and_counted(tmp_path: Path) -> None:
    for name in (".hidden.jpg", "a.jpg.tmp", "b.jpg.part", "_SUCCESS"):
        (tmp_path / name).write_bytes(b"x")

    files, looked = scan(tmp_path)

    assert (files, looked.count_ignored) == ({}, 4)


@pytest.mark.parametrize(
    "name",
    [
        "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        "#recycle/a.jpg",
        "#snapshot/a.jpg",
        "@Recycle/a.jpg",
        ".@__thumb/a.jpg",
        "~snapshot/a.jpg",
        ".snapshot/a.jpg",
        "lost+found/a.jpg",
        "__MACOSX/._a.jpg",
        "._a.jpg",
        ".DS_Store",
        ".Trash-1000/a.jpg",
        ".Trashes/a.jpg",
        "$RECYCLE.BIN/a.jpg",
        "System Volume Information/a.jpg",
        "Thumbs.db",
        "desktop.ini",
        "DESKTOP.INI",
        ".stfolder/a.jpg",
        ".stversions/a.jpg",
        ".sync/a.jpg",
        ".dropbox.cache/a.jpg",
        ".thumbnails/a.jpg",
        "_temporary/a.jpg",
        "a.jpg.filepart",
        "a.jpg.crdownload",
        "A.JPG.TMP",
        "~$a.jpg",
        ".~lock.a.jpg#",
        ".nfs0001",
        ".fuse_hidden0001",
        ".a.jpg.Ab12Cd",
        "a.jpg@SynoEAStream",
        "night_$folder$",
    ],
)
def test_what_file_servers_and_desktops_leave_is_ignored_and_counted_unless_it_is_listed(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(make_jpeg())

    unasked, looked = scan(tmp_path, settle_seconds=0)
    (tmp_path / "manifest.csv").write_text(f"path,size\n{name},{len(make_jpeg())}\n")
    listed, _ = scan(tmp_path)

    assert (unasked, looked.count_ignored) == ({}, 1)
    assert set(listed) == {name.encode()}


@pytest.mark.parametrize(
    "name",
    [
        "MANIFEST.CSV",
        "Manifest.csv",
        "manifest.csv.txt",
        "manifest (1).csv",
        "manifest - Copy.csv",
        "delivery_manifest.csv",
        "manifest.xlsx",
        "manifest.json",
        "manifest",
        "manifest.csv ",
        "manifest.csv.part",
        "_success",
        "_SUCCESS.txt",
        "SUCCESS",
        "_SUCCESS (1)",
    ],
)
def test_a_nearly_right_marker_holds_its_folder_and_no_other(tmp_path: Path, name: str) -> None:
    (tmp_path / "night/deep").mkdir(parents=True)
    for file in (f"night/{name}", "night/a.jpg", "night/deep/a.jpg", "b.jpg"):
        (tmp_path / file).write_bytes(make_jpeg())

    files, looked = scan(tmp_path, settle_seconds=0)
    (tmp_path / "night/_SUCCESS").touch()
    marked, _ = scan(tmp_path, settle_seconds=0)

    assert set(files) == {b"b.jpg"}
    assert [(held.folder, held.code) for held in looked.held] == [(b"night", "misnamed_marker")]
    assert name.strip() in looked.held[0].detail
    assert {b"night/a.jpg", b"night/deep/a.jpg"} < set(marked)


@pytest.mark.parametrize("name", ["manifest.jpg", "success.jpg", "successful.png", "unsuccess"])
def test_a_picture_with_such_a_name_holds_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(make_jpeg())

    assert set(scan(tmp_path, settle_seconds=0)[0]) == {name.encode()}


@pytest.mark.parametrize(
    "seconds",
    [-1, -(2**31), -70_000_000_000, 2**33, 9_980_000_000, 10_000_000_000, 300_000_000_000],
)
def test_a_file_of_any_date_is_entered_with_its_neighbours_and_known_again(
    tmp_path: Path, database: Database, seconds: int
) -> None:
    for name in ("a.jpg", "dated.jpg"):
        (tmp_path / name).write_bytes(make_jpeg())
    os.utime(tmp_path / "dated.jpg", (0, seconds))
    batch = make_batch(database, str(tmp_path), tmp_path)

    # No marker says that it is whole: a time of change in the future must not hold it for ever.
    first = ingest(database, batch, settle_seconds=0)
    second = ingest(database, batch, settle_seconds=0)

    assert (first.count_entered, first.count_unsettled) == (2, 0)
    assert (second.count_entered, second.count_known) == (0, 2)


def test_a_path_too_long_for_the_tables_is_refused_and_its_neighbours_are_entered(
    tmp_path: Path, database: Database
) -> None:
    generator = random.Random(3)
    deep = tmp_path
    (tmp_path / "a.jpg").write_bytes(make_jpeg())
    (tmp_path / "_SUCCESS").touch()
    for _ in range(14):  # text that does not compress
        deep /= "".join(generator.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=250))
        deep.mkdir()
    for name in ("b.jpg", "c.jpg", "Manifest.csv"):
        (deep / name).write_bytes(make_jpeg())
    batch = make_batch(database, str(tmp_path), tmp_path)

    first = ingest(database, batch, settle_seconds=0)
    second = ingest(database, batch, settle_seconds=0)

    assert (first.count_entered, first.count_planned) == (4, 1)
    assert (second.count_entered, second.count_known) == (0, 4)
    with database.transaction("emotion_report") as connection:
        refused = refused_files(connection, str(tmp_path))
    assert {file.reason for file in refused} == {"path_too_long"}
    assert len({file.file for file in refused}) == 3


def test_names_are_bytes_whatever_they_hold(tmp_path: Path) -> None:
    names = [b"quo\"te\n line'.jpg", b"\xff\xfe not utf-8.jpg", "Ünïcode 😀.jpg".encode()]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(make_jpeg())
    (tmp_path / "_SUCCESS").touch()

    files, _ = scan(tmp_path)

    assert set(files) == set(names)
    for found in files.values():
        arrived = read_arrived(LocalFolder(tmp_path), found)
        assert arrived is not None and arrived.sha256 is not None


def test_links_and_pipes_are_refused_without_being_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for scoring")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "_SUCCESS").touch()
    (inbox / "link.jpg").symlink_to(secret)
    os.mkfifo(inbox / "pipe.jpg")

    files, _ = scan(inbox)

    assert {path: code_of(inbox, found) for path, found in files.items()} == {
        b"link.jpg": "not_a_regular_file",
        b"pipe.jpg": "not_a_regular_file",
    }


def test_a_device_and_a_socket_are_refused_without_being_opened(tmp_path: Path) -> None:
    (tmp_path / "_SUCCESS").touch()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.jpg"))
        if os.geteuid() == 0:
            os.mknod(tmp_path / "zero.jpg", stat.S_IFCHR | 0o666, os.makedev(1, 5))

        files, _ = scan(tmp_path)

    assert set(files) >= {b"s.jpg"}
    assert {code_of(tmp_path, found) for found in files.values()} == {"not_a_regular_file"}


def test_a_hard_link_is_refused_because_its_other_name_may_lie_outside(tmp_path: Path) -> None:
    (tmp_path / "outside.jpg").write_bytes(make_jpeg())
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox/_SUCCESS").touch()
    os.link(tmp_path / "outside.jpg", tmp_path / "inbox/inside.jpg")

    files, _ = scan(tmp_path / "inbox")

    assert code_of(tmp_path / "inbox", files[b"inside.jpg"]) == "hard_link"


def test_a_folder_replaced_by_a_link_after_the_look_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.jpg").write_bytes(make_jpeg())
    (tmp_path / "inbox/night").mkdir(parents=True)
    (tmp_path / "inbox/night/a.jpg").write_bytes(make_jpeg())
    files, _ = scan(tmp_path / "inbox", settle_seconds=0)
    (tmp_path / "inbox/night/a.jpg").unlink()
    (tmp_path / "inbox/night").rmdir()

    (tmp_path / "inbox/night").symlink_to(tmp_path / "outside")

    assert code_of(tmp_path / "inbox", files[b"night/a.jpg"]) == "unreadable_file"
    with pytest.raises(OSError):
        get_source(str(tmp_path / "inbox")).read(b"night/a.jpg")
    with pytest.raises(OSError, match="out of the inbox"):
        get_source(str(tmp_path / "inbox")).read(b"../outside/a.jpg")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_what_may_not_be_read_is_a_refusal() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "closed").mkdir(0o000)
        (folder / "secret.jpg").write_bytes(make_jpeg())
        (folder / "secret.jpg").chmod(0o000)

        with as_nobody():
            files, _ = scan(folder, settle_seconds=0)
            codes = {path: code_of(folder, found) for path, found in files.items()}
        (folder / "closed").chmod(0o700)

    assert codes == {b"closed": "unreadable_file", b"secret.jpg": "unreadable_file"}


def test_a_folder_put_in_the_place_of_another_is_the_one_that_is_read(tmp_path: Path) -> None:
    inbox = LocalFolder(tmp_path)
    (tmp_path / "night").mkdir()
    (tmp_path / "night/a.jpg").write_bytes(b"first")
    first, _ = inbox.read(b"night/a.jpg")

    (tmp_path / "night").rename(tmp_path / "earlier")
    (tmp_path / "night").mkdir()
    (tmp_path / "night/b.jpg").write_bytes(b"second")

    assert first == b"first"
    assert inbox.read(b"night/b.jpg")[0] == b"second"
    with pytest.raises(FileNotFoundError):
        inbox.read(b"night/a.jpg")


def test_reading_many_folders_leaves_none_of_them_open(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / str(number)).mkdir()
        (tmp_path / f"{number}/a.jpg").write_bytes(b"a")
    inbox = LocalFolder(tmp_path)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    for number in range(20):
        inbox.read(b"%d/a.jpg" % number)

    assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208


def test_a_link_to_a_folder_is_not_walked_into(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.jpg").write_bytes(make_jpeg())
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox/way_out").symlink_to(tmp_path / "outside")
    (tmp_path / "inbox/_SUCCESS").touch()

    files, _ = scan(tmp_path / "inbox")

    assert set(files) == {b"way_out"}
    assert files[b"way_out"].code == "not_a_regular_file"


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_time(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(make_jpeg())
    files, _ = scan(tmp_path, settle_seconds=0)

    (tmp_path / "a.jpg").write_bytes(make_jpeg() + b"more")

    assert read_arrived(LocalFolder(tmp_path), files[b"a.jpg"]) is None


def test_a_file_that_vanished_is_a_refusal_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(make_jpeg())
    files, _ = scan(tmp_path, settle_seconds=0)

    (tmp_path / "a.jpg").unlink()

    assert code_of(tmp_path, files[b"a.jpg"]) == "unreadable_file"


def test_an_inbox_that_is_no_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ScoringError, match="is not a folder"):
        scan(tmp_path / "nowhere")


def test_a_large_folder_is_walked_without_holding_it(tmp_path: Path) -> None:
    (tmp_path / "_SUCCESS").touch()
    for number in range(10_000):
        (tmp_path / f"{number:060d}.jpg").touch()
    tracemalloc.start()

    looked = Scan(LocalFolder(tmp_path), now_ns=time.time_ns(), settle_seconds=60)
    count = sum(1 for _ in looked.files())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 10_000
    assert peak < 250_000  # 25 bytes a file; the names alone would be a megabyte
