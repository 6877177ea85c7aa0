"""What covers a face is kept, and nothing else is: on a real photograph, with things before it whose place is known."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gpen_core.faces.alignment import align_face
from gpen_core.imaging.agreement import AgreementLimits, agreement
from gpen_core.lab.degradation import Degradation, degrade
from gpen_core.lab.degradation.occluders import KINDS, draw_occluder


@pytest.fixture(scope="module")
def face(astronaut, astronaut_face):
    return align_face(astronaut, astronaut_face, 256).pixels


def array(pixels):
    return np.ascontiguousarray(pixels.movedim(0, -1).numpy())


def tensor(pixels):
    return torch.from_numpy(pixels.copy()).movedim(-1, 0)


def degraded(pixels, sigma=4.0, down=3.0, noise=8.0, quality=75):
    how = Degradation(blur="gaussian", sigma=(sigma, sigma), downsample=down, noise_sigma=noise, jpeg_quality=quality)
    return tensor(degrade(array(pixels), how, np.random.default_rng(0)).low)


@pytest.mark.parametrize("sigma", [0.5, 4.0, 8.0])
@pytest.mark.parametrize("noise", [0.0, 18.0])
def test_detail_that_the_original_has_lost_may_be_taken(face, sigma, noise):
    """A perfect restoration differs from its degraded original everywhere, but only in detail and noise."""
    assert torch.equal(agreement(face, degraded(face, sigma, 4.0, noise)), torch.ones(1, 256, 256))


def test_another_exposure_or_tint_is_no_other_content(face):
    tinted = (face * torch.tensor([0.8, 0.95, 0.7])[:, None, None] + 0.04).clamp(0, 1)
    assert torch.equal(agreement(face, degraded(tinted)), torch.ones(1, 256, 256))


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("seed", range(2))
def test_the_original_stays_where_something_covers_the_face(face, kind, seed):
    """Seeds of things whose color is not the face's."""
    occluder = draw_occluder(kind, 256, [1 - array(face)], np.random.default_rng(seed + 10))
    kept = 1 - agreement(face, degraded(tensor(occluder.before(array(face)))))
    covered = torch.from_numpy(occluder.mask) > 0.5
    common = (kept[0] > 0.5) & covered
    assert float(common.sum() / ((kept[0] > 0.5) | covered).sum()) > 0.7
    far = F.max_pool2d(covered.float()[None], 25, 1, 12)[0] == 0
    assert kept[0][far].max() < 0.01


def test_a_gap_between_two_things_is_not_kept_with_them(face):
    """As wide as one between fingers: both pictures show the same in it."""
    covered = face.clone()
    for left in (60, 94):
        covered[:, 90:190, left : left + 20] = torch.tensor([0.1, 0.7, 0.2])[:, None, None]
    kept = 1 - agreement(face, degraded(covered, sigma=1.0, down=1.5))[0]
    assert kept[100:180, 64:76].min() > 0.5 and kept[100:180, 98:110].min() > 0.5
    assert kept[100:180, 85:89].max() < 0.5


def test_what_is_kept_fades_softly(face):
    covered = face.clone()
    covered[:, 100:170, 60:120] = torch.tensor([0.1, 0.7, 0.2])[:, None, None]
    weight = agreement(face, degraded(covered))[0]
    assert weight.min() < 0.01 and weight.max() == 1
    steps = torch.cat(((weight[1:] - weight[:-1]).abs().flatten(), (weight[:, 1:] - weight[:, :-1]).abs().flatten()))
    assert steps.max() < 0.3


@pytest.mark.parametrize("size", [128, 512, 700])
def test_sizes_of_model_and_crop_do_not_matter(face, size):
    covered = face.clone()
    covered[:, 100:170, 60:120] = torch.tensor([0.1, 0.7, 0.2])[:, None, None]
    low = degraded(covered)
    restored = F.interpolate(face[None], (size, size), mode="bicubic", antialias=True)[0].clamp(0, 1)
    weight = agreement(restored, low)
    assert weight.shape == (1, size, size)
    same = F.interpolate(weight[None], (256, 256), mode="bilinear", antialias=True)[0]
    assert (same - agreement(face, low)).abs().mean() < 0.01


def test_limits_that_nothing_reaches_keep_nothing(face):
    assert torch.equal(agreement(face, degraded(1 - face), AgreementLimits(seed=9.0)), torch.ones(1, 256, 256))
