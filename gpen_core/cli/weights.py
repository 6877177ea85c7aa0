"""python -m gpen_core inspect | convert | download"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from ..checkpoints.catalog import PUBLISHED, WeightFile, published_named
from ..checkpoints.convert import Description, convert, describe
from ..checkpoints.download import download
from ..checkpoints.load import PRECISIONS
from ..checkpoints.store import weight_folders
from ..errors import OptionError
from .progress import DownloadBar


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    inspect = commands.add_parser("inspect", help="say what a checkpoint is")
    inspect.set_defaults(run=run_inspect)
    inspect.add_argument("file", type=Path)
    inspect.add_argument("--json", action="store_true", help="for other programs")

    into = commands.add_parser("convert", help="write a checkpoint as safetensors")
    into.set_defaults(run=run_convert)
    into.add_argument("file", type=Path)
    into.add_argument("-o", "--output", type=Path, help="file to write (default: beside the source)")
    into.add_argument(
        "--dtype", choices=list(PRECISIONS), help="float16 and bfloat16 halve the file (default: as it is)"
    )

    fetch = commands.add_parser("download", help="fetch a published file", description=_list_published(),
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    fetch.set_defaults(run=run_download)
    fetch.add_argument("name", help="one of the names above")
    fetch.add_argument(
        "-o", "--output", type=Path, help="folder (default: the first of GPEN_MODELS, else ~/.cache/gpen)"
    )


def run_inspect(options: argparse.Namespace) -> int:
    description = describe(options.file)
    if options.json:
        published = description.published and description.published.name
        print(json.dumps({**asdict(description), "published": published}, indent=2))
    else:
        print(_describe(description))
    return 0


def run_convert(options: argparse.Namespace) -> int:
    target = options.output or options.file.with_suffix(".safetensors")
    if target.resolve() == options.file.resolve():
        raise OptionError(f"{target} is the source itself. Give another file with -o.")
    print(_describe(convert(options.file, target, dtype=PRECISIONS.get(options.dtype))))
    return 0


def run_download(options: argparse.Namespace) -> int:
    entry = published_named(options.name)
    if entry is None:
        raise OptionError(f"'{options.name}' is not in the catalogue.\n{_list_published()}")
    folder = options.output or weight_folders()[0]
    print(f"{entry.name}: {entry.licence}\n{entry.urls[0]}", file=sys.stderr)
    bar = DownloadBar(entry.filename)
    try:
        path = download(entry, folder, bar)
    finally:
        bar.close()
    print(path)
    return 0


def _describe(description: Description) -> str:
    config = description.config
    channels = " ".join(f"{4 << level}:{width}" for level, width in enumerate(config.channels))
    published = description.published
    lines = [
        f"{description.name}: GPEN generator, {description.bytes:,} bytes, {', '.join(description.dtypes)}",
        f"  picture     {config.input_size} px in, {config.output_size} px out",
        f"  task        {description.task.name} ({description.task.purpose})",
        f"  channels    {channels}",
        f"  style       {config.style_dim} dimensions, {config.mapping_layers} mapping layers",
        f"  features    {'concatenated' if config.concatenate else 'added'}",
        f"  size        {description.parameters:,} parameters in {description.entries} entries",
        f"  sha256      {description.sha256}",
        f"  published   {f'{published.name}, {published.licence}' if published else 'no published file has this sum'}",
    ]
    return "\n".join(lines)


def _list_published() -> str:
    return "Published files:\n" + "\n".join(_line(entry) for entry in PUBLISHED)


def _line(entry: WeightFile) -> str:
    size = f"{entry.bytes / 1e6:,.0f} MB" if entry.bytes else "size unknown"
    return f"  {entry.name:24} {entry.task if entry.kind == 'gpen' else entry.kind:14} {size:>12}  {entry.licence}"
