"""What only a GPU can tell: tests, training and scoring rates, and held-out metrics of `tuned`.

    benchmarks/gpu.sh                                      # drawn faces
    EMOTION_REAL_DATA=a.zip EMOTION_PRETRAINING_DATA=f.zip OUT=results benchmarks/gpu.sh

Each part is a process of its own with its own time limit. One that fails or is cut stops no other
and keeps what it had measured. `gpu.json` and `gpu.md` are written anew after each part; what a
part printed is in `<part>.log`. Needs no database, no Airflow and no network.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from benchmarks.harness import FAST_MALLOC, ROOT, ceiling_lines, machine, probe, timed
from emotion_core.vision.architectures import MAIN_NETWORKS

TOTAL_SECONDS: Final = 470
"""Of all parts together: with the start of Python it stays below eight minutes."""

METRICS: Final = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "mean_average_precision": "mAP",
    "ccc_valence": "CCC valence",
    "ccc_arousal": "CCC arousal",
    "rmse_valence": "RMSE valence",
    "rmse_arousal": "RMSE arousal",
}

Keep = Callable[[dict[str, Any]], None]
"""Writes down what a part has measured so far."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    networks: tuple[str, ...] = MAIN_NETWORKS
    image_size: int = 224
    pretraining_image_size: int = 112
    epochs: int = 12
    pretraining_epochs: int = 1
    batch_size: int = 32
    """Of the trainings with `tuned`."""
    seeds: tuple[int, ...] = (1, 2, 3)
    drawn: int = 200
    """Faces of each expression, where none are given."""
    bench_images: int = 2048
    bench_batch_size: int = 128
    score_images: int = 2048
    """Scored to measure a rate; a quarter of them are distinct."""

    def scaled(self, networks: Sequence[str] | None) -> "Plan":
        """The same with other networks."""
        return Plan(**(asdict(self) | {"networks": tuple(networks or self.networks)}))


SMALL: Final = Plan(
    networks=("timm:test_efficientnet",),
    image_size=64,
    pretraining_image_size=32,
    epochs=1,
    batch_size=8,
    seeds=(1,),
    drawn=16,
    bench_images=32,
    bench_batch_size=16,
    score_images=256,
)

# --- the parts; each runs in a process of its own ----------------------------------------------


def run_tests(plan: Plan, work: Path, facts: dict[str, Any], keep: Keep) -> None:
    """The tests marked `gpu`; where there is none, only whether they can be collected."""
    if not find_spec("pytest"):
        keep({"not_run": "pytest is not installed"})
        return
    tests = (ROOT / "tests").rglob("test_*.py")
    files = [path for path in tests if "@pytest.mark.gpu" in path.read_text()]
    has_gpu = facts["device_kind"] == "cuda"
    found = work / "tests.xml"
    # Neither the project's options nor its conftest, which need plugins and a database.
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "--noconftest", "-c", os.devnull]
    command += ["--rootdir", str(ROOT), "-p", "no:cacheprovider", f"--junitxml={found}"]
    done = subprocess.run(
        [*command, *([] if has_gpu else ["--collect-only", "-q"]), *map(str, files)], check=False
    )
    if not has_gpu:
        if done.returncode:
            raise SystemExit(done.returncode)
        keep({"not_run": "no CUDA device; the tests can be collected"})
        return
    cases = ElementTree.parse(found).iter("testcase")  # noqa: S314  - pytest has just written it
    outcomes = {case.get("name", ""): {one.tag for one in case} for case in cases}
    bad = [name for name, tags in outcomes.items() if tags & {"failure", "error"}]
    keep({"tests": len(outcomes), "failed": bad})
    if done.returncode:
        raise SystemExit(done.returncode)


def run_training_rates(plan: Plan, work: Path, facts: dict[str, Any], keep: Keep) -> None:
    """`benchmarks/training.py`: each network's training beside the plain loop, once each."""
    from benchmarks.training import compare

    found: dict[str, Any] = {}
    for network in plan.networks:
        options = argparse.Namespace(
            data=facts["data"],
            network=network,
            preset="seed",
            images=plan.bench_images,
            image_size=plan.image_size,
            batch_size=plan.bench_batch_size,
            repeats=1,
            workers=min(8, os.cpu_count() or 1),
            device="auto",
        )
        found[network] = compare(options)
        keep(found)


def run_trainings(plan: Plan, work: Path, facts: dict[str, Any], keep: Keep) -> None:
    """`tuned` after a stage on other faces: every seed's training at the same time."""
    shared = ["--preset", "tuned", "--data", facts["data"], "--weights", facts["weights"]]
    shared += ["--pretraining-data", facts["pretraining_data"]]
    shared += ["--pretraining-epochs", str(plan.pretraining_epochs)]
    shared += ["--pretraining-image-size", str(plan.pretraining_image_size)]
    shared += ["--image-size", str(plan.image_size), "--epochs", str(plan.epochs)]
    shared += ["--batch-size", str(plan.batch_size), "--networks", *plan.networks]
    command = [sys.executable, "-W", "ignore", "-m", "emotion_core.training", "compare", *shared]
    running = {
        seed: subprocess.Popen([*command, "--seed", str(seed), "--out", str(runs_of(work, seed))])
        for seed in plan.seeds
    }
    while any(process.poll() is None for process in running.values()):
        keep(finished_runs(plan, work))
        time.sleep(1)
    keep(finished_runs(plan, work))
    if failed := [seed for seed, process in running.items() if process.returncode]:
        raise SystemExit(f"the trainings with seed {', '.join(map(str, failed))} failed")


def runs_of(work: Path, seed: int) -> Path:
    """Folder of one seed's run directories."""
    return work / "runs" / f"seed-{seed}"


def finished_runs(plan: Plan, work: Path) -> dict[str, Any]:
    """By network, what each finished training reached on the faces that it held out."""
    from emotion_core.training.run_directory import RunDirectory

    found: dict[str, Any] = {}
    for network in plan.networks:
        for seed in plan.seeds:
            run = RunDirectory(runs_of(work, seed) / network.replace(":", "_"))
            if not run.is_complete:
                continue
            result = run.read()
            summary = result.summary
            found.setdefault(network, []).append(
                {
                    "seed": seed,
                    "held_out": summary["split"]["count_validation"],
                    "metrics": {name: result.metrics["validation"][name] for name in METRICS},
                    "constant_predictor": summary["constant_predictor"],
                    "weights_origin": summary["weights_origin"],
                    "device": summary["device"],
                    "precision": summary["precision"],
                    "seconds": summary["seconds"],
                    "images_per_second": summary["images_per_second"],
                }
            )
    return found


def run_engines(plan: Plan, work: Path, facts: dict[str, Any], keep: Keep) -> None:
    """Each engine's rate in memory, and its scores beside eager float32 on the CPU."""
    import numpy as np

    from benchmarks.scoring import lay_out_images, pixels_of, random_model
    from emotion_core.vision import engine_openvino, engines
    from emotion_core.vision.checkpoint import load_model
    from emotion_core.vision.cost import measure_cost
    from emotion_core.vision.description import read_description
    from emotion_core.vision.engine_agreement import compare
    from emotion_core.vision.prepared_engines import MOST_FACES, prepare_engine

    kind = facts["device_kind"]
    images = work / "images"
    lay_out_images(images, plan.score_images // 4)
    probed: dict[str, dict[str, float]] = {}
    found: dict[str, Any] = {}
    for network in plan.networks:
        model = runs_of(work, plan.seeds[0]) / network.replace(":", "_")
        is_trained = (model / "metrics.json").exists()
        if not is_trained:
            model = random_model(network, work / "random", plan.image_size)
        distinct = pixels_of(model, images, plan.score_images // 4)
        checks = distinct[:MOST_FACES]
        pixels = np.resize(distinct, (plan.score_images, *distinct.shape[1:]))
        expected = engines.load(engines.Choice("eager"), work, model, "cpu").score(checks)
        entry: dict[str, Any] = {"trained": is_trained, "engines": []}
        found[network] = entry
        for choice in [engines.Choice("eager"), *engines.candidates(kind, len(checks))]:
            folder = work / "engines" / network
            if choice.engine == "openvino" and not folder.exists():
                folder.mkdir(parents=True)
                engine_openvino.store(
                    load_model(model)[0], read_description(model).preprocessing, folder
                )
            engine = engines.load(choice, folder, model, kind)
            agreement = compare(expected, engine.score(checks), len(checks))
            score = partial(engine.score, pixels)
            seconds = min(timed(score) for _ in range(3))
            rounds = kind == "cuda" or choice.precision == "bf16"
            entry["engines"].append(
                {
                    "engine": choice.label,
                    "precision": "bf16" if rounds else "f32",
                    "images_per_second": len(pixels) / seconds,
                    "keeps_scores": agreement.keeps_scores,
                    **asdict(agreement),
                }
            )
            keep(found)
        entry["flops"] = measure_cost(model, "auto").flops
        entry["ceilings"] = []
        for precision in sorted({one["precision"] for one in entry["engines"]}):
            if precision not in probed:
                probed[precision] = probe(kind, precision)
            rates = {
                one["engine"]: one["images_per_second"]
                for one in entry["engines"]
                if one["precision"] == precision
            }
            entry["ceilings"] += ceiling_lines(precision, probed[precision], rates, entry["flops"])
        began = time.perf_counter()
        entry["chosen"] = prepare_engine(model, "auto", checks).choice.label
        entry["prepared_seconds"] = time.perf_counter() - began
        keep(found)


@dataclass(frozen=True)
class TimedPart:
    """One part, its time limit, and how much it leaves to those after it."""

    title: str
    run: Callable[[Plan, Path, dict[str, Any], Keep], None]
    seconds: int
    reserved: int = 0


PARTS: Final = {
    "tests": TimedPart("Tests marked gpu", run_tests, 60),
    "training": TimedPart("Training beside a plain loop", run_training_rates, 130),
    "tuned": TimedPart(
        "Preset tuned after a stage on other faces", run_trainings, 400, reserved=70
    ),
    "engines": TimedPart("Scoring engines", run_engines, 100),
}

# --- the run -----------------------------------------------------------------------------------


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("build/gpu"))
    parser.add_argument("--small", action="store_true", help="a minute or two on a CPU")
    parser.add_argument("--networks", nargs="+", help="default: both main networks")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=TOTAL_SECONDS, help="of all parts")
    asked = parser.parse_args()
    ends = time.monotonic() + asked.seconds
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a part's processes end, too
    plan = (SMALL if asked.small else Plan()).scaled(asked.networks)
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="emotion-gpu-") as folder:
        work = Path(folder)
        facts = gather_facts(plan, work)
        results: dict[str, Any] = {"facts": facts, "plan": asdict(plan), "parts": {}}
        write(asked.out, results)
        for name in asked.parts:
            part = PARTS[name]
            left = ends - time.monotonic()
            if any(other in asked.parts for other in list(PARTS)[list(PARTS).index(name) + 1 :]):
                left -= part.reserved
            kept = work / f"{name}.json"
            given = json.dumps([asdict(plan), str(work), facts, str(kept)])
            command = [sys.executable, "-W", "ignore", __file__, "--part", name, given]
            results["parts"][name] = run_part(
                command, min(part.seconds, left), kept, asked.out / f"{name}.log"
            )
            write(asked.out, results)
            print(f"{part.title}: {results['parts'][name]['status']}", flush=True)
    print(f"{asked.out / 'gpu.md'}")


def gather_facts(plan: Plan, work: Path) -> dict[str, Any]:
    """The machine, the faces and the weights; draws faces where none are named."""
    import torch

    from emotion_core.drawn_faces.dataset import draw_dataset
    from emotion_core.settings import Settings
    from emotion_core.vision.device import device_name, pick_device
    from emotion_core.vision.pretrained import imagenet_available

    device = pick_device()
    data = os.environ.get("EMOTION_REAL_DATA")
    earlier = os.environ.get("EMOTION_PRETRAINING_DATA")
    weights_dir = Settings.from_environment().weights_folder
    has_weights = all(imagenet_available(network, weights_dir) for network in plan.networks)
    return {
        "machine": machine("torch", "torchvision", "timm", "numpy"),
        "device": device_name(device),
        "device_kind": device.type,
        "cuda": torch.version.cuda,
        "data": data or str(draw_dataset(work / "faces", per_expression=plan.drawn, seed=1)),
        "pretraining_data": earlier or str(draw_class_folders(work / "folders", plan.drawn)),
        "is_drawn": not data,
        "pretraining_is_drawn": not earlier,
        "weights": "imagenet" if has_weights else "none",
    }


def draw_class_folders(folder: Path, per_expression: int) -> Path:
    """Drawn faces in one folder per expression, 112 pixels wide."""
    import numpy as np

    from emotion_core.drawn_faces.dataset import draw_face
    from emotion_core.emotions import EXPRESSIONS

    rng = np.random.default_rng(2)
    for index, expression in enumerate(EXPRESSIONS):
        (folder / expression).mkdir(parents=True)
        for number in range(per_expression):
            face = draw_face(index, rng.uniform(-1, 1), rng.uniform(-1, 1), rng)
            face.resize((112, 112)).save(folder / expression / f"{number:05}.jpg")
    return folder


def run_part(command: list[str], seconds: float, kept: Path, log: Path) -> dict[str, Any]:
    """Run a part in its own group of processes, all of which end with it.

    Args:
        seconds: How long it may take.
        kept: Where it writes what it has measured, in JSON.
        log: Gets what it prints.

    Returns:
        ``status`` (``ran``, ``failed`` or ``cut``, with the reason), ``seconds`` and ``results``:
        all that it had measured.
    """
    if seconds <= 0:
        return {"status": "cut: no time was left", "seconds": 0.0, "results": {}}
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | FAST_MALLOC,
            cwd=ROOT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=seconds)
            status = "ran" if code == 0 else f"failed: {last_line(log)}"
        except subprocess.TimeoutExpired:
            status = f"cut after {seconds:.0f} s"
        finally:
            with suppress(ProcessLookupError):  # all of them have ended
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    results = json.loads(kept.read_text()) if kept.exists() else {}
    if "not_run" in results:
        status = f"not run: {results['not_run']}"
    return {"status": status, "seconds": time.monotonic() - began, "results": results}


def last_line(log: Path) -> str:
    """What a part said last."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


def write(out: Path, results: dict[str, Any]) -> None:
    """Both files, each whole."""
    for name, text in (
        ("gpu.json", json.dumps(results, indent=2) + "\n"),
        ("gpu.md", report(results)),
    ):
        (out / f".{name}").write_text(text)
        (out / f".{name}").replace(out / name)


# --- what people read --------------------------------------------------------------------------


def report(results: dict[str, Any]) -> str:
    """The results in Markdown."""
    facts, plan, parts = results["facts"], results["plan"], results["parts"]
    weights = "ImageNet's" if facts["weights"] == "imagenet" else "random: ImageNet's are not here"
    faces = "drawn, so metrics say nothing about people" if facts["is_drawn"] else "real"
    earlier = "drawn" if facts["pretraining_is_drawn"] else "real"
    lines = [
        f"# {facts['device']}",
        "",
        f"- {facts['machine']}; CUDA {facts['cuda']}",
        f"- Faces: {faces}; in the earlier stage: {earlier}",
        f"- Weights to start from: {weights}",
        "",
        *table(
            ["part", "status", "seconds"],
            [
                [
                    part.title,
                    parts[name]["status"] if name in parts else "not run",
                    f"{parts[name]['seconds']:.0f}" if name in parts else "",
                ]
                for name, part in PARTS.items()
            ],
        ),
    ]
    for name, sections in SECTIONS.items():
        if found := parts.get(name, {}).get("results"):
            lines += ["", f"## {PARTS[name].title}", "", *sections(plan, found)]
    return "\n".join(lines) + "\n"


def tests_section(plan: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """How many passed, and which did not."""
    if "not_run" in found:
        return [f"Not run: {found['not_run']}."]
    failed = found["failed"]
    passed = found["tests"] - len(failed)
    return [f"{passed} of {found['tests']} passed.", *(f"- failed: {one}" for one in failed)]


def training_section(plan: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Rates of both loops, then the ceilings."""
    rows = [
        [
            network,
            f"{statistics.median(one['rates']['plain']):.1f}",
            f"{statistics.median(one['rates']['ours']):.1f} in {one['precision']}",
            f"**{one['ratio']:.2f} ×**",
        ]
        for network, one in found.items()
    ]
    lines = table(["network", "plain loop, images/s", "ours, images/s", "ratio"], rows)
    lines += ["", f"{plan['image_size']} px, batch {plan['bench_batch_size']}."]
    for network, one in found.items():
        lines += ["", f"{network}:", *(f"- {line.strip()}" for line in one["lines"])]
    return lines


def tuned_section(plan: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Each metric's mean over the seeds, with the lowest and the highest."""
    rows = []
    for network, runs in found.items():
        rows.append([f"{network}, {len(runs)} of {len(plan['seeds'])} seeds"])
        rows[-1] += [spread([run["metrics"][name] for run in runs]) for name in METRICS]
    first = next(iter(found.values()))
    rows.append(["constant predictor"])
    rows[-1] += [spread([run["constant_predictor"][name] for run in first]) for name in METRICS]
    lines = table(["network", *METRICS.values()], rows)
    lines += [
        "",
        f"On {first[0]['held_out']} held-out faces a seed, each seed with a split of its own; "
        f"{plan['pretraining_epochs']} + {plan['epochs']} epochs, {plan['image_size']} px; "
        f"weights: {first[0]['weights_origin']}.",
    ]
    for network, runs in found.items():
        rates = spread([run["images_per_second"] for run in runs], digits=0)
        lines.append(
            f"- {network}: {rates} images/s in {runs[0]['precision']['name']}, batch "
            f"{plan['batch_size']}, all seeds at the same time"
        )
    return lines


def spread(values: Sequence[float], digits: int = 3) -> str:
    """The mean, with the lowest and the highest; a dash where it is not defined."""
    if any(value is None for value in values):
        return "–"
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def engines_section(plan: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Each engine's rate and agreement, then the ceilings."""
    rows = [
        [
            network,
            one["engine"],
            f"{one['images_per_second']:.1f}",
            f"{one['same_label_share']:.1%}",
            f"{one['widest_flip']:.3f}",
            f"{one['widest_difference']:.3f}",
            "yes" if one["keeps_scores"] else "no",
        ]
        for network, entry in found.items()
        for one in entry["engines"]
    ]
    head = ["network", "engine", "images/s", "same label", "widest flip", "widest difference"]
    lines = table([*head, "keeps the scores"], rows)
    lines += ["", "Beside eager float32 on the CPU; pixels in memory."]
    for network, entry in found.items():
        kind = "trained here" if entry["trained"] else "random weights: agreement says nothing"
        lines += ["", f"{network} ({kind}):"]
        if "chosen" in entry:
            lines.append(f"- chosen: {entry['chosen']}, in {entry['prepared_seconds']:.0f} s")
        lines += [f"- {line.strip()}" for line in entry.get("ceilings", ())]
    return lines


SECTIONS: Final[dict[str, Callable[[dict[str, Any], dict[str, Any]], list[str]]]] = {
    "tests": tests_section,
    "training": training_section,
    "tuned": tuned_section,
    "engines": engines_section,
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """In Markdown; no bar in a cell ends it."""
    cells = [[text.replace("|", "\\|") for text in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in ([*head], ["---"] * len(head), *cells)]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        of_plan, at, known, target = json.loads(sys.argv[3])

        def keep(results: dict[str, Any]) -> None:
            unfinished = Path(target).with_suffix(".partial")
            unfinished.write_text(json.dumps(results))
            unfinished.replace(target)

        PARTS[sys.argv[2]].run(Plan(**of_plan), Path(at), known, keep)
    else:
        main()
