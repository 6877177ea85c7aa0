"""Classical filters that a model is compared with."""

import pytest
import torch

from gpen_core.lab.evaluation.baselines import median_filtered

cv2 = pytest.importorskip("cv2", reason="OpenCV is the independent reference of the median: pip install opencv-python")


@pytest.mark.parametrize("window", [3, 5])
@pytest.mark.parametrize("size", [(17, 13), (5, 40)])
def test_the_median_is_opencvs(window, size):
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    expected = torch.from_numpy(cv2.medianBlur(picture[0].movedim(0, -1).contiguous().numpy(), window)).movedim(-1, 0)
    assert torch.equal(median_filtered(picture, window)[0], expected)
