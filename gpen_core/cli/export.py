"""python -m gpen_core export"""

from __future__ import annotations

import argparse
import sys

from ..checkpoints import load_checkpoint
from ..export import ENGINES, HIGHEST_OPSET, LOWEST_OPSET, OPSET, PRECISIONS, Parity, check_exportable, export_onnx
from ..weights.find import weight_folders
from .arguments import add_model, add_weight_folders, some_path, some_text
from .models import chosen_model

_ABOUT = """Write a model as a single ONNX file for ONNX Runtime, OpenVINO, TensorRT, DirectML and others.

Its input is 'crops', its output 'restored', both float32 [batch, 3, size, size], RGB in [0, 1], for any batch size. Size, task,
license and the positions of the five landmarks in a crop are in the file's metadata. Only the network is exported: detecting,
aligning and blending faces is up to the caller."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("export", help="export a model to ONNX", description=_ABOUT,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.set_defaults(run=run)
    parser.add_argument("-o", "--output", required=True, type=some_path, metavar="OUT.onnx", help="output file")
    add_model(parser)
    add_weight_folders(parser)
    parser.add_argument(
        "--precision", choices=PRECISIONS, default=PRECISIONS[0], help="float16 halves the file (default: %(default)s)"
    )
    parser.add_argument(
        "--opset", type=int, default=OPSET, metavar="N",
        help=f"ONNX operator set version, {LOWEST_OPSET} … {HIGHEST_OPSET} (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--check", nargs="?", choices=list(ENGINES), const=next(iter(ENGINES)), metavar="ENGINE",
        help=f"compare the file with PyTorch, and fail if they differ: {', '.join(ENGINES)} (default: the first)",
    )  # fmt: skip
    parser.add_argument("--task", type=some_text, help="what the model was trained for, if the file doesn't say")


def run(options: argparse.Namespace) -> int:
    """Export the model and print what was written. → 0"""
    check_exportable(options.output, options.precision, options.opset, options.check)
    model = load_checkpoint(chosen_model(options.model, (*options.models, *weight_folders())), task=options.task)
    print(f"{model.name}: {model.task.name}, {model.config.output_size} px", file=sys.stderr)
    path = export_onnx(
        model, options.output, precision=options.precision, opset=options.opset, check=options.check, on_parity=_say
    )
    print(f"{path} ({options.precision}, opset {options.opset}, {path.stat().st_size / 1e6:.1f} MB)")
    return 0


def _say(parity: Parity) -> None:
    print(
        f"{parity.engine}, batch of {parity.batch}: differs from PyTorch by at most {parity.difference:.1e}",
        file=sys.stderr,
    )
