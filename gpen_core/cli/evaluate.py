"""python -m gpen_core evaluate"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from ..checkpoints import GpenModel, load_checkpoint
from ..devices import choose_device
from ..errors import OptionError
from ..faces.quality import load_quality
from ..files import file_sha256, written_whole
from ..jobs.checks import check_writable
from ..lab.degradation import RECIPES
from ..lab.evaluation import (
    METRICS,
    SEVERITIES,
    SWEEPS,
    EvaluationOptions,
    FaceFiles,
    Report,
    evaluate,
    open_faces,
    open_pairs,
    read_list,
    write_report,
)
from ..lab.evaluation.metrics import NiqeModel, build_metrics, fit_niqe_model, read_niqe_model, save_niqe_model
from ..lab.evaluation.metrics.niqe import PARAMETERS_FILE
from ..lab.evaluation.protect import ProtectTest
from ..lab.evaluation.protect_tables import tables
from ..lab.evaluation.summary import figures_text, remarks
from ..lab.evaluation.writing import PAGE
from ..modes import AUTO
from ..precisions import PRECISIONS
from ..weights.find import weight_folders
from .arguments import add_model, add_weight_folders, some_path, some_text
from .evaluate_video import add_video, run_video
from .models import chosen_model

_ABOUT = """Degrade clean faces, restore them, and measure how close they come to the originals, compared with the degraded
input and classical filters (bicubic, Lanczos, median). Faces are aligned, square crops of any size.

The report is a folder with index.html (self-contained, with charts and images), report.json and samples.csv. Metrics whose
weights or packages are not installed are listed in it, with instructions."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    defaults = EvaluationOptions()
    parser = commands.add_parser("evaluate", help="measure how well a model restores", description=_ABOUT,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.set_defaults(run=run)
    parser.add_argument("--out", "-o", required=True, type=some_path, metavar="REPORT", help="folder for the report")
    add_model(parser)
    add_weight_folders(parser)
    data = parser.add_argument_group("data")
    data.add_argument("--data", type=some_path, metavar="FOLDER", help="clean faces, searched recursively")
    data.add_argument(
        "--list",
        type=some_path,
        metavar="FILE",
        help="use only these files of --data: a text file with one name per line",
    )
    data.add_argument(
        "--pairs",
        type=some_path,
        nargs=2,
        metavar=("LOW", "CLEAN"),
        help="degraded faces and their originals, matched by file name",
    )
    data.add_argument("--limit", type=int, default=0, help="use this many faces, chosen by --seed (default: all)")
    data.add_argument("--seed", type=int, default=defaults.seed, help="random seed (default: %(default)s)")
    degradation = parser.add_argument_group("degradation of --data")
    degradation.add_argument("--recipe", choices=list(RECIPES), default="released", help="default: %(default)s")
    degradation.add_argument(
        "--severity", nargs="+", choices=SEVERITIES, default=list(SEVERITIES), metavar="NAME",
        help=f"the whole recipe, or a third of its range: {', '.join(SEVERITIES)} (default: all four)",
    )  # fmt: skip
    degradation.add_argument(
        "--sweep", nargs="*", choices=tuple(SWEEPS), default=list(SWEEPS), metavar="NAME",
        help=f"one degradation at a time: {', '.join(SWEEPS)} (default: all; no name: none)",
    )  # fmt: skip
    degradation.add_argument(
        "--sweep-faces", type=int, default=defaults.sweep_faces, help="faces per sweep; 0 = all (default: %(default)s)"
    )
    add_video(parser)
    _add_measuring(parser, defaults)
    parser.add_argument("--protect", action="store_true", help="instead, measure what protecting faces does, and how well "
                        "their quality is estimated: protect.json and protect.md in REPORT")  # fmt: skip


def _add_measuring(parser: argparse.ArgumentParser, defaults: EvaluationOptions) -> None:
    group = parser.add_argument_group("measurement")
    group.add_argument(
        "--metrics", nargs="+", choices=METRICS, default=list(METRICS), metavar="NAME",
        help=f"one or more of {', '.join(METRICS)} (default: all)",
    )  # fmt: skip
    niqe = group.add_mutually_exclusive_group()
    niqe.add_argument(
        "--niqe-params",
        type=some_path,
        metavar="FILE",
        help=f"NIQE parameters (default: {PARAMETERS_FILE} in a weights folder)",
    )
    niqe.add_argument(
        "--niqe-fit",
        type=some_path,
        metavar="FOLDER",
        help="estimate them from these pristine images; saved with the report",
    )
    group.add_argument("--cases", type=int, default=defaults.cases,
                       help="number of best, median and worst faces to show, each (default: %(default)s)")  # fmt: skip
    group.add_argument(
        "--batch-size", type=int, default=defaults.batch_size, help="faces processed at once (default: automatic)"
    )
    group.add_argument("--device", type=some_text, default=AUTO, help="auto, cpu, cuda, cuda:1, mps …")
    group.add_argument("--precision", choices=list(PRECISIONS), default="float32")
    group.add_argument("--task", type=some_text, help="what the model was trained for, if the file doesn't say")


def run(options: argparse.Namespace) -> int:
    """Evaluate, write the report and print the main results. → 0"""
    if options.data is None and options.pairs is None and not options.video:
        raise OptionError("nothing to evaluate: give --data FOLDER, --pairs LOW CLEAN, or both; or --video PICTURE")
    if options.list is not None and options.data is None:
        raise OptionError("--list names files in --data: give --data as well")
    check_writable(options.out)
    folders = (*options.models, *weight_folders())
    path = chosen_model(options.model, folders)
    names = read_list(options.list) if options.list else None
    draw = {"limit": options.limit, "seed": options.seed}
    faces: FaceFiles | tuple[()] = open_faces(options.data, names=names, **draw) if options.data else ()
    pairs = open_pairs(*options.pairs, **draw) if options.pairs else None
    model = load_checkpoint(
        path, device=choose_device(options.device), dtype=PRECISIONS[options.precision], task=options.task
    )
    if options.video:
        return run_video(options, model, folders)
    if options.protect:
        return _run_protect(options, model, faces, folders)
    wanted = _options(options, folders)
    with StageBar() as bar:
        report = evaluate(model, faces, wanted, pairs=pairs, progress=bar)
    report = replace(report, about=_with_file(report, path, model, options))
    write_report(report, options.out)
    print(figures_text(report))
    print(options.out / PAGE)
    for remark in remarks(report):
        print(remark, file=sys.stderr)
    return 0


def _run_protect(
    options: argparse.Namespace, model: GpenModel, faces: FaceFiles | tuple[()], folders: tuple[Path, ...]
) -> int:
    if not faces:
        raise OptionError("--protect degrades clean faces itself: give --data FOLDER")
    identity = build_metrics(("identity",), model.config.output_size, folders=folders, niqe=None)
    with StageBar() as bar:
        metric = next(iter(identity.metrics), None)
        report = ProtectTest(model, load_quality(), metric, bar, options.seed, RECIPES[options.recipe]).run(faces)
    with written_whole(options.out / "protect.json") as temporary:
        temporary.write_text(json.dumps(asdict(report), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with written_whole(options.out / "protect.md") as temporary:
        temporary.write_text(tables(report), encoding="utf-8")
    print(tables(report), end="")
    for name, why in identity.absent:
        print(f"{name}: {why}", file=sys.stderr)
    return 0


class StageBar:
    """One bar per stage of a run; a Progress callback."""

    def __init__(self) -> None:
        self._stage, self._bar = "", tqdm(disable=True)

    def __enter__(self) -> StageBar:
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def __call__(self, stage: str, done: int, total: int, preview: Tensor | None = None) -> None:
        if stage != self._stage:
            self._bar.close()
            self._stage, self._bar = (
                stage,
                tqdm(total=total, unit="face", desc=stage, dynamic_ncols=True, leave=False, disable=None),
            )
        self._bar.update(done - self._bar.n)


def _options(options: argparse.Namespace, folders: tuple[Path, ...]) -> EvaluationOptions:
    return EvaluationOptions(
        metrics=tuple(options.metrics),
        recipe=RECIPES[options.recipe],
        severities=tuple(dict.fromkeys(options.severity)),
        sweeps=tuple(dict.fromkeys(options.sweep)),
        sweep_faces=options.sweep_faces,
        cases=options.cases,
        seed=options.seed,
        batch_size=options.batch_size,
        folders=folders,
        niqe=_niqe(options),
    )


def _niqe(options: argparse.Namespace) -> NiqeModel | None:
    if options.niqe_params is not None:
        return read_niqe_model(options.niqe_params)
    if options.niqe_fit is None:
        return None
    pristine = open_faces(options.niqe_fit, square=False)
    model = fit_niqe_model((face.pixels for face in pristine), f"{len(pristine)} pictures of {options.niqe_fit.name}")
    save_niqe_model(model, options.out / PARAMETERS_FILE)
    return model


def _with_file(report: Report, path: Path, model: GpenModel, options: argparse.Namespace) -> dict[str, object]:
    file = {"file_sha256": file_sha256(path), "task": model.task.name, "precision": options.precision}
    return {**report.about, "model": {**report.about["model"], **file}}
