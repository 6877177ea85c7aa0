"""Between the bundled weights and ones trained on from them for texture: what each step of the way costs and brings.

    python benchmarks/perceptual_model.py TUNED.safetensors --faces FACES --held-out HELD_OUT.txt --models WEIGHTS
    python benchmarks/perceptual_model.py TUNED.safetensors --write VARIANT.safetensors --share 0.85

The first command measures held-out faces, restored by the weights at each of --shares of the way (0: the bundled ones, 1: the
tuned ones). The second writes the weights at one share, without the tensors that are the bundled ones': the file lies beside
theirs and is completed by it. TUNED comes of `python -m gpen_core train perceptual`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpen_core.checkpoints import GpenModel, load_checkpoint  # noqa: E402
from gpen_core.checkpoints.completing import REST_KEY, differing, rest_text  # noqa: E402
from gpen_core.checkpoints.save import write_generator  # noqa: E402
from gpen_core.lab.degradation import RECIPES  # noqa: E402
from gpen_core.lab.evaluation import EvaluationOptions, evaluate, open_faces, read_list  # noqa: E402
from gpen_core.lab.evaluation.measure import INPUT, RESTORED, mean_of  # noqa: E402
from gpen_core.weights.find import bundled_file  # noqa: E402

METRICS = ("psnr", "ssim", "niqe", "identity", "landmarks")


def main() -> None:
    options = _options()
    base, tuned = (load_checkpoint(path) for path in (bundled_file(), options.tuned))
    weights = base.module.state_dict(), tuned.module.state_dict()
    if options.write:
        _write(_between(*weights, options.share), base, options.write)
    else:
        _measure(base, weights, options)


def _between(before: dict[str, Tensor], after: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """In float16, as the file holds them."""
    return {key: torch.lerp(value, after[key], share).half() for key, value in before.items()}


def _write(state: dict[str, Tensor], base: GpenModel, path: Path) -> None:
    own = differing(state, bundled_file())
    metadata = {REST_KEY: rest_text(bundled_file())}
    write_generator(base.config, own, path, task=base.task.name, dtype=None, metadata=metadata)
    print(f"{path}: {len(own)} of {len(state)} tensors, {path.stat().st_size:,} bytes")


def _measure(
    model: GpenModel, weights: tuple[dict[str, Tensor], dict[str, Tensor]], options: argparse.Namespace
) -> None:
    names = [name for name in read_list(options.held_out) if name.startswith(options.only)]
    faces = open_faces(options.faces, names=names, limit=options.limit)
    weights = tuple({key: value.clone() for key, value in half.items()} for half in weights)  # type: ignore[assignment]
    print("| recipe | share | " + " | ".join(METRICS) + " |")
    print("|---" * (2 + len(METRICS)) + "|")
    for recipe in options.recipes:
        asked = EvaluationOptions(
            METRICS, RECIPES[recipe], baselines=(), cases=0, batch_size=1, folders=(options.models,)
        )
        for number, share in enumerate(options.shares):
            model.module.load_state_dict(_between(*weights, share))
            samples = evaluate(model, faces, asked).sections[0].measured.samples
            for name, variant in ((recipe, INPUT), (recipe, RESTORED))[number > 0 :]:
                figures = (mean_of(samples, variant, metric) for metric in METRICS)
                cells = " | ".join("–" if figure is None else f"{figure:.3f}" for figure in figures)
                print(f"| {name} | {'degraded' if variant == INPUT else share} | {cells} |", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tuned", type=Path)
    parser.add_argument("--faces", type=Path, help="folder that the held-out names are below")
    parser.add_argument("--held-out", type=Path, help="the run's held_out.txt")
    parser.add_argument("--only", default="", help="only names that begin so")
    parser.add_argument("--limit", type=int, default=0, help="as many of them, drawn by seed 0")
    parser.add_argument("--models", type=Path)
    parser.add_argument("--recipes", nargs="+", default=["released", "light"])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.5, 0.75, 1.0])
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    if not options.write and not (options.faces and options.held_out and options.models):
        parser.error("to measure, give --faces, --held-out and --models")
    return options


if __name__ == "__main__":
    main()
