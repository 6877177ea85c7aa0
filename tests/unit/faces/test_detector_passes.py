"""Passes over a frame, with a network that finds a drawn marker: every branch, no weights."""

import pytest
import torch

from gpen_core.errors import ImageError, OptionError
from gpen_core.faces.detectors import DetectOptions, MultiPassDetector
from gpen_core.faces.detectors.base import Detections, no_detections
from gpen_core.faces.detectors.options import smallest_face
from gpen_core.faces.detectors.sightings import Sighting, is_plausible, merge, roll_degrees, upright_turns
from gpen_core.faces.detectors.suppression import greedy_keep

LAYOUT = torch.tensor([[0.3, 0.35], [0.7, 0.35], [0.5, 0.55], [0.35, 0.8], [0.65, 0.8]])  # shares of the box


class MarkerNetwork:
    """Finds the red rectangle with a blue upper half, upright and at least 16 px wide, whole or cut."""

    name = "marker"
    default_threshold = 0.8

    def __init__(self, score: float = 0.999) -> None:
        self.module = torch.nn.Conv2d(3, 1, 1)
        self.score = score
        self.looks: list[tuple[int, int]] = []
        self.asked: list[float] = []

    def find(self, image: torch.Tensor, threshold: float, smallest: float = 0.0) -> Detections:
        self.looks.append((image.shape[1], image.shape[2]))
        self.asked.append(smallest)
        rows, columns = torch.nonzero(image[0] > 0.5, as_tuple=True)
        if not len(rows) or self.score < threshold:
            return no_detections()
        box = torch.stack((columns.min() - 0.5, rows.min() - 0.5, columns.max() + 0.5, rows.max() + 0.5))
        side = box[2:] - box[:2]
        blue_rows = torch.nonzero(image[2] > 0.5, as_tuple=True)[0].float()
        upright = side[1] > side[0] and len(blue_rows) and blue_rows.mean() < rows.float().mean() - side[1] / 8
        if side[0] < 16 or not upright:
            return no_detections()
        return Detections(box[None], torch.tensor([self.score]), (box[:2] + LAYOUT * side)[None])


def frame_with_marker(height: int, width: int, x: int, y: int, marker_width: int) -> torch.Tensor:
    frame, marker_height = torch.zeros(3, height, width), marker_width * 3 // 2
    frame[0, y : y + marker_height, x : x + marker_width] = 1
    frame[2, y : y + marker_height // 2, x : x + marker_width] = 1
    return frame


def drawn_box(x: int, y: int, marker_width: int) -> tuple[float, ...]:
    return (x - 0.5, y - 0.5, x + marker_width - 0.5, y + marker_width * 3 // 2 - 0.5)


@pytest.mark.parametrize(("x", "y", "marker_width"), [(40, 30, 24), (1490, 900, 30), (2950, 1940, 24), (700, 300, 900)])
def test_small_and_large_faces_of_a_large_picture_are_found_in_place(x, y, marker_width):
    faces = MultiPassDetector(MarkerNetwork()).detect(frame_with_marker(2000, 3000, x, y, marker_width))
    assert len(faces) == 1
    assert faces[0].box == pytest.approx(drawn_box(x, y, marker_width), abs=max(1.0, marker_width * 0.02))
    assert faces[0].image_size == (2000, 3000)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_faces_are_found_with_landmarks_in_their_roles(turns):
    upright = frame_with_marker(300, 400, 150, 80, 90)
    expected = torch.tensor(drawn_box(150, 80, 90)[:2]) + LAYOUT * torch.tensor([90.0, 135.0])
    faces = MultiPassDetector(MarkerNetwork()).detect(torch.rot90(upright, turns, (1, 2)))
    x, y = expected.unbind(1)  # each turn takes (x, y) to (y, width - 1 - x)
    for width in (400, 300, 400)[:turns]:
        x, y = y, width - 1 - x
    assert len(faces) == 1
    torch.testing.assert_close(torch.tensor(faces[0].landmarks), torch.stack((x, y), dim=1), rtol=0, atol=2.5)
    assert upright_turns(faces[0].landmarks) == (4 - turns) % 4


def test_turned_faces_are_not_sought_when_not_wanted_or_when_one_is_upright():
    frame = frame_with_marker(300, 400, 150, 80, 90)
    assert (
        MultiPassDetector(MarkerNetwork(), DetectOptions(try_rotations=False)).detect(torch.rot90(frame, 1, (1, 2)))
        == ()
    )
    network = MarkerNetwork()
    MultiPassDetector(network).detect(frame)
    assert network.looks == [(300, 400)]


def test_small_faces_can_be_left_out_to_save_time():
    frame, network = frame_with_marker(2000, 3000, 1000, 1000, 30), MarkerNetwork()
    assert MultiPassDetector(network, DetectOptions(small_faces=False, try_rotations=False)).detect(frame) == ()
    assert len(network.looks) == 1


def test_very_large_frames_are_searched_for_faces_of_their_own_scale():
    assert smallest_face(DetectOptions(), (2000, 3200)) == 20
    assert smallest_face(DetectOptions(), (852, 9960)) == pytest.approx(22.4, abs=0.1)  # a panorama is no close-up
    assert smallest_face(DetectOptions(), (6000, 4000)) == pytest.approx(37.7, abs=0.1)
    assert smallest_face(DetectOptions(min_face=20), (6000, 4000)) == 20


def test_a_smaller_min_face_enlarges_and_a_larger_one_filters():
    frame = frame_with_marker(200, 200, 100, 100, 12)
    assert MultiPassDetector(MarkerNetwork()).detect(frame) == ()
    faces = MultiPassDetector(MarkerNetwork(), DetectOptions(min_face=10)).detect(frame)
    assert len(faces) == 1
    assert faces[0].box == pytest.approx(drawn_box(100, 100, 12), abs=1)
    assert (
        MultiPassDetector(MarkerNetwork(), DetectOptions(min_face=60)).detect(frame_with_marker(99, 99, 9, 9, 40)) == ()
    )


@pytest.mark.parametrize(("score", "found"), [(0.99, 1), (0.85, 1), (0.7, 0)])
def test_doubtful_faces_need_a_second_look_that_reaches_the_threshold(score, found):
    network = MarkerNetwork(score)
    faces = MultiPassDetector(network, DetectOptions(try_rotations=False)).detect(
        frame_with_marker(300, 400, 150, 80, 90)
    )
    assert len(faces) == found
    assert len(network.looks) == {0.99: 1, 0.85: 3, 0.7: 6}[score]  # the frame is dark: in softer light, too
    asked = [0.0, 56.0, 32.0, 56.0, 32.0, 24.0]  # of a close view, nothing but the face it is of
    assert network.asked == asked[: len(network.looks)]


class PatternNetwork(MarkerNetwork):
    """Finds the marker, and for certain a green pattern that it doubts where that is 100 px large or more."""

    def find(self, image: torch.Tensor, threshold: float, smallest: float = 0.0) -> Detections:
        found, green = super().find(image, threshold, smallest), image[1] > 0.5
        if not green.any():
            return found
        rows, columns = torch.nonzero(green, as_tuple=True)
        box = torch.stack((columns.min() - 0.5, rows.min() - 0.5, columns.max() + 0.5, rows.max() + 0.5))
        side = box[2:] - box[:2]
        score = torch.tensor([0.995 if side.min() < 100 else 0.85])
        points = (box[:2] + LAYOUT * side)[None]
        return Detections(
            torch.cat((found.boxes, box[None])), torch.cat((found.scores, score)), torch.cat((found.landmarks, points))
        )


def test_a_pattern_that_passes_for_a_face_at_one_size_hides_no_turned_face_and_is_dropped_beside_one():
    frame = torch.rot90(frame_with_marker(600, 400, 150, 80, 90), 1, (1, 2)).contiguous()
    frame[1, 300:360, 450:510] = 1
    faces = MultiPassDetector(PatternNetwork(0.9999)).detect(frame)
    assert [face.score for face in faces] == [pytest.approx(0.9999)]
    assert upright_turns(faces[0].landmarks) == 3


class SoftLightNetwork(MarkerNetwork):
    """Doubts whatever is brighter than a softened picture."""

    def find(self, image: torch.Tensor, threshold: float, smallest: float = 0.0) -> Detections:
        self.score = 0.9 if image.max() < 0.9 else 0.7
        return super().find(image, threshold, smallest)


def test_a_face_that_stretching_makes_too_harsh_is_found_in_softer_light():
    frame = 0.4 + 0.1 * frame_with_marker(300, 400, 150, 80, 90)
    assert len(MultiPassDetector(SoftLightNetwork(), DetectOptions(try_rotations=False)).detect(frame)) == 1
    assert MultiPassDetector(MarkerNetwork(0.7), DetectOptions(try_rotations=False)).detect(frame) == ()


@pytest.mark.parametrize("shape", [(0, 0), (0, 9), (1, 1), (2, 2), (1, 3000), (3000, 1), (7, 900)])
def test_degenerate_frames_give_no_face(shape):
    assert MultiPassDetector(MarkerNetwork()).detect(torch.zeros(3, *shape)) == ()


def test_large_but_finite_values_are_no_reason_to_refuse():
    assert MultiPassDetector(MarkerNetwork()).detect(torch.full((3, 8, 8), 3e38)) == ()


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (torch.full((3, 8, 8), float("nan")), "NaN or infinity"),
        (torch.full((3, 8, 8), float("inf")), "NaN or infinity"),
        (torch.zeros(1, 3, 8, 8), r"\[3, H, W\]"),
        (torch.zeros(8, 8, 3), r"\(8, 8, 3\)"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), "Divide 8-bit"),
        ("picture.png", "str"),
    ],
)
def test_what_is_no_frame_is_refused(frame, reason):
    with pytest.raises(ImageError, match=reason):
        MultiPassDetector(MarkerNetwork()).detect(frame)


@pytest.mark.parametrize(
    "wrong",
    [{"threshold": 0}, {"threshold": 1.5}, {"min_face": 1}, {"min_face": float("nan")}, {"max_side": 10}, {"tile_side": 9},
     {"nms_iou": 0}, {"nms_iou": 1}],
)  # fmt: skip
def test_options_outside_their_range_are_refused_by_name(wrong):
    with pytest.raises(OptionError, match=next(iter(wrong))):
        DetectOptions(**wrong)


def test_the_threshold_is_the_networks_own_unless_given():
    assert MultiPassDetector(MarkerNetwork()).levels.accept == 0.8
    assert MultiPassDetector(MarkerNetwork(), DetectOptions(threshold=0.5)).levels.accept == 0.5


def test_suppression_keeps_neighbors_and_drops_copies_and_nested_boxes():
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [3, 3, 7, 7], [8, 0, 18, 10]])
    scores = torch.tensor([0.8, 0.9, 0.95, 0.7])
    assert greedy_keep(boxes, scores, max_iou=0.4).tolist() == [2, 1, 3]
    assert greedy_keep(boxes, scores, max_iou=0.4, max_share_of_smaller=0.7).tolist() == [2, 3]
    assert greedy_keep(boxes[:0], scores[:0]).tolist() == []


def sighting(x: float, side: float, score: float, seen: float = 50.0) -> Sighting:
    points = (torch.tensor([x, 0.0]) + LAYOUT * side).tolist()
    a, b, c, d, e = ((p[0], p[1]) for p in points)
    return Sighting((x, 0.0, x + side, side), score, (a, b, c, d, e), seen)


def test_merging_takes_the_clearest_of_those_that_agree():
    faces = merge([sighting(0, 100, 0.99, 30), sighting(2, 98, 0.96, 90), sighting(200, 100, 0.5, 90)], 0.4, sure=0.9)
    assert [(f.box[0], f.score) for f in faces] == [(2.0, 0.99), (200.0, 0.5)]


def test_points_in_a_heap_or_far_away_are_no_face():
    good = sighting(0, 100, 0.9)
    assert is_plausible(good)
    heap = ((50.0, 50.0),) * 5
    far = (*good.landmarks[:4], (400.0, 80.0))
    unknown = (*good.landmarks[:4], (float("nan"), 80.0))
    assert not any(is_plausible(Sighting(good.box, 0.9, points, 50)) for points in (heap, far, unknown))
    assert not is_plausible(Sighting((10, 0, 10, 100), 0.9, good.landmarks, 50))


def test_roll_is_zero_upright_and_follows_the_chin():
    points = sighting(0, 100, 0.9).landmarks
    assert roll_degrees(points) == pytest.approx(0, abs=1e-4)
    a, b, c, d, e = ((y, -x) for x, y in points)  # turned counter-clockwise: the chin points right
    assert roll_degrees((a, b, c, d, e)) == pytest.approx(90, abs=1e-4)
    assert upright_turns((a, b, c, d, e)) == 3
