"""How a place is written: one name for each, and a sentence for what names none."""

import os
from pathlib import Path

import pytest

from emotion_core.errors import PlaceError, SettingsError
from emotion_core.files import place_named
from emotion_core.settings import Settings

DIRS = ("EMOTION_HOME", "EMOTION_RUNS_DIR", "EMOTION_REPORTS_DIR", "EMOTION_DATA_DIR")


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("/srv/in", "/srv/in"),
        ("//srv//in/./", "/srv/in"),
        ("/srv/x/../in", "/srv/in"),
        ("~/in", "/home/me/in"),
        ("in", "/home/me/here/in"),
        ("./in/", "/home/me/here/in"),
        ("a:b/in", "/home/me/here/a:b/in"),
        ("s3://b/in/", "s3://b/in"),
        ("S3://b//in", "s3://b/in"),
        ("s3://b/x/../in/.", "s3://b/in"),
        ("s3://b", "s3://b"),
        ("s3://b/", "s3://b"),
    ],
)
def test_a_place_has_one_name_however_it_is_spelt(
    monkeypatch: pytest.MonkeyPatch, written: str, place: str
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setattr(os, "getcwd", lambda: "/home/me/here")

    assert place_named(written) == place


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("/srv/in ", "ends with a space"),
        ("$HOME/in", r"nothing replaces \$HOME"),
        ("/srv/${NAME}/in", r"nothing replaces \$\{NAME\}"),
        ("s3:/b/in", "s3://bucket/folder"),
        ("s3//b/in", "s3://bucket/folder"),
        ("S3:b/in", "s3://bucket/folder"),
        ("s3:///in", "s3://bucket/folder"),
        ("file:///srv/in", "a folder as its path"),
        ("gs://b/in", "s3://bucket/folder"),
        ("~nobody-has-this-name/in", "is nobody's home"),
        ("/srv/\udcff", "is not UTF-8"),
        ("/srv/\0", "zero byte"),
        ("/srv/" + "in/" * 400, "1,000 are possible"),
    ],
)
def test_what_names_no_place_is_refused_and_named_with_its_variable(written: str, why: str) -> None:
    with pytest.raises(PlaceError, match=why):
        place_named(written)
    for variable in ("EMOTION_INBOX_DIR", "EMOTION_WEIGHTS_DIR", *DIRS) if written else ():
        with pytest.raises(SettingsError, match=f"{variable}: .*{why}"):
            Settings.from_environment({variable: written})


def test_only_the_inbox_may_be_an_address() -> None:
    for variable in ("EMOTION_WEIGHTS_DIR", *DIRS):
        with pytest.raises(SettingsError, match=f"{variable} .* only the inbox"):
            Settings.from_environment({variable: "s3://b/in"})


def test_folders_of_the_home_are_made_and_every_other_one_has_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "there").mkdir()
    home = {"EMOTION_HOME": str(tmp_path / "home")}

    for name in ("inbox_dir", "runs_dir", "reports_dir", "data_dir"):
        variable = f"EMOTION_{name.upper()}"
        assert Settings.from_environment(home).folder(name).is_dir()  # type: ignore[arg-type]
        there = Settings.from_environment({**home, variable: str(tmp_path / "there")})
        assert there.folder(name) == tmp_path / "there"  # type: ignore[arg-type]
        for wrong in ("typo", "file"):
            settings = Settings.from_environment({**home, variable: str(tmp_path / wrong)})
            with pytest.raises(SettingsError, match=f"{variable} is '.*{wrong}', which is no"):
                settings.folder(name)  # type: ignore[arg-type]
    weights = Settings.from_environment({**home, "EMOTION_WEIGHTS_DIR": str(tmp_path / "typo")})
    with pytest.raises(SettingsError, match="EMOTION_WEIGHTS_DIR is"):
        _ = weights.weights_folder
    assert not (tmp_path / "typo").exists()
