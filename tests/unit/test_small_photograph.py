"""The whole way, with what everybody has who has the repository: its own photograph, its own model, the built-in detector."""

import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image

import gpen_core

LANDMARKS = ((204, 102), (245, 104), (224, 128), (203, 139), (244, 141))  # marked by hand, see tests/data/README.md
pytestmark = pytest.mark.skipif(importlib.util.find_spec("mtcnn") is None, reason="the mtcnn package is not installed")


@pytest.fixture(scope="module")
def photograph(repo_root):
    return Image.open(repo_root / "tests" / "data" / "astronaut.jpg").convert("RGB")


@pytest.fixture(scope="module")
def detector():
    return gpen_core.load_detector("mtcnn")


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_the_face_is_found_where_a_person_marked_it(photograph, detector, turns):
    pixels = np.rot90(np.asarray(photograph), turns)
    (face,) = gpen_core.detect(np.ascontiguousarray(pixels), detector)
    turned = {0: lambda x, y: (x, y), 1: lambda x, y: (y, 511 - x), 2: lambda x, y: (511 - x, 511 - y)}
    turned[3] = lambda x, y: (511 - y, x)
    expected = torch.tensor([turned[turns](x, y) for x, y in LANDMARKS], dtype=torch.float64)
    off = (torch.tensor(face.landmarks, dtype=torch.float64) - expected).norm(dim=1)
    assert off.max() < 9  # pixels, of a face 97 wide


def test_a_picture_without_a_face_has_none(photograph, detector):
    assert gpen_core.detect(photograph.crop((300, 0, 512, 220)), detector) == ()


def test_the_bundled_model_brings_a_spoilt_face_closer_to_what_it_was(photograph, detector):
    small = photograph.resize((128, 128), Image.Resampling.BOX)
    degraded = small.resize((512, 512), Image.Resampling.BICUBIC)
    restored = gpen_core.restore(degraded, gpen_core.load_model("bundled"), detector=detector)
    box = (180, 75, 270, 170)
    before, after = (_distance(picture.crop(box), photograph.crop(box)) for picture in (degraded, restored))
    assert after < 0.95 * before
    outside = (0, 250, 512, 512)
    assert restored.crop(outside).tobytes() == degraded.crop(outside).tobytes()


def _distance(picture, other):
    """Root mean square difference of luma."""
    return float(
        np.sqrt(np.mean((np.asarray(picture.convert("L"), float) - np.asarray(other.convert("L"), float)) ** 2))
    )
