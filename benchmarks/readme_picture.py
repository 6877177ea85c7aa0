"""Draw the README's picture: what happens to a face on its way, on scikit-image's astronaut (NASA, public domain).

python benchmarks/readme_picture.py [--model CHECKPOINT]

Without a checkpoint the strip shows every stage but the restored face itself: no weights are made up for a picture.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpen_core import load_checkpoint  # noqa: E402
from gpen_core.faces.alignment import align_face  # noqa: E402
from gpen_core.faces.detectors import load_detector  # noqa: E402
from gpen_core.faces.drawing import draw_faces  # noqa: E402
from gpen_core.imaging.files import as_image  # noqa: E402
from gpen_core.imaging.lanczos import resize_lanczos  # noqa: E402
from gpen_core.imaging.masks import ellipse_mask  # noqa: E402
from gpen_core.pipeline import blend_faces, restore_faces  # noqa: E402
from gpen_core.types import RestoredFace  # noqa: E402

SIDE, TITLE = 360, 34


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a GPEN checkpoint, for the restored face")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "web" / "docs" / "images" / "stages.jpg")
    options = parser.parse_args()
    panels = stages(astronaut(), options.model)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    strip(panels).save(options.output, quality=90)
    print(options.output)


def astronaut() -> torch.Tensor:
    from skimage import data

    return torch.from_numpy(data.astronaut().copy()).movedim(-1, 0).float() / 255


def stages(photo: torch.Tensor, model_path: str | None) -> list[tuple[str, torch.Tensor]]:
    """(title, [3, h, w]) of every stage."""
    faces = load_detector("mtcnn").detect(photo)
    crop = align_face(photo, faces[0], 512)
    mask = ellipse_mask(512, crop.template, 0.35)
    shown = crop.pixels * (0.25 + 0.75 * mask)
    panels = [
        ("1  found", draw_faces(photo[None], faces)[0]),
        ("2  aligned", crop.pixels),
    ]
    if model_path:
        restored = next(restore_faces(photo[None], faces, load_checkpoint(model_path)))
        panels.append(("3  restored", restored.pixels))
        panels.append(("4  blended", blend_faces(photo[None], [restored]).frames[0]))
        return panels
    tinted = RestoredFace(crop, crop.pixels * torch.tensor([0.75, 1.0, 0.75])[:, None, None], task="marker")
    panels.append(("3  what a model replaces", shown))
    panels.append(("4  where it goes (marked)", blend_faces(photo[None], [tinted]).frames[0]))
    return panels


def strip(panels: list[tuple[str, torch.Tensor]]) -> Image.Image:
    """The panels side by side, each under its title."""
    picture = Image.new("RGB", (len(panels) * (SIDE + 8) - 8, SIDE + TITLE), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=20)
    for index, (title, pixels) in enumerate(panels):
        left = index * (SIDE + 8)
        picture.paste(as_image(resize_lanczos(pixels, (SIDE, SIDE))), (left, TITLE))
        pen.text((left + 4, 4), title, fill="black", font=font)
    return picture


if __name__ == "__main__":
    main()
