"""Grain is measured as it is, put back as it was, and the same for the same seed."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.signal import welch

from gpen_core.errors import OptionError
from gpen_core.imaging.grain import Grain, grain_spectrum, with_grain
from gpen_core.pipeline.blend import blend_frame
from gpen_core.pipeline.blend_options import BlendOptions
from gpen_core.types import RestoredFace


def grain_of(size, sigma, softness, seed=0, channels=1):
    """Monochrome, unless there are three channels; of standard deviation ``sigma``, its dots blurred by ``softness``."""
    noise = np.random.default_rng(seed).standard_normal((channels, *size))
    noise = np.stack([gaussian_filter(one, softness, mode="wrap") for one in noise])
    return torch.from_numpy((noise / noise.std() * sigma).astype(np.float32))


@pytest.fixture(scope="module")
def smooth(astronaut):
    """A picture without grain, and without black or white that would cut it off."""
    smooth = np.stack([gaussian_filter(channel, 2.0) for channel in astronaut.numpy()])
    return torch.from_numpy(smooth * 0.6 + 0.2)


@pytest.mark.parametrize("softness", [0.0, 0.5, 0.8])
@pytest.mark.parametrize("sigma", [0.02, 0.06])
def test_the_spectrum_adds_up_to_the_variance_of_the_grain(smooth, sigma, softness):
    covariance = grain_spectrum(smooth + grain_of((512, 512), sigma, softness)).sum((0, 1))
    torch.testing.assert_close(covariance.sqrt(), torch.full((3, 3), sigma), atol=0, rtol=0.1)  # gray: all the same


def test_color_noise_is_measured_in_every_channel(smooth):
    noise = grain_of((512, 512), 0.04, 0, channels=3)
    made = with_grain(smooth, smooth + noise, torch.ones(1, 512, 512), Grain(1.0)) - smooth
    found, expected = (torch.corrcoef(one.flatten(1)) for one in (made, noise))
    torch.testing.assert_close(found, expected, atol=0.05, rtol=0)
    torch.testing.assert_close(made.std((1, 2)), noise.std((1, 2)), atol=0, rtol=0.08)


@pytest.mark.parametrize("softness", [0.0, 0.5, 0.8])
def test_what_is_put_back_has_the_spectrum_of_what_was_lost(smooth, softness):
    """Row by row, as scipy estimates it; from a fifth of Nyquist up."""
    grain = grain_of((512, 512), 0.04, softness)
    made = with_grain(smooth, smooth + grain, torch.ones(1, 512, 512), Grain(1.0, 7))[1] - smooth[1]
    found, expected = (welch(one.numpy(), nperseg=32, axis=-1)[1].mean(0)[3:] for one in (made, grain[0]))
    audible = expected > 0.05 * expected.max()
    ratio = found[audible] / expected[audible]
    assert ratio.min() > 0.75 and ratio.max() < 1.25


@pytest.mark.parametrize("amount", [0.25, 0.5, 1.0])
def test_the_amount_scales_it(smooth, amount):
    grainy = smooth + grain_of((512, 512), 0.04, 0.5)
    made = with_grain(smooth, grainy, torch.ones(1, 512, 512), Grain(amount)) - smooth
    assert float(made.std()) == pytest.approx(amount * 0.04, rel=0.1)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 1.0])
def test_a_soft_edge_has_as_much_grain_as_either_side(smooth, share):
    grainy = smooth + grain_of((512, 512), 0.04, 0)
    mask = torch.full((1, 512, 512), share)
    mixed = grainy.lerp(with_grain(smooth, grainy, mask, Grain(1.0)), mask)
    assert float((mixed - smooth).std()) == pytest.approx(0.04, rel=0.1)


def test_the_same_seed_gives_the_same_grain_and_another_seed_another(smooth):
    grainy, mask = smooth + grain_of((512, 512), 0.04, 0), torch.ones(1, 512, 512)
    first, again, other = (with_grain(smooth, grainy, mask, Grain(1.0, seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert (
        abs(float(torch.corrcoef(torch.stack([(first - smooth).flatten(), (other - smooth).flatten()]))[0, 1])) < 0.02
    )


def test_nothing_is_put_on_what_lost_nothing_nor_on_a_face_too_small_to_measure(smooth):
    grainy, mask = smooth + grain_of((512, 512), 0.04, 0), torch.ones(1, 512, 512)
    assert torch.equal(with_grain(grainy, grainy, mask, Grain(1.0)), grainy)
    assert torch.equal(with_grain(smooth, grainy, mask, Grain(0.0)), smooth)
    small = smooth[:, :20, :20]
    assert torch.equal(with_grain(small, grainy[:, :20, :20], mask[:, :20, :20], Grain(1.0)), small)


@pytest.mark.parametrize("amount", [-0.1, 1.5])
def test_an_impossible_amount_is_refused(amount):
    with pytest.raises(OptionError, match="grain"):
        Grain(amount)
    with pytest.raises(OptionError, match="grain"):
        BlendOptions(grain=amount)


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_a_restored_face_has_the_grain_of_the_picture_around_it(smooth, astronaut_face, side):
    """The picture is grainy, the model made a smooth face of it: inside is as grainy as outside."""
    from gpen_core.faces.alignment import align_face
    from gpen_core.imaging.lanczos import resize_lanczos

    canvas = resize_lanczos(smooth, (side, side))
    grainy = canvas + grain_of((side, side), 0.04, 0.5)
    crop, clean = align_face(grainy, astronaut_face, 256), align_face(canvas, astronaut_face, 256)
    face = RestoredFace(crop, clean.pixels)
    plain, mask = blend_frame(grainy, [face], BlendOptions(color="off"))
    picture, _ = blend_frame(grainy, [face], BlendOptions(color="off", grain=1.0))
    inside, outside = mask[0] > 0.95, mask[0] == 0
    assert float((plain - canvas)[:, inside].std()) < 0.3 * 0.04
    ratio = (picture - canvas)[:, inside].std() / (picture - canvas)[:, outside].std()
    assert 0.85 < float(ratio) < 1.15
    assert torch.equal(picture[:, outside], grainy[:, outside])
