"""Pictures a second of ``restore --engine ray`` with 1 and 2 workers against the plain command, and the overhead per picture.

    python benchmarks/scale.py                      # about 3 minutes on two cores that nobody else uses
    python benchmarks/scale.py --estimate 1.2 0.004  # on paper: seconds a picture, seconds of overhead

Every run is a process of its own. A worker and the plain command compute with one thread each. Rates are counted from the
first result to the last, by the files' times; starting up is told by itself. Processor time is the difference of two runs, a
short and a long one, so that starting does not count; it says the overhead on a busy machine, too. Two kinds of pictures:
photographs of 768×768 pixels with one face (MTCNN, the bundled model), and aligned faces of 64×64 pixels with a tiny network,
where the overhead shows.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Run:
    """What restoring some pictures took, in seconds: by the clock from the first result to the last, and of all processors."""

    pictures: int
    clock: float
    processor: float
    first: float


def restore(folder: Path, count: int, options: list[str], cluster: Cluster | None) -> Run:
    """Run the command on the first ``count`` pictures, in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary) / "out"
        before, begun = used_by(cluster), time.time()
        inputs = [str(path) for path in sorted(folder.iterdir())[:count]]
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "gpen_core", "restore", *inputs, "-o", f"{output}/", *options],
            check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        times = sorted(path.stat().st_mtime for path in output.iterdir() if path.is_file())
        return Run(count, times[-1] - times[0], used_by(cluster) - before, times[0] - begun)


def used_by(cluster: Cluster | None) -> float:
    """Processor seconds of programs that this one started and that have ended, and of the cluster."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + (0.0 if cluster is None else cluster.used())


class Cluster:
    """A cluster of two CPUs on this machine, for as long as the block lasts."""

    def __enter__(self) -> Cluster:
        code = (
            "import ray, sys; ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False); "
            "print(ray.get_runtime_context().gcs_address, flush=True); sys.stdin.read()"
        )
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", code], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None  # noqa: S101
        self.address = next(line for line in self._process.stdout if ":" in line).strip()
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()

    def used(self) -> float:
        """Processor seconds of its daemons and of all their children, also of those that have ended."""
        total, inside = 0, {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                name = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            inside[int(folder.name)] = (int(fields[1]), name, sum(map(int, fields[11:15])))
        for number, (_, _, ticks) in inside.items():
            above = number
            while above in inside and not inside[above][1].split(b"\0")[0].endswith((b"/raylet", b"/gcs_server")):
                above = inside[above][0]
            total += ticks if above in inside else 0
        return total / os.sysconf("SC_CLK_TCK")


def compare(name: str, folder: Path, options: list[str], few: int, many: int, cluster: Cluster) -> tuple[float, float]:
    """Measure all ways for one kind of pictures → (processor seconds a picture, and those of Ray beyond the plain command)."""
    far = ["--engine", "ray", "--address", cluster.address]
    ways = {"plain command": (options, None)}
    ways |= {f"Ray, workers: {n}": ([*options, *far, "--workers", str(n)], cluster) for n in (1, 2)}
    print(
        f"\n| {name} | until the first result, s | pictures/s | processor s a picture |\n|---|---:|---:|---:|",
        flush=True,
    )
    found = []
    for way, (arguments, where) in ways.items():
        a, b = (restore(folder, count, arguments, where) for count in (few, many))
        rate = (b.pictures - 1) / b.clock
        found.append((b.processor - a.processor) / (b.pictures - a.pictures))  # what starting takes is in both
        print(f"| {way} | {b.first:.1f} | {rate:.2f} | {found[-1]:.4f} |", flush=True)
    return found[0], found[1] - found[0]


def estimate(seconds: float, overhead: float) -> None:
    """What 1e6 and 1e9 pictures take, if nothing but workers' time counts."""
    print("\n| pictures | core hours | US dollars | days on 1,000 cores | of it overhead |\n|---|---:|---:|---:|---:|")
    for count in (1e6, 1e9):
        hours = count * (seconds + overhead) / 3600
        share = overhead / (seconds + overhead)
        print(f"| {count:.0e} | {hours:,.0f} | {hours * CORE_HOUR:,.0f} | {hours / 1000 / 24:,.2f} | {share:.1%} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=12)
    parser.add_argument("--faces", type=int, default=120)
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
        faces = make_faces(folder / "faces", options.faces)
        photographs = make_photographs(folder / "photographs", options.photographs)
        with Cluster() as cluster:
            few = options.faces // 6
            _, overhead = compare("aligned faces, 64 px", folder / "faces", faces, few, options.faces, cluster)
            print(f"\noverhead a picture: {1000 * overhead:.1f} ms of a processor")
            few, many = options.photographs // 4, options.photographs
            seconds, _ = compare("photographs, 768 px", folder / "photographs", photographs, few, many, cluster)
        estimate(seconds, max(overhead, 0.0))


if __name__ == "__main__":
    main()
