"""python -m gpen_core train-quality"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import save
from tqdm import tqdm

from ..faces.quality import QualityNet
from ..files import written_whole
from ..jobs.checks import check_writable
from ..lab.quality.train import QualityRecipe, faces_of, train_quality
from .arguments import some_path

_ABOUT = """Train the small network that judges how much a face needs restoring, on clean aligned faces that it degrades itself
(a few minutes on a CPU). 8 % of the faces are held out; their names are printed with --held-out."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    defaults = QualityRecipe()
    parser = commands.add_parser("train-quality", help="train the estimator of a face's quality", description=_ABOUT)
    parser.set_defaults(run=run)
    parser.add_argument("--data", required=True, action="append", type=some_path, metavar="FOLDER",
                        help="clean, aligned faces of at least 256 px; may be given several times")  # fmt: skip
    parser.add_argument("-o", "--output", required=True, type=some_path, help="the network, a .safetensors file")
    parser.add_argument(
        "--held-out", type=some_path, metavar="FILE", help="also write the names of the held-out faces here"
    )
    parser.add_argument("--samples", type=int, default=defaults.samples, help="faces drawn (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="default: %(default)s")


def run(options: argparse.Namespace) -> int:
    """Train and save. → 0"""
    recipe = QualityRecipe(options.samples, seed=options.seed)
    check_writable(options.output.parent)
    root, faces = faces_of(options.data)
    print(f"{len(faces.train)} faces to train on, {len(faces.held_out)} held out", file=sys.stderr)
    if options.held_out is not None:
        with written_whole(options.held_out) as temporary:
            temporary.write_text("".join(f"{name}\n" for name in faces.held_out), encoding="utf-8")
    with tqdm(total=recipe.samples, unit="face", dynamic_ncols=True, disable=None) as bar:
        network = train_quality(root, faces.train, recipe, lambda done: bar.update(done - bar.n))
    _save(network, options.output)
    print(f"{options.output} ({options.output.stat().st_size // 1000} kB)")
    return 0


def _save(network: QualityNet, path: Path) -> None:
    weights = {name: value.to(torch.float16).contiguous() for name, value in network.state_dict().items()}
    with written_whole(path) as temporary:
        temporary.write_bytes(save(weights, metadata={"network": "QualityNet", "license": "Apache-2.0"}))
