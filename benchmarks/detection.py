"""One look of a RetinaFace at 1920×1080: facexlib's own detect_faces beside ours, with the same weights, and their results.

python benchmarks/detection.py --weights detection_mobilenet0.25_Final.pth [--picture PHOTO] [--runs 7] [--json FILE]

Without a picture, it is scikit-image's astronaut, repeated at several sizes. A picture of another size is repeated or cut to
1920×1080. Both calls get what their callers have (facexlib BGR bytes, ours RGB floats), return boxes, scores and landmarks
after suppression at the same threshold, and take turns. "all passes" is our whole detector (overview, tiles, second looks, no
turned looks where a face is upright): facexlib has nothing to set beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gpen_core.faces.detectors import Detections, MultiPassDetector, load_retinaface
from gpen_core.faces.detectors.retinaface import build_network
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.lab.benchmark import time_alternately

HEIGHT, WIDTH = 1080, 1920
THRESHOLD = 0.5


def picture(path: Path | None) -> np.ndarray:
    """RGB bytes [1080, 1920, 3]."""
    if path is None:
        from skimage import data

        return _fill([data.astronaut()] + [_resized(data.astronaut(), side) for side in (360, 208, 120)])
    from PIL import Image

    with Image.open(path) as opened:
        return _fill([np.asarray(opened.convert("RGB"))])


def _fill(tiles: list[np.ndarray]) -> np.ndarray:
    """A canvas covered in rows: each row of copies of the next tile."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    top = index = 0
    while top < HEIGHT:
        tile = tiles[index % len(tiles)]
        row = np.tile(tile, (1, -(-WIDTH // tile.shape[1]), 1))[: HEIGHT - top, :WIDTH]
        canvas[top : top + len(row)] = row
        top, index = top + len(tile), index + 1
    return canvas


def _resized(rgb: np.ndarray, side: int) -> np.ndarray:
    small = resize_lanczos(_floats(rgb), (side, side))
    return (small * 255).round().byte().movedim(0, -1).numpy()


def _floats(rgb: np.ndarray) -> Tensor:
    return torch.from_numpy(rgb.copy()).movedim(-1, 0).float() / 255


def rows_of(found: Detections) -> np.ndarray:
    """As facexlib's rows: x0 y0 x1 y1 score and five points, [N, 15]."""
    return torch.cat((found.boxes, found.scores[:, None], found.landmarks.flatten(1)), dim=1).numpy()


def compare(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Largest differences between the two; rows are matched by their boxes, since equal scores have no order."""
    if len(ours) != len(theirs):
        return {"ours": len(ours), "theirs": len(theirs)}
    pairs = np.abs(ours[:, None, :4] - theirs[None, :, :4]).max(-1).argmin(1)
    difference = np.abs(ours - theirs[pairs])
    return {
        "ours": len(ours),
        "theirs": len(theirs),
        "boxes_px": float(difference[:, :4].max(initial=0)),
        "scores": float(difference[:, 4].max(initial=0)),
        "landmarks_px": float(difference[:, 5:].max(initial=0)),
    }


def measure(weights: Path, rgb: np.ndarray, runs: int) -> dict[str, object]:
    ours = load_retinaface(weights)
    theirs = build_network(ours.name.removeprefix("retinaface_")).eval().requires_grad_(False)
    theirs.load_state_dict(
        {k.removeprefix("module."): v for k, v in torch.load(weights, map_location="cpu", weights_only=True).items()}
    )
    bgr, frame = np.ascontiguousarray(rgb[..., ::-1]), _floats(rgb)
    whole = MultiPassDetector(ours)
    with torch.no_grad():
        found = ours.find(frame, THRESHOLD), theirs.detect_faces(bgr, conf_threshold=THRESHOLD)
        timings = time_alternately(
            {
                "ours": lambda: ours.find(frame, THRESHOLD),
                "facexlib": lambda: theirs.detect_faces(bgr, conf_threshold=THRESHOLD),
                "all passes": lambda: whole.detect(frame),
            },
            runs,
        )
    return {
        "network": ours.name,
        "versions": {name: version(name) for name in ("torch", "facexlib")},
        "threads": torch.get_num_threads(),
        "runs": runs,
        "ways": {
            name: {"seconds": timing.median, "by_ours": timings["ours"].times_as_fast_as(timing)}
            for name, timing in timings.items()
        },
        "difference": compare(rows_of(found[0]), found[1]),
    }


def show(result: dict) -> None:
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    print(
        f"{result['network']}, {WIDTH}×{HEIGHT}; {result['threads']} threads, medians of {result['runs']}; {versions}"
    )
    for name, row in result["ways"].items():
        print(f"{name:12}{row['seconds'] * 1e3:9.1f} ms{row['by_ours']:8.2f} × ours")
    print(
        "faces and largest differences:",
        ", ".join(f"{name} {value:.3g}" for name, value in result["difference"].items()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True, help="a RetinaFace file of facexlib's")
    parser.add_argument("--picture", type=Path, help="what to look at")
    parser.add_argument("--runs", type=int, default=7, help="rounds that count, at least 5 (default: 7)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    result = measure(options.weights, picture(options.picture), max(options.runs, 5))
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
