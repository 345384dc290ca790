"""Where networks run."""

import os
from pathlib import Path

import pytest
import torch

from emotion_core.errors import SettingsError
from emotion_core.vision import processor
from emotion_core.vision.device import available_cores, pick_device, prepare_device
from emotion_core.vision.engines import candidates


@pytest.mark.parametrize(
    ("text", "limit"), [("150000 100000\n", 2), ("50000 100000", 1), ("1600000 100000", 16)]
)
def test_a_containers_quota_limits_the_cores(tmp_path: Path, text: str, limit: int) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text)

    cores = available_cores(quota)

    assert cores == min(limit, len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("text", ["max 100000\n", "", "nonsense"])
def test_without_a_quota_the_affinity_counts(tmp_path: Path, text: str) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text)

    assert available_cores(quota) == len(os.sched_getaffinity(0))
    assert available_cores(tmp_path / "missing") == len(os.sched_getaffinity(0))


def test_preparing_never_raises_the_number_of_threads() -> None:
    before = torch.get_num_threads()

    prepare_device(torch.device("cpu"))

    assert 1 <= torch.get_num_threads() <= before


@pytest.mark.parametrize(
    ("limit", "rounds"),
    [
        ("", True),
        ("ALL", True),
        ("AVX512_CORE_AMX", True),
        ("avx512_core_fp16", True),
        ("AVX512_CORE_BF16", True),
        ("AVX512_CORE", False),
        ("AVX2", False),
    ],
)
@pytest.mark.parametrize("variable", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
def test_no_instruction_is_counted_on_that_the_libraries_may_not_use(
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    limit: str,
    rounds: bool,
) -> None:
    flags = "avx2 avx512f avx512_vnni avx512_bf16 amx_bf16 amx_tile"
    monkeypatch.setattr(processor, "_described", lambda key: flags)
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, limit)

    assert processor.has_bfloat16() == rounds
    assert any(choice.precision == "bf16" for choice in candidates("cpu", 70)) == rounds


def test_auto_takes_a_gpu_exactly_when_there_is_one() -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"

    assert pick_device("auto").type == expected
    assert pick_device("cpu").type == "cpu"


def test_cuda_without_a_gpu_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(SettingsError, match="no CUDA GPU"):
        pick_device("cuda")
