"""Who is who on the shared photographs, by the recognition network that is installed."""

import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image

import gpen_core
from gpen_core.errors import MissingWeightsError
from gpen_core.faces.identity import find_embedder
from gpen_core.faces.selection import SAME_PERSON, choose_faces, reference_of

OTHERS = ("single_biden_small_face.jpg", "single_astronaut.png", "closeup_synthetic_a.jpg", "old_damaged_a.png")


@pytest.fixture(scope="module")
def embedder():
    try:
        return find_embedder(())
    except MissingWeightsError as error:
        pytest.skip(str(error))


def test_the_same_person_is_chosen_and_others_are_not(embedder, photos):
    if importlib.util.find_spec("mtcnn") is None:
        pytest.skip("the mtcnn package is not installed")
    detector = gpen_core.load_detector("mtcnn")

    def opened(name):
        with Image.open(photos / name) as image:
            image.thumbnail((800, 800))
            pixels = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
        frames = torch.from_numpy(pixels).movedim(-1, 0)[None]
        return frames, gpen_core.detect(frames, detector)

    reference = reference_of(*opened("single_obama.jpg"), embedder)
    similar = {}
    for name in ("same_person_obama2.jpg", *OTHERS):
        frames, faces = opened(name)
        likeness = reference.likeness(frames, faces)
        similar[name] = max(likeness.similarities.values())
        assert bool(choose_faces(faces, likeness=likeness).chosen) == (name == "same_person_obama2.jpg"), similar
    assert similar.pop("same_person_obama2.jpg") > SAME_PERSON > max(similar.values())
