"""Faces in batches: what they give alone, within a budget of memory, and when it runs out."""

import copy
from dataclasses import replace

import pytest
import torch

from gpen_core.errors import OptionError, RestorationError
from gpen_core.faces.alignment import align_face
from gpen_core.model import GpenConfig
from gpen_core.pipeline import (
    Hooks,
    RestoreOptions,
    restore_faces,
)
from gpen_core.pipeline.restore import activation_bytes


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_restored_faces_are_ordinary_tensors_of_their_own(frames, astronaut_face, tiny_model, batch_size):
    seen = []
    hooks = Hooks(progress=lambda stage, done, total, picture=None: seen.append(picture))
    options = RestoreOptions(batch_size=batch_size)
    for face in list(restore_faces(frames, [astronaut_face] * 3, tiny_model, options, hooks)):
        face.pixels.mul_(0.5).requires_grad_()
        assert face.pixels.untyped_storage().nbytes() == face.pixels.nbytes
    assert len(seen) == 3 and not any(picture.is_inference() for picture in seen)


@pytest.mark.parametrize("batch_size", [0, 1, 2, 5])
def test_batches_over_frames_give_what_faces_give_alone(frames, astronaut_face, tiny_model, batch_size):
    mirrored = tuple((511 - x, y) for x, y in astronaut_face.landmarks)
    flipped = replace(
        astronaut_face, frame=1, landmarks=(mirrored[1], mirrored[0], mirrored[2], mirrored[4], mirrored[3])
    )
    faces = [astronaut_face, flipped, replace(astronaut_face, frame=2)]
    restored = list(restore_faces(frames, faces, tiny_model, RestoreOptions(batch_size=batch_size)))
    assert [face.crop.face for face in restored] == faces
    for face, result in zip(faces, restored):
        alone = tiny_model(align_face(frames[face.frame], face, 32).pixels[None])[0]
        torch.testing.assert_close(result.pixels, alone, atol=1e-5, rtol=0)


class Memory:
    """Runs out of memory for batches larger than it holds, as torch says it."""

    def __init__(self, model, holds):
        self.model, self.holds, self.asked = model, holds, []

    def __getattr__(self, name):
        return getattr(self.model, name)

    def __call__(self, crops):
        self.asked.append(len(crops))
        if len(crops) > self.holds:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.model(crops)


def test_out_of_memory_halves_the_batch_and_stays_there(frames, astronaut_face, tiny_model):
    freed, model = [], Memory(tiny_model, holds=2)
    faces = [astronaut_face] * 8
    hooks = Hooks(free_memory=lambda: freed.append(1))
    restored = list(restore_faces(frames, faces, model, RestoreOptions(batch_size=5), hooks))
    assert len(restored) == 8 and len(freed) == 2 - 1 and model.asked == [5, 2, 2, 1, 2, 1]


def test_not_even_one_face_is_a_clear_error(frames, astronaut_face, tiny_model):
    with pytest.raises(RestorationError, match="not enough memory for a face of 32 px"):
        list(restore_faces(frames, [astronaut_face], Memory(tiny_model, holds=0)))


def test_other_errors_pass_through(frames, astronaut_face, tiny_model):
    def broken(crops):
        raise RuntimeError("mat1 and mat2 shapes")

    model = Memory(tiny_model, 9)
    model.__class__.__call__, original = (lambda self, crops: broken(crops)), model.__class__.__call__
    try:
        with pytest.raises(RuntimeError, match="mat1"):
            list(restore_faces(frames, [astronaut_face], model))
    finally:
        model.__class__.__call__ = original


def test_nan_is_an_error_not_a_picture(frames, astronaut_face, tiny_model):
    for value in (float("nan"), float("inf")):
        broken = replace(tiny_model, module=copy.deepcopy(tiny_model.module))
        broken.module.generator.to_rgb1.bias.fill_(value)
        with pytest.raises(RestorationError, match="tiny gave NaN or infinity"):
            list(restore_faces(frames, [astronaut_face], broken))


def test_the_memory_estimate_grows_with_faces_up_to_the_batch(tiny_model):
    options = RestoreOptions(batch_size=4)
    sizes = [activation_bytes(tiny_model, options, faces) for faces in (1, 2, 4, 9)]
    assert activation_bytes(tiny_model, options) == sizes[-1]
    assert sizes[0] < sizes[1] < sizes[2] == sizes[3]


@pytest.mark.parametrize("large", [False, True])
def test_a_memory_budget_bounds_what_a_batch_takes(tiny_model, large):
    model = replace(tiny_model, config=GpenConfig.published(512)) if large else tiny_model
    one = activation_bytes(model, RestoreOptions(batch_size=1))
    assert one < activation_bytes(model, RestoreOptions(batch_size=64))
    for mib in (1, *range(100, 4000, 300)):
        budget = max(mib << 20, one)  # one face at least
        taken = activation_bytes(model, RestoreOptions(batch_size=64, memory_mib=mib))
        assert one <= taken <= budget
    plenty = RestoreOptions(batch_size=64, memory_mib=1 << 20)
    assert activation_bytes(model, plenty) == activation_bytes(model, RestoreOptions(batch_size=64))
    with pytest.raises(OptionError, match="memory_mib"):
        RestoreOptions(memory_mib=-1)


def test_faces_restored_within_a_budget_are_the_same(frames, astronaut_face, tiny_model):
    faces = [astronaut_face] * 5
    free = restore_faces(frames, faces, tiny_model)
    for bounded, expected in zip(
        restore_faces(frames, faces, tiny_model, RestoreOptions(memory_mib=1)), free, strict=True
    ):
        assert torch.allclose(bounded.pixels, expected.pixels, atol=1e-5)
