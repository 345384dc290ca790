"""A manifest holds its folder back until everything on it is there, and says what is missing."""

import hashlib
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from factories import make_batch, make_jpeg

from emotion_core.errors import ImageRefused
from emotion_core.scoring.inbox import Scan, read_arrived
from emotion_core.scoring.ingest import ingest
from emotion_core.scoring.local_folder import LocalFolder
from emotion_core.scoring.reading import read_claimed
from emotion_core.store.batches import ArrivedFile, batch_summary, held_folders, known_files
from emotion_core.store.database import Database
from emotion_core.store.ledger import Claim

PICTURE = make_jpeg()
DIGEST = hashlib.sha256(PICTURE).hexdigest()


def deliver(folder: Path, *names: str, manifest: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PICTURE)
    (folder / "manifest.csv").write_text(manifest, encoding="utf-8", errors="surrogateescape")


def scan(root: Path) -> tuple[dict[bytes, ArrivedFile], dict[str, str]]:
    # Nothing settles by itself here: what is found was let through by its manifest.
    looked = Scan(LocalFolder(root), now_ns=time.time_ns(), settle_seconds=3600)
    found = {file.path: file for file in looked.files()}
    return found, {held.code: held.detail for held in looked.held}


def test_what_is_complete_is_ingested_whole_without_waiting(tmp_path: Path) -> None:
    manifest = f"sha256,path,size,note\n{DIGEST},a.jpg,{len(PICTURE)},x\n{DIGEST},sub/b.jpg,,\n"
    deliver(tmp_path / "night", "a.jpg", "sub/b.jpg", manifest=manifest)

    found, held = scan(tmp_path)

    assert set(found) == {b"night/a.jpg", b"night/sub/b.jpg"}
    assert held == {}
    assert all(file.sha256 == bytes.fromhex(DIGEST) for file in found.values())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("delimiter", "line_end"), [(",", "\n"), (";", "\r\n"), ("\t", "\r\n"), (",", "\r")]
)
def test_a_manifest_as_spreadsheets_write_it_is_understood(
    tmp_path: Path, encoding: str, delimiter: str, line_end: str
) -> None:
    deliver(tmp_path, "grüße.jpg", "b;c.jpg", manifest="")
    lines = [(' "Path"', "SIZE "), ("grüße.jpg", f"{len(PICTURE)}"), ('"b;c.jpg"', "7")]
    text = "".join(delimiter.join(line) + line_end for line in lines).replace(' "Path"', '"Path "')
    (tmp_path / "b;c.jpg").write_bytes(b"7 bytes")
    (tmp_path / "manifest.csv").write_bytes(text.encode(encoding))

    found, held = scan(tmp_path)

    assert (set(found), held) == ({"grüße.jpg".encode(), b"b;c.jpg"}, {})


@pytest.mark.parametrize(
    ("listed", "there", "written"),
    [
        ("B.jpg", "b.JPG", "b.JPG"),
        ("gru\u0308n.jpg", "gr\u00fcn.jpg", "gr%C3%BCn.jpg"),
        ("gr\u00fcn.jpg", "gru\u0308n.jpg", "gru%CC%88n.jpg"),
        ("gr\udcfcn.jpg", "gr\u00fcn.jpg", "gr%C3%BCn.jpg"),
        ("Sub\\b.jpg", "sub/b.jpg", "sub/b.jpg"),
    ],
)
def test_a_name_spelt_otherwise_than_what_lies_there_is_told_apart(
    tmp_path: Path, listed: str, there: str, written: str
) -> None:
    deliver(tmp_path, there, manifest=f"path,size\n{listed},{len(PICTURE)}\n")

    found, held = scan(tmp_path)
    corrected = f"path,size\n{written},{len(PICTURE)}\n"
    deliver(tmp_path, manifest=corrected)

    assert found == {}
    assert held["manifest_missing"].endswith(f"{there} is there, which a manifest writes {written}")
    assert scan(tmp_path)[1] == {}


def test_a_missing_file_holds_the_whole_folder_and_no_other(tmp_path: Path) -> None:
    manifest = f"path,size\na.jpg,{len(PICTURE)}\nb.jpg,{len(PICTURE)}\n"
    deliver(tmp_path / "half", "a.jpg", manifest=manifest)
    deliver(tmp_path / "whole", "a.jpg", "b.jpg", manifest=manifest)

    found, held = scan(tmp_path)

    assert set(found) == {b"whole/a.jpg", b"whole/b.jpg"}
    assert held == {"manifest_missing": "1 of 2 files, for example b.jpg"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"a.jpg,{len(PICTURE) + 1},", "manifest_size"),
        (f"a.jpg,,{'0' * 64}", "manifest_sha256"),
        (f"a.jpg,{len(PICTURE)},{'0' * 64}", "manifest_sha256"),
        (f"b.jpg,{len(PICTURE)},", "manifest_missing"),
    ],
)
def test_every_mismatch_has_its_reason(tmp_path: Path, line: str, code: str) -> None:
    deliver(tmp_path, "a.jpg", manifest=f"path,size,sha256\n{line}\n")

    found, held = scan(tmp_path)

    assert found == {}
    assert set(held) == {code}


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        ("", "must name the columns"),
        ("name|size\na.jpg|1\n", "and names 'name|size'"),
        ("path\na.jpg\n", "must name the columns"),
        ("path,size\n../a.jpg,1\n", "line 2: '../a.jpg' is no path inside the folder"),
        ("path,size\n/etc/passwd,1\n", "no path inside"),
        ("path,size\n%2e%2e/a.jpg,1\n", "no path inside"),
        ("path,size\na%00.jpg,1\n", "no path inside"),
        ("path,size\na.jpg,many\n", "no number of bytes"),
        ("path,sha256\na.jpg,abc\n", "not 64 hex digits"),
        ("path,size,sha256\na.jpg,,\n", "neither size nor sha256"),
        (f"path,size\na.jpg,{len(PICTURE)}\na.jpg,{len(PICTURE)}\n", "lists a file twice"),
        ('path,size\n"a.jpg', "unexpected end of data"),
        ("path,size\n" + "a" * 200_000 + ",1\n", "field larger than field limit"),
        ("path,size\na\0.jpg,1\n", "line"),
    ],
)
def test_a_manifest_that_cannot_be_read_holds_its_folder_and_says_why(
    tmp_path: Path, manifest: str, complaint: str
) -> None:
    deliver(tmp_path, "a.jpg", manifest=manifest)

    found, held = scan(tmp_path)

    assert found == {}
    assert complaint in held["manifest_unreadable"]


def test_names_that_are_no_text_can_be_percent_escaped_or_written_as_they_are(
    tmp_path: Path,
) -> None:
    names = [b"\xff.jpg", b"two\nlines.jpg", b"100%.jpg", b"a%20b.jpg", "grüße.jpg".encode()]
    written = ["%FF.jpg", "two%0Alines.jpg", "100%.jpg", "a%2520b.jpg", "grüße.jpg"]
    for name in names:
        Path(tmp_path / name.decode("utf-8", "surrogateescape")).write_bytes(PICTURE)
    lines = "".join(f"{name},{len(PICTURE)}\n" for name in written)
    deliver(tmp_path, manifest=f"\ufeffpath,size\n{lines}")

    found, held = scan(tmp_path)

    assert (set(found), held) == (set(names), {})


def test_files_beside_the_manifest_that_it_does_not_list_wait_alone(tmp_path: Path) -> None:
    deliver(tmp_path, "a.jpg", "stray.jpg", manifest=f"path,size\na.jpg,{len(PICTURE)}\n")
    (tmp_path / "b.jpg.part").write_bytes(b"x")

    found, held = scan(tmp_path)

    assert set(found) == {b"a.jpg"}
    assert held == {"manifest_unlisted": "1 files, for example stray.jpg"}


def test_a_listed_link_is_refused_and_does_not_hold_its_neighbours(tmp_path: Path) -> None:
    deliver(tmp_path, "a.jpg", manifest=f"path,size\na.jpg,{len(PICTURE)}\nlink.jpg,1\n")
    (tmp_path / "link.jpg").symlink_to("/etc/hostname")

    found, _ = scan(tmp_path)

    assert found[b"link.jpg"].code == "not_a_regular_file"
    assert found[b"a.jpg"].code is None


def test_bytes_replaced_after_the_check_are_not_taken_for_those_that_were_checked(
    tmp_path: Path,
) -> None:
    deliver(tmp_path, "a.jpg", manifest=f"path,sha256\na.jpg,{DIGEST}\n")
    found, _ = scan(tmp_path)

    (tmp_path / "a.jpg").write_bytes(make_jpeg((1, 2, 3)))
    arrived = read_arrived(LocalFolder(tmp_path), found[b"a.jpg"])
    claim = Claim(1, 1, bytes.fromhex(DIGEST), ((str(tmp_path), b"a.jpg"),))

    assert arrived is not None and arrived.sha256 == bytes.fromhex(DIGEST)
    with pytest.raises(ImageRefused, match="changed_since_arrival"):
        read_claimed(claim)
    assert set(scan(tmp_path)[1]) == {"manifest_sha256"}


def test_bytes_that_change_while_the_manifest_is_checked_hold_the_folder(tmp_path: Path) -> None:
    deliver(tmp_path, "a.jpg", manifest=f"path,sha256\na.jpg,{DIGEST}\n")

    class Changing(LocalFolder):
        def read(self, path: bytes, limit: int = 0) -> tuple[bytes, Any]:
            (tmp_path / "a.jpg").write_bytes(make_jpeg((1, 2, 3)))
            _, after = super().read(path)
            return PICTURE, after

    looked = Scan(Changing(tmp_path), now_ns=time.time_ns(), settle_seconds=3600)

    assert list(looked.files()) == []
    assert [held.code for held in looked.held] == ["manifest_sha256"]


@pytest.mark.parametrize("is_listed", [False, True])
def test_bytes_are_read_and_hashed_once_and_a_manifest_is_parsed_once(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, is_listed: bool
) -> None:
    pictures = [make_jpeg((number, 2, 3)) for number in range(12)]
    lines = [f"{n}.jpg,{hashlib.sha256(p).hexdigest()}\n" for n, p in enumerate(pictures)]
    deliver(tmp_path, manifest="path,sha256\n" + "".join(lines))
    for number, picture in enumerate(pictures):
        (tmp_path / f"{number}.jpg").write_bytes(picture)
    if not is_listed:
        (tmp_path / "manifest.csv").rename(tmp_path / "_SUCCESS")
    batch = make_batch(database, str(tmp_path), source=tmp_path)
    calls: Counter[str] = Counter()

    def count(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, counting)

    for owner, name in ((LocalFolder, "read"), (LocalFolder, "open"), (hashlib, "sha256")):
        count(owner, name)
    ingested = ingest(database, batch, settle_seconds=60)

    assert ingested.count_entered == 12
    assert calls == Counter(read=12, sha256=12) + Counter(open=int(is_listed))


def test_a_held_folder_is_stored_shown_and_ingested_once_it_is_complete(
    tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = f"path,sha256\na.jpg,{DIGEST}\nb.jpg,{DIGEST}\n"
    deliver(tmp_path / "night", "a.jpg", manifest=manifest)
    batch = make_batch(database, str(tmp_path), source=tmp_path)

    first = ingest(database, batch, settle_seconds=0)
    with database.transaction("emotion_report") as connection:
        waiting = held_folders(connection, str(tmp_path))
        summary = batch_summary(connection, str(tmp_path))
    (tmp_path / "night/b.jpg").write_bytes(PICTURE)
    second = ingest(database, batch, settle_seconds=0)

    assert (first.count_entered, first.count_held) == (0, 1)
    assert [(w.folder, w.reason, w.count_files) for w in waiting] == [
        ("night", "manifest_missing", 1)
    ]
    assert summary is not None and summary.count_held == 1
    assert "held back night: manifest_missing, 1 of 2 files, for example b.jpg" in caplog.text
    assert (second.count_entered, second.count_held, second.count_planned) == (2, 0, 1)
    with database.transaction("emotion_report") as connection:
        assert held_folders(connection, str(tmp_path)) == []


def test_what_is_known_is_not_read_again_to_check_its_manifest(
    tmp_path: Path, database: Database
) -> None:
    deliver(tmp_path, "a.jpg", manifest=f"path,sha256\na.jpg,{DIGEST}\n")
    batch = make_batch(database, str(tmp_path), source=tmp_path)
    ingest(database, batch, settle_seconds=0)

    class Unread(LocalFolder):
        def read(self, path: bytes, limit: int = 0) -> tuple[bytes, object]:  # type: ignore[override]
            raise AssertionError(path)

    with database.transaction("emotion_score") as connection:
        looked = Scan(
            Unread(tmp_path),
            now_ns=time.time_ns(),
            settle_seconds=0,
            known=lambda asked: known_files(connection, batch.source, asked),
        )
        found = [file.path for file in looked.files()]

    assert (found, looked.held) == ([b"a.jpg"], [])


def test_a_manifest_replaced_every_night_says_nothing_of_earlier_files(
    tmp_path: Path, database: Database
) -> None:
    held: list[list[str]] = []

    for night in ("a.jpg", "b.jpg", "c.jpg"):
        deliver(tmp_path, night, manifest=f"path,size\n{night},{len(PICTURE)}\n")
        if night == "c.jpg":
            (tmp_path / "stray.jpg").write_bytes(PICTURE)
        batch = make_batch(database, f"{tmp_path} {night}", source=tmp_path)
        intake = ingest(database, batch, settle_seconds=0)
        assert intake.count_entered == 1
        with database.transaction("emotion_report") as connection:
            held.append([f.detail for f in held_folders(connection, f"{tmp_path} {night}")])

    assert held == [[], [], ["1 files, for example stray.jpg"]]
