"""How each task's input is made, and what of its output returns."""

import re

import numpy as np
import pytest
import torch
from skimage.color import rgb2ycbcr

from gpen_core.errors import ImageError
from gpen_core.tasks import TASK_NAMES, TASKS
from gpen_core.tasks.coloring import with_brightness_of
from gpen_core.tasks.labels import LABEL_COLORS, colored_labels, label_numbers, labels_at

GRAY, FILL, MAP = TASKS["colorization"], TASKS["inpainting"], TASKS["seg2face"]


def luma(picture):
    """Y′ of BT.601 by scikit-image, of [3, H, W] in [0, 1], from 16 to 235."""
    return rgb2ycbcr(picture.double().movedim(0, -1).numpy())[..., 0]


@pytest.fixture
def noise():
    return torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))


def test_the_names_that_widgets_list_are_those_of_the_tasks():
    assert tuple(TASKS) == TASK_NAMES == tuple(task.name for task in TASKS.values())


def test_a_colorizer_is_shown_three_equal_channels_of_the_same_brightness(noise):
    shown = GRAY.shown(noise)
    assert (
        shown.shape == noise.shape and torch.equal(shown[:, 0], shown[:, 1]) and torch.equal(shown[:, 0], shown[:, 2])
    )
    for before, after in zip(noise, shown, strict=True):
        np.testing.assert_allclose(luma(after), luma(before), atol=1e-2)  # scikit-image's matrix has six digits
    torch.testing.assert_close(GRAY.shown(shown), shown, atol=1e-6, rtol=0)  # shown twice is shown once


def test_returned_colors_have_the_pictures_brightness_even_where_they_do_not_fit(noise):
    made, own = noise[0], noise[1]
    own[:, :8] = own[:1, :8]  # gray
    own[:, :2], own[:, 2:4] = 0, 1  # where no color has room
    result = with_brightness_of(made, own)
    assert result.min() >= 0 and result.max() <= 1
    np.testing.assert_allclose(luma(result), luma(own), atol=1e-2)
    assert torch.equal(result[:, :4], own[:, :4])
    inside = (result > 0.01).all(0) & (result < 0.99).all(0)
    difference = (result - own.mul(torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0))[:, inside]
    wanted = (made - made.mul(torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0))[:, inside]
    torch.testing.assert_close(difference, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("tint", "says"), [(None, False), ((1.0, 0.9, 0.7), False), ("color", True)])
def test_only_a_picture_in_color_is_told_that_it_is_one(astronaut, tint, says):
    picture = astronaut
    if tint != "color":
        picture = GRAY.shown(astronaut[None])[0] * torch.tensor(tint or (1.0, 1.0, 1.0))[:, None, None]
    said = list(GRAY.noticed(picture))
    assert bool(said) == says and all("in color already" in sentence for sentence in said)
    stored = (picture * 255).round().byte()
    assert bool(list(GRAY.noticed(stored))) == says


def test_what_is_to_be_filled_is_pure_white_with_round_ends_and_never_thinner_than_trained(noise):
    fill = torch.zeros(2, 1, 512, 512)
    fill[0, 0, 256, 100:300] = 0.2  # one pixel of a soft line
    pictures = torch.rand(2, 3, 512, 512) * 0.9
    shown = FILL.shown(pictures, fill)
    white = (shown == 1).all(1)
    assert white[0, :, 200].sum() == 7 and torch.equal(shown[1], pictures[1])  # 12 px of 1024, and the line itself
    assert not white[0, 253, 97] and white[0, 256, 97]  # a round end
    assert torch.equal(shown[0][:, ~white[0]], pictures[0][:, ~white[0]])
    assert torch.equal(FILL.shown(pictures), pictures)


def test_labels_and_colors_are_each_others_inverse():
    numbers = torch.arange(19).repeat(19, 1)
    colored = colored_labels(numbers)
    assert torch.equal(label_numbers(colored), numbers) and len(set(LABEL_COLORS.values())) == 19
    assert list(MAP.noticed(colored)) == []
    stored = (colored * 255).round().byte()
    assert torch.equal(label_numbers(stored), numbers)


def test_a_label_map_of_another_size_has_no_colors_but_labels():
    numbers = torch.randint(0, 19, (100, 100), generator=torch.Generator().manual_seed(1))
    for side in (37, 100, 256):
        small = labels_at(colored_labels(numbers), side)
        assert torch.equal(colored_labels(label_numbers(small)), small)
    assert torch.equal(labels_at(colored_labels(numbers), 100), colored_labels(numbers))


def test_parsers_with_another_order_get_the_same_colors():
    names = ("background", "hair", "glass", "skin")
    colored = colored_labels(torch.tensor([[0, 1, 2, 3]]), names) * 255
    wanted = [LABEL_COLORS["background"], LABEL_COLORS["hair"], LABEL_COLORS["background"], LABEL_COLORS["skin"]]
    assert colored[:, 0].T.round().tolist() == [list(map(float, color)) for color in wanted]


def test_a_photograph_or_an_oblong_is_no_label_map(astronaut, repo_root):
    node = re.search(r'display_name="(Label Map [^"]+)"', (repo_root / "nodes" / "label_maps.py").read_text())[1]
    with pytest.raises(ImageError, match=f"no label map.* with {re.escape(node)} in ComfyUI"):
        list(MAP.noticed(astronaut))
    with pytest.raises(ImageError, match=r"square.*64×32"):
        list(MAP.noticed(colored_labels(torch.zeros(32, 64))))


def test_what_jpeg_leaves_along_outlines_is_said():
    colored = colored_labels(torch.zeros(64, 64))
    colored[:, 10, :32] = 0.5
    (said,) = MAP.noticed(colored)
    assert said.startswith("0.8%")
