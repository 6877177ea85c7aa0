"""PSNR, SSIM and MS-SSIM against other implementations, in float64."""

import numpy as np
import pytest
import torch

from gpen_core.errors import ImageError
from gpen_core.lab.evaluation.metrics import ms_ssim, psnr, ssim
from gpen_core.lab.evaluation.metrics.fidelity import CEILING, PSNR


@pytest.fixture(scope="module")
def originals(crop):
    return torch.stack((crop, crop.flip(2)))


@pytest.fixture(scope="module")
def degraded(originals):
    """The first noisy, the second blurred."""
    noisy = originals[0] + 0.1 * torch.randn(originals[0].shape, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(originals[1][None], 9, 1, 4)[0]
    return torch.stack((noisy, blurred)).clamp(0, 1)


def arrays(*batches):
    """Pairs of pictures [H, W, 3] float64."""
    return list(zip(*(batch.double().movedim(1, -1).numpy() for batch in batches)))


def test_psnr_is_scikit_images(degraded, originals):
    from skimage.metrics import peak_signal_noise_ratio

    wanted = [peak_signal_noise_ratio(b, a, data_range=1) for a, b in arrays(degraded, originals)]
    np.testing.assert_allclose(psnr(degraded, originals), wanted, atol=1e-4)


def test_ssim_is_scikit_images_with_the_papers_window(degraded, originals):
    from skimage.metrics import structural_similarity

    paper = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    wanted = [structural_similarity(a, b, channel_axis=2, **paper) for a, b in arrays(degraded, originals)]
    np.testing.assert_allclose(ssim(degraded, originals), wanted, atol=1e-5)


def contrast_and_luminance(x, y):
    """One channel in float64, by SciPy's own Gaussian filter, the five pixels at the border cut off."""
    from scipy.ndimage import gaussian_filter

    def mean(plane):
        return gaussian_filter(plane, 1.5, radius=5)[5:-5, 5:-5]

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    return (2 * cov + 9e-4) / (vx + vy + 9e-4), (2 * mx * my + 1e-4) / (mx * mx + my * my + 1e-4)


def test_ms_ssim_is_the_product_of_five_scales(degraded, originals):
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    for row, (a, b) in enumerate(arrays(degraded, originals)):
        channels = []
        for channel in range(3):
            x, y, product = a[..., channel], b[..., channel], 1.0
            for scale, weight in enumerate(weights):
                contrast, luminance = contrast_and_luminance(x, y)
                product *= np.mean(contrast * luminance if scale == 4 else contrast) ** weight
                x, y = (p.reshape(p.shape[0] // 2, 2, -1, 2).mean((1, 3)) for p in (x, y))
            channels.append(product)
        assert ms_ssim(degraded, originals)[row].item() == pytest.approx(np.mean(channels), abs=1e-5)


def test_figures_are_those_of_piq(degraded, originals):
    piq = pytest.importorskip("piq", reason="a second opinion: pip install piq")
    options = {"data_range": 1.0, "reduction": "none"}
    torch.testing.assert_close(psnr(degraded, originals), piq.psnr(degraded, originals, **options), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        ssim(degraded, originals), piq.ssim(degraded, originals, downsample=False, **options), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        ms_ssim(degraded, originals), piq.multi_scale_ssim(degraded, originals, **options), atol=1e-5, rtol=0
    )


def test_identical_pictures_are_perfect(originals):
    assert psnr(originals, originals).tolist() == [float("inf")] * 2
    torch.testing.assert_close(ssim(originals, originals), torch.ones(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(ms_ssim(originals, originals), torch.ones(2), atol=1e-6, rtol=0)
    assert PSNR.measure(originals, PSNR.prepare(originals)) == [CEILING] * 2  # a report holds no infinity


def test_a_picture_and_its_negative_are_not_alike_and_yield_a_number(originals):
    figures = ms_ssim(1 - originals, originals)
    assert torch.isfinite(figures).all() and (figures < 0.1).all()


def test_pictures_of_two_sizes_and_too_small_ones_are_refused(originals):
    with pytest.raises(ImageError, match="of one size"):
        psnr(originals, originals[:, :, :8])
    with pytest.raises(ImageError, match="176 px at least"):
        ms_ssim(originals[..., :128, :128], originals[..., :128, :128])
