"""The noise of a detector's landmarks, on clips of a real face whose motion is known.

    python benchmarks/detector_noise.py [PICTURE …] [--detector mtcnn FILE …] [--save tests/data/detector_noise.json]

Each picture's face is made to move and degraded, as for `evaluate --video`, and followed as the frames of a clip are. Of the
landmarks' distances from the truth, in shares of the face's size, their mean over the clip is left out: that is no noise.
Printed are, for each clip,

σ, excess, tails    standard deviation, excess kurtosis (0: Gaussian), share beyond 3 σ (Gaussian: 0.27 %)
after 1, 4, 12      correlation with the noise so many frames later
together            share of the variance that all five landmarks have in common
steps               root mean square error of the motion from frame to frame that is read off the pixels, in the same shares

`--save` writes the noise itself, which the tests of smoothing add to motions of their own.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import gpen_core  # noqa: E402
from gpen_core.faces.detectors import MultiPassDetector  # noqa: E402
from gpen_core.faces.places import size_of_face  # noqa: E402
from gpen_core.faces.registration import motion_between  # noqa: E402
from gpen_core.geometry import apply_affine  # noqa: E402
from gpen_core.lab.evaluation.video import coded, noisy  # noqa: E402
from gpen_core.lab.evaluation.video.clips import Clip, smaller  # noqa: E402
from gpen_core.lab.evaluation.video.evaluate import ENCODERS, QUALITIES, VideoTest, clean_clip  # noqa: E402
from gpen_core.pipeline.clip import VideoOptions, scan_faces  # noqa: E402
from gpen_core.types import Face  # noqa: E402

PICTURE = ROOT / "tests" / "data" / "astronaut.jpg"
_LAGS = (1, 4, 12)
Array = NDArray[np.float64]


def degraded(clean: Clip, quality: str) -> torch.Tensor:
    """[T, 3, H, W], as a camera and H.264 leave it."""
    (factor, noise), (encoder, crf) = QUALITIES[quality], ENCODERS["h264"]
    return coded(noisy(smaller(clean.frames, factor), noise), encoder, crf[quality])


def noise_of(found: list[Face], truth: list[Face]) -> Array:
    """[T, 5, 2], what landmarks are off, in shares of the face's size, without the mean over the clip."""
    off = np.array([np.subtract(a.landmarks, b.landmarks) / size_of_face(b) for a, b in zip(found, truth, strict=True)])
    return off - off.mean(0)


def steps_of(frames: torch.Tensor, found: list[Face], truth: list[Face]) -> Array:
    """[T - 1, 5, 2], by how much landmarks that move as the pixels do miss the next frame's, in shares of the face's size."""
    off = []
    for number, (before, after) in enumerate(pairwise(truth)):
        matrix = motion_between(frames[number], found[number], frames[number + 1], found[number + 1])
        if matrix is None:
            continue
        carried = apply_affine(matrix, torch.tensor(before.landmarks, dtype=torch.float64)).numpy()
        off.append((carried - np.array(after.landmarks)) / size_of_face(after))
    return np.array(off)


def told(name: str, noise: Array, steps: Array) -> str:
    """A line of the table."""
    sigma = noise.std()
    common = noise.mean(1, keepdims=True)
    excess = (noise**4).mean() / sigma**4 - 3
    later = [(noise[lag:] * noise[:-lag]).mean() / sigma**2 for lag in _LAGS]
    return (
        f"{name:44s} {sigma:.4f} {excess:6.1f} {(np.abs(noise) > 3 * sigma).mean():6.2%}   "
        + " ".join(f"{value:5.2f}" for value in later)
        + f"   {common.var() / sigma**2:5.2f}    {np.sqrt((steps**2).mean()):.4f}"
    )


def measured(picture: Path, detector: MultiPassDetector, test: VideoTest, quality: str) -> tuple[Array, Array] | None:
    """Noise and errors of steps; None where the face was not found in every frame."""
    if (clean := clean_clip(picture, detector, test)) is None:
        return None
    frames = degraded(clean, quality)
    found = scan_faces(frames, detector, VideoOptions(look_ahead=0))
    by_frame = {face.frame: face for face in found if face.track == found[0].track}
    if len(by_frame) < test.frames:
        return None
    ordered = [by_frame[number] for number in range(test.frames)]
    return noise_of(ordered, list(clean.faces)), steps_of(frames, ordered, list(clean.faces))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", type=Path, default=[PICTURE])
    parser.add_argument("--detector", nargs="+", default=["mtcnn"])
    parser.add_argument("--frames", type=int, default=80)
    parser.add_argument("--face-width", type=float, default=150.0)
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    test, series = VideoTest(frames=options.frames, face_width=options.face_width), []
    print(f"{'':44s}      σ excess  tails   after " + ", ".join(map(str, _LAGS)) + "    together   steps")
    for detector in map(gpen_core.load_detector, options.detector):
        for picture, quality in product(options.pictures, QUALITIES):
            name = f"{picture.name}, {options.face_width:.0f} px, {quality}, {detector.name}"
            if (found := measured(picture, detector, test, quality)) is None:
                print(f"{name}: no face, or it was lost")
                continue
            print(told(name, *found), flush=True)
            noise, steps = (np.round(one.reshape(len(one), -1), 5).tolist() for one in found)
            series.append({"clip": name, "noise": noise, "steps": steps})
    if options.save:
        options.save.write_text(
            "[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in series) + "\n]\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
