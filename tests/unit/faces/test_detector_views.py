"""Views: the way back to the frame, checked with pictures whose pixels say where they are."""

import pytest
import torch

from gpen_core.faces.detectors.views import View, around, tiles, whole


def position_picture(height: int, width: int) -> torch.Tensor:
    """[3, H, W]: the first channel holds each pixel's x, the second its y."""
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    return torch.stack((x, y, torch.zeros_like(x)))


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [(40, 60), (20, 25), (60, 130)])
def test_view_pixels_show_what_to_frame_says(turns, size):
    view = View(30, 20, 90, 60, size, turns)
    pixels = view.pixels(position_picture(100, 120))
    y, x = torch.meshgrid(torch.arange(pixels.shape[1]), torch.arange(pixels.shape[2]), indexing="ij")
    mapped = view.to_frame(torch.stack((x, y), dim=-1).float())
    inner = (slice(4, -4), slice(4, -4))  # resizing repeats pixels at the border, where a ramp is no ramp
    torch.testing.assert_close(
        pixels[:2].permute(1, 2, 0)[inner], mapped[inner], rtol=0, atol=1e-2 if size != (20, 25) else 0.25
    )


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_boxes_keep_their_area_through_turns(turns):
    view = View(0, 0, 60, 40, (40, 60), turns)
    x0, y0, x1, y1 = view.boxes_to_frame(torch.tensor([[3.0, 5.0, 13.0, 25.0]]))[0].tolist()
    assert sorted((x1 - x0, y1 - y0)) == [10, 20]
    assert (x1 - x0 == 10) == (turns % 2 == 0)


@pytest.mark.parametrize("frame", [(1080, 1920), (2160, 3840), (500, 9000), (700, 700), (1, 2000)])
@pytest.mark.parametrize("overlap", [60.0, 300.0])
def test_every_place_has_one_tile_and_faces_fit_in_it(frame, overlap):
    found = tiles(frame, 1.0, 1280, overlap)
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        x, y = (torch.rand(2, generator=generator) * torch.tensor([frame[1], frame[0]])).tolist()
        owners = [t for t in found if t.core[0] <= x < t.core[2] and t.core[1] <= y < t.core[3]]
        assert len(owners) == 1
        view = owners[0].view
        assert view.left <= max(0.0, x - overlap / 2) and view.right >= min(frame[1], x + overlap / 2)
        assert view.top <= max(0.0, y - overlap / 2) and view.bottom >= min(frame[0], y + overlap / 2)
    assert all(max(t.view.size) <= 1281 for t in found)


def test_overview_shrinks_but_never_enlarges():
    assert whole((1080, 1920), 640).size == (360, 640)
    assert whole((30, 40), 640).size == (30, 40)
    assert whole((1, 5000), 640).size == (1, 640)


@pytest.mark.parametrize("box", [(10.0, 10.0, 50.0, 60.0), (-30.0, -40.0, 20.0, 10.0), (95.0, 70.0, 140.0, 90.0)])
def test_close_view_stays_in_the_frame_and_shows_the_face_at_the_size_asked(box):
    view = around(box, (80, 100), 112)
    assert 0 <= view.left < view.right <= 100
    assert 0 <= view.top < view.bottom <= 80
    assert view.scale * max(box[2] - box[0], box[3] - box[1]) == pytest.approx(112, rel=0.03)
