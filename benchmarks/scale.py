"""Pictures a second of ``restore --engine ray`` with 1 and 2 workers against the plain command, and the overhead per picture.

    python benchmarks/scale.py                      # about 3 minutes on two cores that nobody else uses
    python benchmarks/scale.py --estimate 1.2 0.004  # on paper: seconds a picture, seconds of overhead

Every run is a process of its own. A worker and the plain command compute with one thread each. Rates are counted from the first
result to the last, by the files' times; starting up is told by itself. Two kinds of pictures: photographs of 768×768 px with
one face (MTCNN, the bundled model), and aligned faces of 64×64 pixels with a tiny network, where the overhead shows.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
CORE_HOUR = 0.04  # US dollars, assumed; spot prices are a third of it


def make_photographs(folder: Path, count: int) -> list[str]:
    """Copies of one photograph, each turned and cropped a little otherwise → options for them."""
    from skimage import data

    portrait = Image.fromarray(data.astronaut())
    for number in range(count):
        view = (
            portrait.rotate(number / 5)
            .crop((number, 0, 460 + number, 460))
            .resize((768, 768), Image.Resampling.BICUBIC)
        )
        view.save(folder / f"{number:04d}.jpg", quality=90)
    return ["--model", "bundled", "--detector", "mtcnn"]


def make_faces(folder: Path, count: int) -> list[str]:
    """Small aligned faces, and a tiny network."""
    import torch
    from skimage import data

    from gpen_core import Gpen, GpenConfig

    face = Image.fromarray(data.astronaut()).crop((128, 16, 336, 224))
    for number in range(count):
        face.rotate(number / 10).resize((64, 64)).save(folder / f"{number:04d}.png")
    torch.manual_seed(0)
    path = folder.parent / "tiny.pth"
    torch.save(Gpen(GpenConfig.published(64, narrow=1 / 32, style_dim=32, mapping_layers=2)).state_dict(), path)
    return ["--model", str(path), "--aligned"]


def measure(folder: Path, output: Path, options: list[str]) -> tuple[float, float]:
    """Run the command → (seconds until the first result, pictures a second after it)."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    begun = time.time()
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "gpen_core", "restore", str(folder), "-o", str(output), *options],
        check=True, cwd=ROOT, env=environment, capture_output=True,
    )  # fmt: skip
    times = sorted(path.stat().st_mtime for path in output.iterdir() if path.is_file())
    return times[0] - begun, (len(times) - 1) / (times[-1] - times[0])


def compare(name: str, folder: Path, options: list[str], output: Path) -> tuple[float, float]:
    """Measure all runs of one kind of pictures → (seconds a picture, overhead of a worker in seconds)."""
    runs = {"plain command": []}
    runs |= {f"Ray, {n} worker{'s' if n > 1 else ''}": ["--engine", "ray", "--workers", str(n)] for n in (1, 2)}
    rates = {}
    print(
        f"\n| {name} | until the first result, s | pictures/s | s a picture and worker |\n|---|---:|---:|---:|",
        flush=True,
    )
    for run, more in runs.items():
        start, rates[run] = measure(folder, output / run.replace(" ", "-"), [*options, *more])
        workers = 2 if "2" in run else 1
        print(f"| {run} | {start:.1f} | {rates[run]:.2f} | {workers / rates[run]:.4f} |", flush=True)
    plain, one, _ = rates.values()
    return 1 / plain, 1 / one - 1 / plain


def estimate(seconds: float, overhead: float) -> None:
    """What 1e6 and 1e9 pictures take, if nothing but workers' time counts."""
    print("\n| pictures | core hours | US dollars | days on 1,000 cores | of it overhead |\n|---|---:|---:|---:|---:|")
    for count in (1e6, 1e9):
        hours = count * (seconds + overhead) / 3600
        share = overhead / (seconds + overhead)
        print(f"| {count:.0e} | {hours:,.0f} | {hours * CORE_HOUR:,.0f} | {hours / 1000 / 24:,.2f} | {share:.1%} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=16)
    parser.add_argument("--faces", type=int, default=300)
    parser.add_argument(
        "--estimate", type=float, nargs=2, metavar="SECONDS", help="do not measure: a picture, and its overhead"
    )
    options = parser.parse_args()
    if options.estimate is not None:
        estimate(*options.estimate)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("photographs", "faces"):
            (folder / name).mkdir()
            (folder / f"{name}-out").mkdir()
        faces = make_faces(folder / "faces", options.faces)
        photographs = make_photographs(folder / "photographs", options.photographs)
        _, overhead = compare("aligned faces, 64 px", folder / "faces", faces, folder / "faces-out")
        print(f"\noverhead a picture: {1000 * overhead:.1f} ms")
        seconds, _ = compare("photographs, 768 px", folder / "photographs", photographs, folder / "photographs-out")
        estimate(seconds, max(overhead, 0.0))


if __name__ == "__main__":
    main()
