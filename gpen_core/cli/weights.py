"""python -m gpen_core inspect | convert | download"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from ..checkpoints.convert import Description, convert, describe
from ..checkpoints.verify import verify
from ..errors import DownloadError, OptionError
from ..files import file_sha256
from ..model import GpenConfig
from ..precisions import PRECISIONS
from ..weights.catalog import INCLUDED, PUBLISHED, WeightFile, entry_named
from ..weights.download import download
from ..weights.find import ASSETS, bundled_file, resolve_model, weight_folders
from .arguments import some_path, some_text
from .progress import DownloadBar

_FILE = "a checkpoint, or the name of an installed model"


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    inspect = commands.add_parser("inspect", help="describe a checkpoint")
    inspect.set_defaults(run=run_inspect)
    inspect.add_argument("file", type=some_text, metavar="FILE", help=_FILE)
    inspect.add_argument("--json", action="store_true", help="machine-readable output")

    into = commands.add_parser("convert", help="convert a checkpoint to safetensors")
    into.set_defaults(run=run_convert)
    into.add_argument("file", type=some_text, metavar="FILE", help=_FILE)
    into.add_argument(
        "-o",
        "--output",
        type=some_path,
        help="output file (default: next to the source; of an installed model: here)",
    )
    into.add_argument(
        "--dtype", choices=list(PRECISIONS), help="float16 and bfloat16 halve the file (default: unchanged)"
    )

    into.add_argument(
        "--part",
        type=some_text,
        metavar="NAME",
        help="which generator, if the file holds several (the error lists their names)",
    )

    fetch = commands.add_parser("download", help="download a published file", description=_list_published(),
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    fetch.set_defaults(run=run_download)
    fetch.add_argument("name", type=some_text, help="one of the names above")
    fetch.add_argument(
        "-o", "--output", type=some_path, help="folder (default: the first in GPEN_MODELS, or ~/.cache/gpen)"
    )


def run_inspect(options: argparse.Namespace) -> int:
    description = describe(_found(options.file))
    if options.json:
        published = description.published and description.published.name
        task = {field: value for field, value in asdict(description.task).items() if isinstance(value, str | bool)}
        bundled = _included(description) is not None
        added = {"task": task, "family": description.config.family, "published": published, "bundled": bundled}
        print(json.dumps({**asdict(description), **added}, indent=2))
    else:
        print(_describe(description))
    return 0


def run_convert(options: argparse.Namespace) -> int:
    source = _found(options.file)
    beside = source.with_suffix(".safetensors")
    target = options.output or (Path(beside.name) if _is_name(options.file) else beside)
    if target.resolve() == source.resolve():
        raise OptionError(f"{target} is the source file itself. Choose another output with -o.")
    if options.output is None and os.path.lexists(target):
        raise OptionError(f"{target} is there already: say -o, or remove it.")
    print(_describe(convert(source, target, dtype=PRECISIONS.get(options.dtype), part=options.part)))
    return 0


def run_download(options: argparse.Namespace) -> int:
    entry = entry_named(options.name)
    if entry in INCLUDED:
        path = bundled_file(entry)
        print("the model is part of this package; there is nothing to download", file=sys.stderr)
        print(path)
        return 0
    if entry is None:
        raise DownloadError(f"'{options.name}' is not a published file.\n{_list_published()}")
    folder = options.output or weight_folders()[0]
    print(f"{entry.name}: {entry.license}\n{entry.urls[0]}", file=sys.stderr)
    bar = DownloadBar(entry.filename)
    try:
        path = download(entry, folder, bar, verify=verify)
    finally:
        bar.close()
    print(path)
    return 0


def _found(given: str) -> Path:
    """A file, or the installed model of a bare name, which is said."""
    if not _is_name(given):
        return Path(given)
    path = resolve_model(given, weight_folders())
    print(path, file=sys.stderr)
    return path


def _is_name(given: str) -> bool:
    """Whether it is an installed model's name. What has folders in it, "./" too, or is there, means that file alone."""
    return Path(given).name == given and "\\" not in given and not os.path.lexists(given)


def _describe(description: Description) -> str:
    config = description.config
    channels = " ".join(f"{config.start << level}:{width}" for level, width in enumerate(config.channels))
    lines = [
        f"{description.name}: GPEN generator, {description.bytes:,} bytes, {', '.join(description.dtypes)}",
        f"  image       {config.input_size} px in, {config.output_size} px out",
        f"  task        {description.task.name} ({description.task.purpose})",
        f"  family      {config.family}: {_parts(config)}",
        f"  channels    {channels}",
        f"  style       {config.style_dim} dimensions, {config.mapping_layers} mapping layers",
        f"  features    {_features(config)}",
        f"  size        {description.parameters:,} parameters in {description.entries} tensors",
        f"  sha256      {description.sha256}",
        f"  published   {_published(description)}",
    ]
    if description.completed_by is not None:
        lines.append(f"  with        {description.completed_by} beside it, which holds what this file lacks")
    return "\n".join(lines)


def _parts(config: GpenConfig) -> str:
    width = "" if config.has_features else f" ({config.encoder_width} wide)"
    return (
        f"encoder {config.encoder}{width}, mapping {config.mapping}, injection {config.injection}, "
        f"upsampling {config.upsampling}"
    )


def _features(config: GpenConfig) -> str:
    if not config.has_features:
        return "none"
    return "concatenated" if config.concatenate else "added"


def _published(description: Description) -> str:
    if description.published is not None:
        return f"{description.published.name}, {description.published.license}"
    if (own := _included(description)) is not None:
        return f"no, bundled with this package ({own.name}), {own.license}"
    return "no published file has this checksum"


def _included(description: Description) -> WeightFile | None:
    """The model of this package that it is."""
    paths = ((entry, ASSETS / entry.filename) for entry in INCLUDED)
    return next((entry for entry, path in paths if path.is_file() and file_sha256(path) == description.sha256), None)


def _list_published() -> str:
    lines = ["Published files:", *map(_line, PUBLISHED), "Included in this package:", *map(_line, INCLUDED)]
    return "\n".join(lines)


def _line(entry: WeightFile) -> str:
    size = f"{entry.bytes / 1e6:,.0f} MB" if entry.bytes else "size unknown" if entry.urls else "included"
    return f"  {entry.name:24} {entry.task if entry.kind == 'gpen' else entry.kind:16} {size:>12}  {entry.license}"
