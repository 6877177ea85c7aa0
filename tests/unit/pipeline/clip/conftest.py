"""A short clip of a real face under a known motion."""

import importlib.util
from dataclasses import replace

import pytest

from gpen_core.faces.detectors import load_detector
from gpen_core.lab.evaluation.video import moving, smooth_motion
from gpen_core.pipeline import ProtectOptions, Settings

SIZE = (176, 256)


@pytest.fixture(scope="session")
def detector():
    if importlib.util.find_spec("mtcnn") is None:
        pytest.skip("the mtcnn package is not installed")
    return load_detector("mtcnn")


@pytest.fixture(scope="session")
def talking(astronaut, astronaut_face):
    """24 frames of a face of 70 px that moves as a person who talks."""
    motion = smooth_motion(24, astronaut_face, SIZE, 70)
    return moving(astronaut, astronaut_face, motion, SIZE)


@pytest.fixture(scope="session")
def plain():
    """All that the model makes, and nothing held back."""
    return Settings(protect=ProtectOptions("off"))


@pytest.fixture(scope="session")
def standing(astronaut, astronaut_face):
    """16 equal frames."""
    motion = smooth_motion(1, astronaut_face, SIZE, 70) * 16
    clip = moving(astronaut, astronaut_face, motion, SIZE)
    return replace(clip, frames=(clip.frames * 255).round() / 255)
