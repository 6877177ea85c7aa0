"""How steady restored clips are, against the same frames restored one by one.

    python benchmarks/video.py --out DIR [--pictures FILE …] [--frames 60]

Clips are made of photographs under a known motion, with a blink, at half the resolution, with noise, and coded by H.264 at two
qualities. Prints a table of flicker, TLME, VIDD, PSNR and the eyes' error during the blink, and saves contact sheets.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from pathlib import Path

import torch
from torch import Tensor

import gpen_core
from gpen_core.errors import MissingWeightsError
from gpen_core.faces.following import LookingFollower
from gpen_core.faces.identity import find_embedder
from gpen_core.imaging.files import Picture, load_picture, save_picture
from gpen_core.imaging.warp import resize_filtered
from gpen_core.lab.evaluation.video import blinking, coded, measure_clip, moving, noisy, smooth_motion
from gpen_core.lab.evaluation.video.clips import closed_eyes, smaller
from gpen_core.pipeline import ProtectOptions, Settings
from gpen_core.pipeline.clip import VideoOptions, restore_stream

SETTINGS = Settings(protect=ProtectOptions("off"))  # all that the model makes
SIZE, FACE = (360, 640), 150.0
# Fewer pixels by this factor, noise, CRF.
QUALITIES = {"good": (3.0, 0.015, 23), "poor": (4.5, 0.04, 33)}


def spoilt(frames: Tensor, factor: float, noise: float, crf: int) -> Tensor:
    return coded(noisy(smaller(frames, factor), noise), crf=crf)


def one_by_one(frames: Tensor, model, detector) -> Tensor:
    return torch.cat(
        [gpen_core.restore_frames(frame[None], model, detector=detector, settings=SETTINGS).frames for frame in frames]
    )


def steady(frames: Tensor, model, detector, options: VideoOptions) -> Tensor:
    return torch.stack([result.frame for result in restore_stream(frames, model, detector, SETTINGS, options)])


def sheet(rows: list[Tensor], path: Path, every: int = 10) -> None:
    """Every tenth frame, one row for each clip."""
    lines = [torch.cat([resize_filtered(f[None], (180, 320), "bilinear")[0] for f in row[::every]], 2) for row in rows]
    save_picture(Picture(torch.cat(lines, 1).clamp(0, 1)), path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, nargs="*", default=[Path("tests/data/astronaut.jpg")])
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--qualities", nargs="*", default=list(QUALITIES))
    parser.add_argument("--steadiness", type=float, default=1.0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    detector, model = gpen_core.load_detector("mtcnn"), gpen_core.load_model("bundled")
    follower = LookingFollower(detector)
    embedder = None
    if importlib.util.find_spec("dlib"):
        try:
            embedder = find_embedder(())
        except MissingWeightsError as error:
            print(error)
    found = []
    for path in options.pictures:
        picture = load_picture(path).pixels[:3]
        face = detector.detect(picture)[0]
        motion = smooth_motion(options.frames, face, SIZE, FACE)
        middle = options.frames // 2
        clean = moving(picture, face, motion, SIZE)
        clean = blinking(clean, closed_eyes(picture, face), face, motion, range(middle, middle + 4))
        for quality in options.qualities:
            frames = spoilt(clean.frames, *QUALITIES[quality])
            made = {"input": frames}
            for name, run in (
                ("one by one", lambda f: one_by_one(f, model, detector)),
                ("steady", lambda f: steady(f, model, detector, VideoOptions(steadiness=options.steadiness))),
            ):
                started = time.perf_counter()
                made[name] = run(frames)
                print(f"{path.name} {quality} {name}: {time.perf_counter() - started:.1f} s")
            rows = {name: measure_clip(f, clean, follower, embedder).as_dict() for name, f in made.items()}
            rows["clean"] = measure_clip(clean.frames, clean, follower, embedder).as_dict()
            for name, values in rows.items():
                print(f"  {name:12}", {k: None if v is None else round(v, 3) for k, v in values.items()})
            found.append({"picture": path.name, "quality": quality, "measures": rows})
            sheet([frames, *list(made.values())[1:], clean.frames], options.out / f"{path.stem}-{quality}.png")
            torch.save({k: (v * 255).byte() for k, v in made.items()}, options.out / f"{path.stem}-{quality}.pt")
    (options.out / "video.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
