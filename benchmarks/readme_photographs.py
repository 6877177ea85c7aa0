"""Draw the README's real photographs, before and after: the bundled model on photographs that were not degraded artificially.

python benchmarks/readme_photographs.py FOLDER [-o FILE]

FOLDER holds the photographs named in ``VIEWS``; they are not part of this repository.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpen_core import load_checkpoint  # noqa: E402
from gpen_core.faces.detectors import load_detector  # noqa: E402
from gpen_core.imaging.files import as_image, load_picture  # noqa: E402
from gpen_core.imaging.lanczos import resize_lanczos  # noqa: E402
from gpen_core.pipeline import Settings, restore_image  # noqa: E402
from gpen_core.weights.find import bundled_file  # noqa: E402

# What is shown of each: left and top as shares of width and height, and the side as a share of the width.
VIEWS = {
    "blur_jpeg_q15.jpg": (0.27, 0.0, 0.38),
    "group_solvay_1927.png": (0.27, 0.2, 0.16),
    "old_autochrome_shaw_1907.png": (0.33, 0.05, 0.6),
    "old_autochrome_tilted.png": (0.3, 0.22, 0.36),
    "old_damaged_b.png": (0.22, 0.12, 0.56),
    "old_damaged_d.png": (0.18, 0.1, 0.56),
}
SIDE, GAP = 256, 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "web" / "docs" / "images" / "photographs.jpg")
    options = parser.parse_args()
    model, detector = load_checkpoint(bundled_file()), load_detector("mtcnn")
    sheet = Image.new("RGB", (len(VIEWS) * (SIDE + GAP) - GAP, 2 * SIDE + GAP), "white")
    for column, (name, view) in enumerate(VIEWS.items()):
        photograph = load_picture(options.folder / name).pixels[:3]
        restored = restore_image(photograph[None], model, detector, Settings()).frames[0]
        for row, pixels in enumerate((photograph, restored)):
            sheet.paste(_panel(pixels, view), (column * (SIDE + GAP), row * (SIDE + GAP)))
    sheet.save(options.output, quality=88, optimize=True)
    print(options.output)


def _panel(pixels: torch.Tensor, view: tuple[float, float, float]) -> Image.Image:
    height, width = pixels.shape[-2:]
    side = min(int(view[2] * width), height)
    left, top = min(int(view[0] * width), width - side), min(int(view[1] * height), height - side)
    shown = resize_lanczos(pixels[:, top : top + side, left : left + side].contiguous(), (SIDE, SIDE))
    return as_image(shown)


if __name__ == "__main__":
    main()
