"""What a short training changes, one thing at a time: each row goes on from the bundled weights for as many steps with other
data, degradations, augmentation or losses, and all are measured on the same held-out faces.

    python benchmarks/ablation.py --faces FACES [--faces MORE_FACES] --models WEIGHTS --out RUNS [--steps 24] [--rows 4,5]

--steps 0 measures only: the files named by --also, beside the bundled one. What was trained is kept under --out, and not
trained again. For several processes: --launch "accelerate launch --num_processes 2 …".
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpen_core.checkpoints import load_checkpoint  # noqa: E402
from gpen_core.lab.degradation import RECIPES  # noqa: E402
from gpen_core.lab.evaluation import EvaluationOptions, evaluate, open_faces, read_list  # noqa: E402
from gpen_core.lab.evaluation.measure import INPUT, RESTORED, mean_of  # noqa: E402

BUNDLED = ROOT / "gpen_core" / "assets" / "gpen-bundled-256.safetensors"
MEASURED = ("released", "light", "half", "none")  # recipes

_BASE = """
seed = 20261122
stage = "restore"
task = "restoration-ffhq"
ema_half_life = 0.1
init_from = "{init}"
hold_features = true

[model]
input_size = 256
output_size = 256
channels = [128, 128, 128, 128, 96, 64, {top}]
style_dim = 128
mapping_layers = 2

[degradation]
recipe = "released"

[optimizer]
encoder = 0.01
decoder = 0.01
betas = [0.9, 0.99]

[data]
held_out = 0.08
group_by = "src"
workers = 0

[validation]
every = 1000000
count = 1
shown = 1

[saving]
every = 8
keep = 1
tensorboard = false

[[losses]]
kind = "psnr"
weight = 0.015

[[phases]]
size = 256
steps = {steps}
batch = 8
accumulate = {parts}
learning_rate = {rate}
warmup = {warmup}
schedule = "cosine"
final = 0.1
"""
_FEATURES = """
[[losses]]
kind = "mobilenet"
weight = 0.02
layer_weights = [1.0, 1.0, 0.25, 0.0]
"""
_MIX = """
[[mix]]
weight = 0.5
recipe = "released"
[[mix]]
weight = 0.2
recipe = "light"
[[mix]]
weight = 0.1
recipe = "none"
[[mix]]
weight = 0.2
recipe = "resampled"
"""
_WEB = """
[[mix]]
weight = 0.25
recipe = "web"
"""
_VARIED = """
[augmentation]
rotation = 8.0
zoom = 0.06
shift = 0.02
exposure = 0.35
contrast = 0.15
saturation = 0.25
temperature = 0.06
occlusion = 0.1
"""


@dataclass(frozen=True)
class Row:
    name: str
    more: str = ""  # TOML
    folders: int = 2  # of those given, how many are trained on
    features: bool = True
    rate: float = 0.15
    top: int = 32  # channels at 256 px


ROWS = (
    Row("released recipe, first folder", folders=1),
    Row("released recipe, all folders"),
    Row("mix, first folder", _MIX, folders=1),
    Row("mix, all folders", _MIX),
    Row("mix and web, all folders", _MIX + _WEB),
    Row("mix, all folders, augmented", _MIX + _VARIED),
    Row("mix, all folders, no feature loss", _MIX, features=False),
    Row("mix, all folders, twice the rate", _MIX, rate=0.3),
    Row("mix, all folders, 48 channels at 256 px", _MIX, top=48),
)


def main() -> None:
    options = _options()
    models = {"as it is": BUNDLED, **{path.stem: path for path in options.also}}
    if options.steps:
        for number in options.rows:
            models[f"{number}: {ROWS[number].name}"] = _trained(number, options)
    print(
        "| " + " | ".join(["row", *(f"{place}, {recipe}" for place in _places(options) for recipe in MEASURED)]) + " |"
    )
    print("|---" * (1 + len(_places(options)) * len(MEASURED)) + "|")
    for name, path in models.items():
        print(f"| {name} | " + " | ".join(_figures(path, options)) + " |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, action="append", required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, help="names below the common folder (default: those of row 3)")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument(
        "--rows", type=lambda text: [int(part) for part in text.split(",")], default=list(range(len(ROWS)))
    )
    parser.add_argument("--also", type=Path, action="append", default=[])
    parser.add_argument("--limit", type=int, default=16, help="held-out faces of each folder")
    parser.add_argument("--metrics", nargs="+", default=["psnr"])
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--launch", default=f"{sys.executable}")
    return parser.parse_args()


def _trained(number: int, options: argparse.Namespace) -> Path:
    row, out = ROWS[number], options.out / f"row{number}"
    model: Path = out / "model.safetensors"
    if model.is_file():
        return model
    text = _BASE.format(
        init=BUNDLED, top=row.top, steps=options.steps, parts=options.parts, rate=row.rate, warmup=options.steps // 5
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.toml").write_text(text + (_FEATURES if row.features else "") + row.more, encoding="utf-8")
    folders = [part for folder in options.faces[: row.folders] for part in ("--data", str(folder))]
    command = [*shlex.split(options.launch), "-m", "gpen_core", "train", str(out / "config.toml"), *folders]
    subprocess.run([*command, "-o", str(out), "--models", str(options.models)], cwd=ROOT, check=True)  # noqa: S603
    return model


def _places(options: argparse.Namespace) -> list[str]:
    return [folder.name for folder in options.faces]


def _figures(path: Path, options: argparse.Namespace) -> list[str]:
    """Gains over the degraded picture, of each folder by each recipe."""
    model = load_checkpoint(path)
    cells = []
    for folder in options.faces:
        faces = open_faces(folder, names=_held_out(folder, options), limit=options.limit)
        for recipe in MEASURED:
            asked = EvaluationOptions(
                tuple(options.metrics), RECIPES[recipe], baselines=(), cases=0, batch_size=1, folders=(options.models,)
            )
            samples = evaluate(model, faces, asked).sections[0].measured.samples
            cells.append(" / ".join(_gain(samples, metric) for metric in options.metrics))
    return cells


def _gain(samples: Sequence, metric: str) -> str:  # type: ignore[type-arg]
    before, after = mean_of(samples, INPUT, metric), mean_of(samples, RESTORED, metric)
    return "" if before is None or after is None else f"{after - before:+.3f}"


def _held_out(folder: Path, options: argparse.Namespace) -> list[str]:
    path = options.held_out or options.out / "row3" / "held_out.txt"
    prefix = f"{folder.name}/"
    return [name.removeprefix(prefix) for name in read_list(path) if name.startswith(prefix)]


if __name__ == "__main__":
    main()
