"""Images as a graph hands them over."""

import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gpen_core.errors import ImageError
from gpen_core.imaging.batches import frames_of_batch, joined_background, masks_of_batch


@pytest.fixture
def said():
    return []


def image(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def test_gray_becomes_rgb_and_alpha_stays(said):
    gray, rgba = image(2, 5, 7, 1), image(2, 5, 7, 4)
    assert torch.equal(frames_of_batch(gray, said.append), gray.movedim(-1, 1).expand(2, 3, 5, 7))
    assert torch.equal(frames_of_batch(rgba, said.append), rgba.movedim(-1, 1))
    assert torch.equal(frames_of_batch(rgba[0], said.append), rgba[:1].movedim(-1, 1))  # one image without a batch
    assert said == []


def test_values_beyond_the_range_are_cut_off_and_said(said):
    wide = image(1, 6, 6, 3) * 1.8 - 0.4
    assert torch.equal(frames_of_batch(wide, said.append), wide.clamp(0, 1).movedim(-1, 1))
    assert len(said) == 1 and "cut off" in said[0]
    slightly = image(1, 6, 6, 3) * 1.04 - 0.02  # as a sharp resampling overshoots
    assert float(frames_of_batch(slightly, said.append).max()) <= 1 and len(said) == 1


def test_a_bright_spot_of_an_hdr_image_is_no_picture_in_255ths(said):
    shining = image(1, 64, 64, 3)
    shining[0, :3, :3] = 200
    assert float(frames_of_batch(shining, said.append).max()) == 1 and "200" in said[0]


@pytest.mark.parametrize("made", [lambda x: x * 255, lambda x: (x * 255).byte(), lambda x: (x * 30).round()])
def test_a_picture_in_255ths_is_an_error_that_says_so(made, said):
    with pytest.raises(ImageError, match=r"background counts from 0 to 255.*Divide by 255"):
        frames_of_batch(made(image(1, 8, 8, 3)), said.append, "background")


def test_a_frame_of_nan_is_named_and_the_others_come_through(said):
    frames = image(4, 6, 6, 3)
    frames[2, 1, 1, 0] = float("nan")
    frames[3, 0, 0, 0] = float("inf")
    made = frames_of_batch(frames, said.append)
    assert torch.equal(made[:2], frames[:2].movedim(-1, 1)) and not torch.isfinite(made[2]).all()
    assert not torch.isfinite(made[3]).all()
    assert len(said) == 2 and said[0].startswith("Images 3, 4 of 4 hold") and "fp32-vae" in said[1]
    with pytest.raises(ImageError, match="The image holds not only numbers"):
        frames_of_batch(frames[2:3], said.append)


def test_an_input_of_several_is_spoken_of_as_several(said):
    for pixels, words in (
        (torch.full((1, 2, 2, 3), torch.nan), r"The crops hold "),
        (torch.ones(1, 2, 2, 2), "crops have 2 channels"),
        (torch.ones(1, 2, 2, 3) * 255, "crops count from 0 to 255"),
        (torch.ones(0, 2, 2, 3), "crops are empty"),
    ):
        with pytest.raises(ImageError, match=words):
            frames_of_batch(pixels, said.append, "crops")
    frames_of_batch(torch.tensor([1.0, torch.nan])[:, None, None, None].expand(2, 2, 2, 3), said.append, "crops")
    assert said[0].startswith("Crop 2 of 2 holds")


@given(
    st.lists(st.integers(0, 5), max_size=5), st.sampled_from([torch.float32, torch.float16, torch.int64, torch.bool])
)
def test_anything_else_is_an_error_of_ours_without_shapes(shape, dtype):
    try:
        made = frames_of_batch(torch.zeros(shape, dtype=dtype), [].append)
    except ImageError as error:
        assert not re.search(r"\[\d|\(\d|torch\.|Size", str(error))
    else:
        assert made.dtype == torch.float32 and made.shape[1] in (3, 4)


@pytest.mark.parametrize("shape", [(4, 6), (2, 4, 6), (2, 1, 4, 6), (2, 4, 6, 1), (1, 1, 4, 6), (1, 4, 6, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bool])
def test_a_mask_is_one_in_whatever_form_nodes_hand_it_on(shape, dtype):
    mask = (torch.arange(2 * 4 * 6) % 2).to(dtype)[: math.prod(shape)].reshape(shape)
    masks = masks_of_batch(mask)
    assert masks.shape[1:] == (1, 4, 6) and masks.dtype == torch.float32
    assert torch.equal(masks.flatten(), mask.float().flatten())


@pytest.mark.parametrize(
    "shape", [(), (6,), (0, 4, 6), (2, 0, 6), (1, 0, 0), (2, 4, 6, 3), (2, 3, 4, 6), (1, 1, 1, 4, 6)]
)
def test_what_is_no_mask_is_an_error_of_ours_without_shapes(shape):
    with pytest.raises(ImageError, match="mask is empty, or no mask") as caught:
        masks_of_batch(torch.ones(shape))
    assert "[" not in str(caught.value)


def test_a_mask_of_nan_is_an_error():
    with pytest.raises(ImageError, match="The mask holds not only numbers"):
        masks_of_batch(torch.tensor([[0.0, torch.nan]]))


def test_a_mask_beyond_the_range_is_cut_off_and_one_in_bytes_is_an_error():
    assert masks_of_batch(torch.tensor([[-1.0, 0.5, 2.0]])).flatten().tolist() == [0, 0.5, 1]
    assert masks_of_batch(torch.tensor([[0.0, 3.0, 2.5]])).flatten().tolist() == [0, 1, 1]  # a sum of three
    for dtype in (torch.float32, torch.uint8, torch.int64):
        with pytest.raises(ImageError, match="mask counts from 0 to 255; masks of ComfyUI go from 0 to 1"):
            masks_of_batch(torch.tensor([[0, 255, 128]], dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.bool, torch.complex64])
def test_what_counts_in_nothing_is_no_picture(dtype):
    with pytest.raises(ImageError, match="no picture"):
        frames_of_batch(torch.ones(1, 4, 4, 3, dtype=dtype), [].append)


def test_a_background_has_alpha_where_either_has_it():
    rgb, rgba = image(2, 3, 4, 4), image(2, 4, 4, 4)
    large, large_alpha = image(2, 3, 8, 8), image(2, 4, 8, 8)
    assert joined_background(rgb, large) is large and joined_background(rgba, large_alpha) is large_alpha
    assert joined_background(rgb, large_alpha) is large_alpha
    joined = joined_background(rgba, large)
    assert torch.equal(joined[:, :3], large) and joined.shape == (2, 4, 8, 8)
    full = joined_background(torch.cat((rgb, torch.ones(2, 1, 4, 4)), 1), large)
    assert float(full[:, 3].min()) == pytest.approx(1, abs=1e-6)
