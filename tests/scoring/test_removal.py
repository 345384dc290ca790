"""Removing delivered files: nothing outside of the inbox, nothing that was replaced."""

import hashlib
from pathlib import Path

import pytest

from emotion_core.privacy.removal import remove_content, remove_delivery, remove_met_manifests
from emotion_core.scoring.local_folder import LocalFolder
from emotion_core.store.tombstone_key import TombstoneKey

KEY = TombstoneKey(b"k" * 32)
MARK = KEY.content(hashlib.sha256(b"mia").digest())


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox" / "monday").mkdir(parents=True)
    (tmp_path / "inbox" / "monday" / "mia.jpg").write_bytes(b"mia")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "mia.jpg").write_bytes(b"mia")
    return tmp_path / "inbox"


def test_a_file_in_a_folder_is_removed(inbox: Path) -> None:
    assert remove_content(str(inbox), b"monday/mia.jpg", MARK, KEY) is None

    assert list((inbox / "monday").iterdir()) == []


def test_a_folder_that_was_replaced_by_a_link_leads_nowhere(inbox: Path) -> None:
    (inbox / "monday" / "mia.jpg").unlink()
    (inbox / "monday").rmdir()
    (inbox / "monday").symlink_to(inbox.parent / "outside")

    problem = remove_content(str(inbox), b"monday/mia.jpg", MARK, KEY)

    assert problem is not None and problem.startswith("it cannot be removed")
    assert (inbox.parent / "outside" / "mia.jpg").exists()


def test_a_path_that_leads_out_is_refused(inbox: Path) -> None:
    with pytest.raises(OSError, match="leads out"):
        LocalFolder(inbox).remove(b"../outside/mia.jpg")

    assert (inbox.parent / "outside" / "mia.jpg").exists()


def test_other_bytes_under_the_name_stay(inbox: Path) -> None:
    (inbox / "monday" / "mia.jpg").write_bytes(b"ben")

    by_content = remove_content(str(inbox), b"monday/mia.jpg", MARK, KEY)
    by_hash = remove_delivery(str(inbox), b"monday/mia.jpg", 3, 0, hashlib.sha256(b"mia").digest())
    by_time = remove_delivery(str(inbox), b"monday/mia.jpg", 3, 1, None)

    assert (by_content, by_hash, by_time) == (None, None, None)
    assert (inbox / "monday" / "mia.jpg").read_bytes() == b"ben"


def test_a_manifest_stays_while_something_of_it_is_there(inbox: Path) -> None:
    (inbox / "manifest.csv").write_text("path,size\nmonday/mia.jpg,3\nmonday/ben.jpg,3\n")
    removed = {(str(inbox), b"monday/ben.jpg")}

    before = remove_met_manifests(removed)
    (inbox / "monday" / "mia.jpg").unlink()
    after = remove_met_manifests(removed)

    assert (before, after) == (0, 1)
    assert not (inbox / "manifest.csv").exists()
