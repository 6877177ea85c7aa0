"""Memory from file to file: the peak of `restore` on pictures of two sizes, and what a pixel of the larger one takes more.

    python benchmarks/large_picture.py FACE.png --sides 2000 5000 --formats png jpg tif
    python benchmarks/large_picture.py FACE.png --formats webp --grain 12   # its file is many times as large
    python benchmarks/large_picture.py FACE.png --formats tif --mode cmyk

Linux and macOS only (``resource``).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

_RUN = """
import resource, sys
from gpen_core.__main__ import run
status = run()
print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
sys.exit(status)
"""
MODES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "rgb": lambda picture: picture,
    "rgba": lambda picture: Image.merge("RGBA", (*picture.split(), picture.getchannel("R"))),
    "gray": lambda picture: picture.convert("L"),
    "gray16": lambda picture: Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257),
    "palette": lambda picture: picture.quantize(256),
    "cmyk": lambda picture: picture.convert("CMYK"),
}
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("face", type=Path, help="a picture of a face, pasted into each")
    parser.add_argument("--sides", type=int, nargs=2, default=(2000, 5000))
    parser.add_argument("--formats", nargs="+", default=["png", "jpg", "tif", "webp"])
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--grain", type=float, default=0.0, help="standard deviation of noise, in 255ths")
    parser.add_argument("--mode", choices=list(MODES), default="rgb")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for ending in options.formats:
            peaks = []
            for side in options.sides:
                source = _picture(folder / f"{side}.{ending}", options.face, side, options.grain, MODES[options.mode])
                peaks.append(_peak(source, folder / f"out.{ending}", options.model))
            more = options.sides[1] ** 2 - options.sides[0] ** 2
            print(f"{ending}: {peaks[1] / 2**20:.0f} MiB, {(peaks[1] - peaks[0]) / more:.1f} bytes a pixel")


def _picture(path: Path, face: Path, side: int, grain: float, in_mode: Callable[[Image.Image], Image.Image]) -> Path:
    """Soft colors with the face in a corner."""
    random = np.random.default_rng(0)
    colors = random.integers(0, 256, (side // 50, side // 50, 3), dtype=np.uint8)
    picture = Image.fromarray(colors).resize((side, side), Image.Resampling.BICUBIC)
    with Image.open(face) as opened:
        picture.paste(opened.convert("RGB"), (side // 10, side // 10))
    if grain:
        grainy = np.asarray(picture) + random.normal(0, grain, (side, side, 3)).astype(np.float32)
        picture = Image.fromarray(grainy.round().clip(0, 255).astype(np.uint8))
    in_mode(picture).save(path, **({"quality": 95} if path.suffix in (".jpg", ".webp") else {}))
    return path


def _peak(source: Path, target: Path, model: str) -> int:
    command = [sys.executable, "-c", _RUN, "restore", source, "-o", target, "--overwrite", "--model", model]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)  # noqa: S603 - our own
    return int(ran.stdout.rpartition("PEAK ")[2])


if __name__ == "__main__":
    main()
