"""Pictures a second of ``restore --engine ray`` with 1 and 2 workers against the plain command, and the overhead per picture.

    python benchmarks/scale.py                       # about 8 minutes on two cores that nobody else uses
    python benchmarks/scale.py --estimate 1.2 0.004  # on paper: seconds a picture, seconds of overhead

Every run is a process of its own; a worker and the plain command compute with one thread each. Of two runs, a short and a long
one, the difference counts: starting is told by itself. Two kinds: photographs of 768×768 pixels with one face (MTCNN, the
bundled model), and files that are no pictures, of which each fails at once, so that all they take is overhead. Processor time
says that on a busy machine, too; pictures a second need one that nobody else uses.
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
SETTLED = 3.0  # seconds in which a run's workers have ended, and their processor time is their daemon's


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


def make_texts(folder: Path, count: int) -> list[str]:
    """Files that are no pictures: each fails at once, so what it takes is all overhead."""
    for number in range(count):
        (folder / f"{number:06d}.png").write_text("no picture")
    return ["--model", "bundled", "--aligned"]


@dataclass(frozen=True)
class Run:
    """What restoring some pictures took, in seconds: by the clock, and of all processors."""

    pictures: int
    clock: float
    processor: float


def restore(folder: Path, count: int, options: list[str], cluster: Cluster | None) -> Run:
    """Run the command on ``count`` pictures, in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RAY_AUTH_MODE": "token"}
    with tempfile.TemporaryDirectory() as temporary:
        inputs = Path(temporary) / "in"
        inputs.mkdir()
        for path in sorted(folder.iterdir())[:count]:
            (inputs / path.name).symlink_to(path)
        time.sleep(SETTLED)
        before, begun = used_by(cluster), time.time()
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "gpen_core", "restore", str(inputs), "-o", f"{temporary}/out/", *options],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert len(done.stdout.splitlines()) == count  # noqa: S101
        taken = time.time() - begun
        time.sleep(SETTLED)
        return Run(count, taken, used_by(cluster) - before)


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
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "token"}
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


def compare(name: str, folder: Path, options: list[str], counts: tuple[int, int], cluster: Cluster) -> list[Run]:
    """Measure all ways for one kind of pictures → one picture of each way."""
    far = ["--engine", "ray", "--address", cluster.address]
    ways = {"plain command": (options, None)}
    ways |= {f"Ray, workers: {n}": ([*options, *far, "--workers", str(n)], cluster) for n in (1, 2)}
    print(f"\n| {name} | starting, s | pictures/s | processor s a picture |\n|---|---:|---:|---:|", flush=True)
    found = []
    for way, (arguments, where) in ways.items():
        restore(folder, 1, arguments, where)  # the first run reads every package from the disk
        few, many = (restore(folder, count, arguments, where) for count in counts)
        more = many.pictures - few.pictures
        each, processor = ((b - a) / more for a, b in ((few.clock, many.clock), (few.processor, many.processor)))
        print(f"| {way} | {few.clock - few.pictures * each:.1f} | {1 / each:.2f} | {processor:.4f} |", flush=True)
        found.append(Run(1, each, processor))
    return found


def estimate(seconds: float, overhead: float) -> None:
    """What 1e6 and 1e9 pictures take, if nothing but workers' time counts."""
    print("\n| pictures | core hours | US dollars | days on 1,000 cores | of it overhead |\n|---|---:|---:|---:|---:|")
    for count in (1e6, 1e9):
        hours = count * (seconds + overhead) / 3600
        share = overhead / (seconds + overhead)
        print(f"| {count:.0e} | {hours:,.0f} | {hours * CORE_HOUR:,.0f} | {hours / 1000 / 24:,.2f} | {share:.1%} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=56, help="0: none")
    parser.add_argument("--texts", type=int, default=3500, help="0: none")
    parser.add_argument(
        "--estimate", type=float, nargs=2, metavar="SECONDS", help="do not measure: a picture, and its overhead"
    )
    options = parser.parse_args()
    if options.estimate is not None:
        estimate(*options.estimate)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        kinds = {"texts": (make_texts, options.texts), "photographs": (make_photographs, options.photographs)}
        found = {}
        with Cluster() as cluster:
            for name, (make, count) in kinds.items():
                if count:
                    (folder / name).mkdir()
                    arguments = make(folder / name, count)
                    counts = (max(1, count // 7), count)
                    found[name] = compare(name, folder / name, arguments, counts, cluster)
        if "texts" not in found:
            return
        overhead = found["texts"][1].processor - found["texts"][0].processor
        print(f"\noverhead a picture: {1000 * overhead:.1f} ms of a processor")
        if "photographs" in found:
            estimate(2 * found["photographs"][2].clock - overhead, overhead)  # both cores, as long as one takes


if __name__ == "__main__":
    main()
