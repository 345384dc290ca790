"""Passwords and keys: drawn once, kept privately, never replaced by accident."""

from dataclasses import asdict
from pathlib import Path

import pytest

from emotion_core.errors import LocalSystemError
from emotion_core.local.credentials import load_or_create
from emotion_core.local.home import read_json, write_private_json


def test_credentials_are_drawn_once_and_only_we_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"

    first = load_or_create(path)
    second = load_or_create(path)

    assert first == second
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_credential_is_different_and_long(tmp_path: Path) -> None:
    values = list(asdict(load_or_create(tmp_path / "secrets.json")).values())

    assert len(set(values)) == len(values)
    assert min(len(value) for value in values) >= 16


def test_airflows_token_key_is_as_long_as_airflow_asks(tmp_path: Path) -> None:
    assert len(load_or_create(tmp_path / "secrets.json").jwt_secret) >= 64


def test_a_credential_that_a_later_version_needs_is_added(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    before = load_or_create(path)
    stored = read_json(path)
    assert stored is not None
    del stored["fernet_key"]
    write_private_json(path, stored)

    after = load_or_create(path)

    assert after.emotion_app == before.emotion_app
    assert after.fernet_key not in ("", before.fernet_key)


def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text('{"emotion_app": "half a pass')

    with pytest.raises(LocalSystemError, match=r"secrets\.json cannot be read"):
        load_or_create(path)

    assert path.read_text() == '{"emotion_app": "half a pass'


def test_a_file_that_others_can_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    load_or_create(path)
    path.chmod(0o644)

    load_or_create(path)

    assert path.stat().st_mode & 0o777 == 0o600


def test_credentials_do_not_show_in_a_message(tmp_path: Path) -> None:
    credentials = load_or_create(tmp_path / "secrets.json")

    assert credentials.emotion_app not in repr(credentials)


@pytest.mark.parametrize("weak", ["admin", "password-password-1", "aaaaaaaaaaaaaaaaaaaaaaaa"])
def test_a_weak_secret_that_somebody_wrote_in_is_refused_by_its_name(
    tmp_path: Path, weak: str
) -> None:
    path = tmp_path / "secrets.json"
    write_private_json(path, {**asdict(load_or_create(path)), "viewer": weak})

    with pytest.raises(LocalSystemError, match=r"viewer in .*secrets\.json") as refusal:
        load_or_create(path)

    assert weak not in str(refusal.value)
