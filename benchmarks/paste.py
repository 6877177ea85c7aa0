"""How long it takes to put 29 restored faces of 512 px back into a picture of 3840×2160, beside warping whole images.

python benchmarks/paste.py [--runs 7] [--threads 2] [--peer OpenCV …] [--growth 0.5 1 2 4] [--json FILE]

The scene: 29 faces, as large as those of Couprie's photograph of the fifth Solvay conference (1927) when it is enlarged to 3840
px, at seeded places and angles. Every way is given the same float32 crops of 512 px, masks and matrices. The ways take turns,
so that whatever else the machine does falls on all of them alike.

- paste_into: gpen_core.imaging.paste.paste_into, which writes into a picture that is there, as the pipeline does.
- paste: the same into a copy; copying a picture of that size takes as long as half of the faces.
- blend_into: gpen_core.pipeline.blend.blend_into, which also makes the masks and matches colors; no peer does the latter.
- OpenCV: crop and mask warped over the whole picture (cv2.warpAffine, linear), which is blended as a whole, face by face.
- OpenCV, one blend: the stronger mask taken of all those, and blended once at the end.
- facexlib: FaceRestoreHelper.paste_faces_to_input_image, which makes its masks there, too (8-bit picture, square masks).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gpen_core.geometry import apply_affine, invert_affine, scale_of, template_points
from gpen_core.imaging.masks import ellipse_mask
from gpen_core.imaging.paste import Patch, paste, paste_into
from gpen_core.lab.benchmark import Timing, time_alternately
from gpen_core.pipeline.blend import blend_into
from gpen_core.pipeline.blend_options import BlendOptions
from gpen_core.types import Face, FaceCrop, RestoredFace

HEIGHT, WIDTH, SIDE = 2160, 3840, 512
# Sides of the 29 aligned crops in that photograph, 1328 px wide, as the built-in detector finds them.
PHOTO_WIDTH = 1328
SIDES = (
    77, 84, 74, 74, 72, 75, 75, 76, 74, 92, 80, 95, 82, 76, 89, 68, 80, 81, 72, 72, 73, 79, 78, 76, 85, 70, 77, 78, 89,
)  # fmt: skip
COLUMNS, ROWS = 8, 4
GROWTHS = (0.5, 1.0, 2.0, 4.0)
PEERS = ("OpenCV", "OpenCV, one blend", "facexlib")


@dataclass(frozen=True, eq=False)
class Scene:
    """``canvas`` [3, H, W] and the faces that go into it."""

    canvas: Tensor
    faces: tuple[RestoredFace, ...]
    patches: tuple[Patch, ...]

    @property
    def pixels(self) -> float:
        """Pixels of the canvas that the crops cover, counted for each face."""
        return sum((SIDE * scale_of(patch.to_canvas)) ** 2 for patch in self.patches)


def scene(growth: float = 1.0, seed: int = 0) -> Scene:
    """The scene with every face ``growth`` times as large."""
    generator = torch.Generator().manual_seed(seed)
    mask = ellipse_mask(SIDE, "gpen", 0.35)
    faces = [_face(index, side * growth * WIDTH / PHOTO_WIDTH, generator) for index, side in enumerate(SIDES)]
    matrices = [invert_affine(face.crop.image_to_crop) for face in faces]
    patches = [Patch(face.pixels, mask, matrix) for face, matrix in zip(faces, matrices, strict=True)]
    return Scene(_photo(HEIGHT, WIDTH, generator), tuple(faces), tuple(patches))


def _face(index: int, side: float, generator: torch.Generator) -> RestoredFace:
    """A restored crop of ``side`` pixels of the canvas, in its cell of a grid, turned by at most 20 degrees."""
    x, y, turn = (torch.rand(3, generator=generator) - 0.5).tolist()
    center_x = (index % COLUMNS + 0.5 + 0.2 * x) * WIDTH / COLUMNS
    center_y = (index // COLUMNS + 0.5 + 0.2 * y) * HEIGHT / ROWS
    scale, angle = side / SIDE, math.radians(40 * turn)
    a, b = scale * math.cos(angle), scale * math.sin(angle)
    half = (SIDE - 1) / 2
    crop_to_image = torch.tensor(
        [[a, -b, center_x - a * half + b * half], [b, a, center_y - b * half - a * half]], dtype=torch.float64
    )
    landmarks = tuple(map(tuple, apply_affine(crop_to_image, template_points("gpen", SIDE)).tolist()))
    box = (center_x - side / 4, center_y - side / 4, center_x + side / 4, center_y + side / 4)
    before = _photo(SIDE, SIDE, generator)
    crop = FaceCrop(Face(box, 0.99, landmarks, (HEIGHT, WIDTH)), before, invert_affine(crop_to_image), "gpen")
    return RestoredFace(crop, (before + 0.1 * torch.randn(before.shape, generator=generator)).clamp(0, 1))


def _photo(height: int, width: int, generator: torch.Generator) -> Tensor:
    """Something smooth with colors in it: [3, height, width] in [0, 1]."""
    coarse = torch.rand(1, 3, 9, 16, generator=generator) * 0.8 + 0.1
    return F.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)[0]


def opencv(scene: Scene, *, at_once: bool) -> Callable[[], object]:
    """The published recipe in float32, from its description: everything over the whole picture."""
    import cv2

    canvas = np.ascontiguousarray(scene.canvas.movedim(0, -1).numpy())
    faces = [
        (np.ascontiguousarray(p.pixels.movedim(0, -1).numpy()), p.mask[0].numpy(), p.to_canvas.numpy())
        for p in scene.patches
    ]

    def at_the_end() -> object:
        whole, strongest = np.zeros_like(canvas), np.zeros((HEIGHT, WIDTH), np.float32)
        for pixels, mask, matrix in faces:
            shown = cv2.warpAffine(mask, matrix, (WIDTH, HEIGHT))
            warped = cv2.warpAffine(pixels, matrix, (WIDTH, HEIGHT))
            mine = shown > strongest
            strongest[mine], whole[mine] = shown[mine], warped[mine]
        return canvas * (1 - strongest[..., None]) + whole * strongest[..., None]

    def for_each() -> object:
        picture = canvas
        for pixels, mask, matrix in faces:
            shown = cv2.warpAffine(mask, matrix, (WIDTH, HEIGHT))[..., None]
            picture = shown * cv2.warpAffine(pixels, matrix, (WIDTH, HEIGHT)) + (1 - shown) * picture
        return picture

    return at_the_end if at_once else for_each


def facexlib(scene: Scene) -> Callable[[], object]:
    """Its own method, on a helper that is given only what this method reads: its constructor would download networks."""
    from facexlib.utils.face_restoration_helper import FaceRestoreHelper

    helper = FaceRestoreHelper.__new__(FaceRestoreHelper)
    helper.upscale_factor, helper.face_size, helper.use_parse = 1, (SIDE, SIDE), False
    helper.input_img = _bytes(scene.canvas)
    helper.restored_faces = [_bytes(patch.pixels) for patch in scene.patches]
    helper.inverse_affine_matrices = [patch.to_canvas.numpy() for patch in scene.patches]
    return helper.paste_faces_to_input_image


def _bytes(picture: Tensor) -> np.ndarray:
    return np.ascontiguousarray((picture * 255).round().byte().movedim(0, -1).numpy())


def ours(scene: Scene) -> dict[str, Callable[[], object]]:
    canvas, replaced, options = scene.canvas.clone(), torch.zeros(1, HEIGHT, WIDTH), BlendOptions()
    return {
        "blend_into": lambda: blend_into(canvas, replaced, scene.faces, options),
        "paste_into": lambda: paste_into(canvas, replaced, scene.patches),
        "paste": lambda: paste(scene.canvas, scene.patches),
    }


def peers(scene: Scene, names: Sequence[str]) -> dict[str, Callable[[], object]]:
    """Those that can run here; the others are named on stderr."""
    makers = dict(zip(PEERS, (partial(opencv, at_once=False), partial(opencv, at_once=True), facexlib), strict=True))
    made: dict[str, Callable[[], object]] = {}
    for name in names:
        try:
            made[name] = makers[name](scene)
        except ImportError as error:
            print(f"skipped: {name}: {error}", file=sys.stderr)
    return made


def stripes_left(side: float) -> dict[str, float]:
    """What is left of stripes of one pixel in a crop shown at ``side`` pixels: 0 is right, everything else is aliasing."""
    stripes = (torch.arange(SIDE) % 2).float().expand(3, SIDE, SIDE).contiguous()
    k = side / SIDE
    matrix = torch.tensor([[k, 0.0, 10.0], [0.0, k, 10.0]], dtype=torch.float64)
    patch, size = Patch(stripes, torch.ones(1, SIDE, SIDE), matrix), math.ceil(side) + 20
    inside = slice(20, math.floor(side))
    left = {"paste": float((paste(torch.zeros(3, size, size), [patch])[0] - 0.5)[:, inside, inside].abs().max())}
    try:
        import cv2
    except ImportError:
        return left
    warped = cv2.warpAffine(stripes[0].numpy(), matrix.numpy(), (size, size))
    return {**left, "OpenCV": float(np.abs(warped - 0.5)[inside, inside].max())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="rounds that count, at least 5 (default: 7)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch and of OpenCV")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--peer", nargs="*", choices=PEERS, default=PEERS, help="what to compare with (default: all)")
    parser.add_argument(
        "--growth", nargs="*", type=float, default=GROWTHS, help="also with faces so many times as large"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with torch.inference_mode():
        result = measure(max(options.runs, 5), options.threads, options.peer, options.growth)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(runs: int, threads: int, names: Sequence[str], growths: Sequence[float]) -> dict[str, object]:
    """Measure and print, one table after the other → all figures, in seconds."""
    place = scene()
    others, versions = (
        peers(place, names),
        {name: version(name) for name in ("torch", "opencv-python") if _is_installed(name)},
    )
    if "opencv-python" in versions:
        import cv2

        cv2.setNumThreads(threads)
    print(f"29 faces of {SIDE} px into {WIDTH}×{HEIGHT}; {threads} threads, medians of {runs}; {versions}")
    timings = time_alternately({**ours(place), **others}, runs)
    ways = {name: _figures(timing, timings) for name, timing in timings.items()}
    print(f"{'':20}{'ms':>9}{'by paste_into':>16}{'by paste':>11}")
    for name, row in ways.items():
        print(f"{name:20}{row['seconds'] * 1e3:9.1f}{row['by_paste_into']:16.1f}{row['by_paste']:11.1f}", flush=True)
    left = stripes_left(223.0)
    print(
        "of stripes of one pixel, shown at 223 px, is left (0: antialiased):", {k: round(v, 3) for k, v in left.items()}
    )
    print(f"{'size of faces':14}{'megapixels':>12}{'paste_into ms':>16}{'ns a pixel':>12}{'blend_into ms':>16}")
    grown = [_grown(growth, runs) for growth in growths]
    return {
        "versions": versions, "threads": threads, "runs": runs, "ways": ways, "growth": grown, "stripes_left": left,
    }  # fmt: skip


def _is_installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _figures(timing: Timing, all_timings: dict[str, Timing]) -> dict[str, float]:
    return {
        "seconds": timing.median,
        "by_paste_into": all_timings["paste_into"].times_as_fast_as(timing),
        "by_paste": all_timings["paste"].times_as_fast_as(timing),
    }


def _grown(growth: float, runs: int) -> dict[str, float]:
    place = scene(growth)
    seconds = {name: timing.median for name, timing in time_alternately(ours(place), runs).items()}
    pasted, blended, megapixels = seconds["paste_into"] * 1e3, seconds["blend_into"] * 1e3, place.pixels / 1e6
    print(f"×{growth:<13g}{megapixels:12.2f}{pasted:16.1f}{pasted / megapixels:12.1f}{blended:16.1f}", flush=True)
    return {"growth": growth, "megapixels": megapixels, **seconds}


if __name__ == "__main__":
    main()
