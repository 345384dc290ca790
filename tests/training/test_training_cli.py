"""Training from a shell, on a box without database and Airflow."""

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_faces import NETWORK, make_faces

from emotion_core.training.__main__ import main
from emotion_core.training.run_directory import RunDirectory

SMALL = ["--preset", "quick", "--weights", "none", "--image-size", "32", "--epochs", "1"]
OTHER = "timm:test_resnet"
SMALL += ["--batch-size", "8", "--validation-share", "0.25", "--device", "cpu"]


def test_compare_trains_every_network_and_prints_the_floor_beside_the_results(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["compare", "--networks", OTHER, NETWORK, "--data", str(faces)]
    status = main([*command, "--out", str(tmp_path), *SMALL])

    printed = capsys.readouterr()
    table = printed.out.splitlines()[-6:]
    assert status == 0, printed.err
    assert "24 images to train, 8 held out" in printed.out
    assert printed.out.count("epoch 1/1") == 2
    assert table[0].split()[:3] == ["accuracy", "macro", "F1"]
    assert [line[:22].strip() for line in table[1:5]] == [
        OTHER,
        NETWORK,
        "constant predictor",
        "chance",
    ]
    assert table[4].split()[1] == "0.125"
    assert "8 held-out images of faces" in table[5]
    assert "read too high" not in printed.out
    for network in (OTHER, NETWORK):
        assert RunDirectory(tmp_path / network.replace(":", "_")).is_complete


def test_the_same_command_again_only_prints_the_table(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "--network", NETWORK, "--data", str(faces), "--keep", "best"]
    command += ["--out", str(tmp_path), *SMALL]
    main(command)
    first = capsys.readouterr().out

    main(command)

    again = capsys.readouterr().out
    assert "epoch 1/1" in first
    assert "epoch 1/1" not in again
    assert first.splitlines()[-6:] == again.splitlines()[-6:]
    assert f"{NETWORK} kept the epoch that is best on these images" in first
    assert "its metrics read too high: accuracy +0.000 against the last epoch" in first


def test_it_runs_as_a_module_without_database_airflow_or_typer(faces: Path, tmp_path: Path) -> None:
    blocker = (
        "import runpy, sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'sqlalchemy', 'psycopg2', 'airflow', 'typer', 'rich'}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "sys.argv = ['training', *sys.argv[1:]]\n"
        "runpy.run_module('emotion_core.training', run_name='__main__')\n"
    )
    command = ["train", "--network", NETWORK, "--data", str(faces)]
    command += ["--out", str(tmp_path), *SMALL]

    result = subprocess.run(
        [sys.executable, "-c", blocker, *command], capture_output=True, text=True
    )

    assert result.returncode == 0, result.stderr
    assert "epoch 1/1" in result.stdout


def test_what_is_left_out_is_told_and_too_much_of_it_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = make_faces(tmp_path / "faces", seed=3)
    for number in range(4):
        (broken / "images" / f"{number}.jpg").write_bytes(b"no image")

    status = main(["compare", "--data", str(broken), "--out", str(tmp_path / "out"), *SMALL])

    printed = capsys.readouterr()
    assert status == 1
    assert "left out: 4 not_an_image (images/0.jpg: " in printed.out
    assert "4 files (12.5%) cannot be used" in printed.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (["--data", "/nowhere"], "/nowhere"),
        (["--epochs", "0"], "epochs"),
        (["--dropout", "2"], "dropout"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_status(
    faces: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: list[str],
    named: str,
) -> None:
    command = ["compare", "--data", str(faces), "--out", str(tmp_path / "out"), *SMALL, *change]

    status = main(command)

    printed = capsys.readouterr()
    assert status == 1
    assert printed.err.startswith("error: ")
    assert named in printed.err
    assert len(printed.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
