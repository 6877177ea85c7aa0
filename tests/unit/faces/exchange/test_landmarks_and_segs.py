"""Faces from MediaPipe's mesh, from and to SEGS, in given boxes, and aligned pictures."""

import importlib.util
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest
import torch

from gpen_core.errors import ImageError, OptionError
from gpen_core.faces.alignment import align_face
from gpen_core.faces.detectors import DetectOptions, load_detector
from gpen_core.faces.exchange import (
    AlignedPictures,
    aligned_face,
    boxes_of_segs,
    faces_from_landmarks,
    faces_in_boxes,
    faces_to_segs,
)
from gpen_core.geometry import TEMPLATES


def mesh_of(face, vertices):
    """A face mesh whose vertices are where ours lie; eyes have corners and, in meshes of 478, irises."""
    mesh = np.full((vertices, 2), face.landmarks[2], dtype=np.float32)
    (lx, ly), (rx, ry), nose, left_mouth, right_mouth = face.landmarks
    mesh[33], mesh[133], mesh[362], mesh[263] = (lx - 9, ly), (lx + 9, ly), (rx - 9, ry), (rx + 9, ry)
    mesh[4], mesh[61], mesh[291] = nose, left_mouth, right_mouth
    if vertices == 478:
        mesh[468], mesh[473] = (lx, ly), (rx, ry)
    return mesh


def payload(*frames):
    return {"frames": list(frames), "image_size": (512, 512), "connection_sets": {}}


@pytest.mark.parametrize("vertices", [468, 478])
def test_the_five_points_come_from_eyes_nose_and_lips(astronaut_face, vertices):
    entry = {"landmarks_xy": mesh_of(astronaut_face, vertices), "bbox_xyxy": np.array(astronaut_face.box), "score": 0.9}
    (face,) = faces_from_landmarks(payload([entry]), 1)
    assert np.allclose(face.landmarks, astronaut_face.landmarks, atol=1e-4)
    assert face.box == astronaut_face.box and (face.score, face.id, face.image_size) == (0.9, 1, (512, 512))


def test_lists_are_for_each_frame_or_one_for_all(astronaut_face):
    entry = {"landmarks_xy": torch.from_numpy(mesh_of(astronaut_face, 478)), "bbox_xyxy": astronaut_face.box}
    faces = faces_from_landmarks(payload([], [entry, entry]), 2)
    assert [(face.frame, face.id) for face in faces] == [(1, 1), (1, 2)]
    assert [face.frame for face in faces_from_landmarks(payload([entry]), 3)] == [0, 1, 2]
    with pytest.raises(OptionError, match="2 images, but there are 3"):
        faces_from_landmarks(payload([], []), 3)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (None, "no face landmarks"),
        ({"frames": 3}, "no face landmarks"),
        ({"frames": [[]]}, "image_size"),
        (payload([{}]), "has no landmarks"),
        (payload([{"landmarks_xy": [[1, 2], [3]] * 234}]), "has no landmarks"),
        (payload([{"landmarks_xy": [[0]] * 468}]), "not pairs of x and y"),
        (payload([None]), "has no landmarks"),
        (payload([[]] * 2, [[]] * 2), "for 2 images"),
        (payload([{"landmarks_xy": [[1, 2]] * 68}]), "68 landmarks"),
        (payload([{"landmarks_xy": [[100, 100]] * 478}]), "is no face"),
        (payload([{"landmarks_xy": [[float("nan"), 1]] * 478}]), "is no face"),
    ],
)
def test_other_landmarks_are_named(wrong, says):
    with pytest.raises(OptionError, match=says):
        faces_from_landmarks(wrong, 1)


def test_one_broken_face_is_named_and_the_others_are_taken_over(astronaut_face):
    good = {"landmarks_xy": mesh_of(astronaut_face, 478), "bbox_xyxy": [1, 2], "score": "high"}
    said = []
    broken = ({"landmarks_xy": [[float("nan"), 1]] * 478}, {"landmarks_xy": [[1]] * 478})
    faces = faces_from_landmarks(payload([broken[0], good, broken[1]]), 1, said.append)
    assert [(face.id, face.score) for face in faces] == [(2, 1.0)]
    x0, y0, x1, y1 = faces[0].box  # around the points, where the given one is none
    assert all(x0 <= x <= x1 and y0 <= y <= y1 for x, y in faces[0].landmarks)
    assert [text.partition(":")[0] for text in said] == [
        f"face {number} (image 1) of the landmarks" for number in (1, 3)
    ]


def test_a_broken_mesh_of_many_images_is_said_once(astronaut_face):
    good, bad = {"landmarks_xy": mesh_of(astronaut_face, 478)}, {"landmarks_xy": [[1]] * 478}
    said = []
    assert len(faces_from_landmarks(payload([good, bad]), 100, said.append)) == 100
    assert len(faces_from_landmarks(payload(*[[bad, good]] * 3, [{}]), 4, said.append)) == 3
    assert [text.partition(":")[0] for text in said] == [
        "100 faces (images 1, 2, 3, 4, 5, 6, 7, 8, …) of the landmarks",
        "3 faces (images 1, 2, 3) of the landmarks",
        "face 7 (image 4) of the landmarks",
    ]
    with pytest.raises(OptionError, match=r"^2 faces \(image 1\) of the landmarks: "):
        faces_from_landmarks(payload([bad, bad]), 1)


@pytest.mark.parametrize("one", [torch.tensor, np.array, tuple, lambda point: [torch.tensor(side) for side in point]])
def test_a_mesh_may_be_a_list_of_points_of_any_kind(astronaut_face, one):
    mesh = mesh_of(astronaut_face, 478).astype(float).tolist()
    expected = faces_from_landmarks(payload([{"landmarks_xy": mesh}]), 1)
    assert faces_from_landmarks(payload([{"landmarks_xy": [one(point) for point in mesh]}]), 1) == expected


@pytest.mark.parametrize(
    "box",
    [
        None,
        "none",
        [1, 2],
        [float("nan")] * 4,
        [0, 0, float("inf"), 9],
        [272, 188, 175, 64],
        [9, 9, 9, 9],
        torch.ones(4, 2),
    ],
    ids=str,
)
def test_where_a_box_is_none_it_is_drawn_around_all_points(astronaut_face, box):
    mesh = mesh_of(astronaut_face, 478)
    (face,) = faces_from_landmarks(payload([{"landmarks_xy": mesh, "bbox_xyxy": box, "score": torch.ones(2)}]), 1)
    assert face.box == (*mesh.min(0).tolist(), *mesh.max(0).tolist())


# --- SEGS


def test_frames_that_are_no_lists_are_named():
    with pytest.raises(OptionError, match="the landmarks of image 2 are no list of faces, but NoneType"):
        faces_from_landmarks(payload([], None), 2)


def test_segs_hold_the_face_its_region_and_an_oval_over_it(astronaut, astronaut_face):
    size, (seg,) = faces_to_segs([astronaut_face], astronaut, crop_factor=2.0)
    assert size == (512, 512) and seg.bbox == (175, 64, 272, 188) and seg.label == "face" and seg.confidence == 0.99
    assert seg.crop_region == [126, 2, 320, 250]  # about twice the box
    height, width = 248, 194
    assert seg.cropped_mask.shape == (height, width) and seg.cropped_mask.dtype == np.float32
    assert seg.cropped_image.shape == (1, height, width, 3)
    assert torch.equal(seg.cropped_image[0], astronaut[:, 2:250, 126:320].movedim(0, -1))
    for x, y in astronaut_face.landmarks:
        assert seg.cropped_mask[round(y) - 2, round(x) - 126] > 0.9
    assert seg.cropped_mask[0].max() == 0 and 0.15 < seg.cropped_mask.mean() < 0.5
    assert seg._fields == (
        *("cropped_image", "cropped_mask", "confidence", "crop_region", "bbox", "label", "control_net_wrapper"),
    )


def test_segs_of_a_resized_picture_are_scaled(astronaut, astronaut_face):
    half = astronaut[:, ::2, ::2]
    size, (seg,) = faces_to_segs([astronaut_face], half)
    assert size == (256, 256) and seg.bbox == pytest.approx((87, 32, 136, 94), abs=1)
    boxes = boxes_of_segs((size, [seg]), (512, 512), 2)
    assert [box.frame for box in boxes] == [0, 1] and boxes[0].box == pytest.approx(astronaut_face.box, abs=2)


def test_a_region_ends_at_the_picture_and_a_face_outside_has_none(astronaut, astronaut_face):
    at_corner = replace(astronaut_face, box=(-40.0, -30.0, 60.0, 90.0))
    _, (seg,) = faces_to_segs([at_corner], astronaut)
    assert seg.crop_region[:2] == [0, 0] and seg.bbox == (0, 0, 60, 90)
    assert faces_to_segs([replace(astronaut_face, box=(-90.0, 0.0, -10.0, 80.0))], astronaut)[1] == []
    with pytest.raises(OptionError, match="crop factor"):
        faces_to_segs([astronaut_face], astronaut, 0.5)
    with pytest.raises(ImageError, match="512×512"):
        faces_to_segs([astronaut_face], astronaut[:, :300])


def test_segs_of_another_pack_are_read_by_the_names_of_their_fields():
    other = namedtuple("SEG", ["cropped_image", "cropped_mask", "confidence", "crop_region", "bbox", "label", "more"])
    seg = other(None, None, np.float32(0.7), [0, 0, 90, 90], np.array([10, 20, 50, 70]), "face", None)
    (box,) = boxes_of_segs(((100, 100), [seg]), (200, 200), 1)
    assert box.box == (20, 40, 100, 140) and box.label == "face"
    for wrong in (None, 3, (1, 2), ((100, 100), [1]), ((0, 0), [])):
        with pytest.raises(OptionError, match="no SEGS"):
            boxes_of_segs(wrong, (200, 200), 1)
    with pytest.raises(OptionError, match="100×100 image"):
        boxes_of_segs(((100, 100), [seg]), (200, 400), 1)
    with pytest.raises(OptionError, match="no area"):
        boxes_of_segs(((100, 100), [seg._replace(bbox=(5, 5, 5, 9))]), (100, 100), 1)


# --- landmarks inside a box


@pytest.fixture(scope="module")
def detector():
    if importlib.util.find_spec("mtcnn") is None:  # its files are read; the package itself is never imported
        pytest.skip("the mtcnn package is not installed")
    return load_detector("mtcnn", options=DetectOptions(threshold=0.5))


@pytest.mark.parametrize("grown", [-15, 0, 40])
def test_landmarks_are_found_inside_a_box_drawn_tight_or_loose(astronaut, astronaut_face, detector, grown):
    x0, y0, x1, y1 = astronaut_face.box
    box = (x0 - grown, y0 - grown, x1 + grown, y1 + grown)
    frames = torch.stack((torch.zeros_like(astronaut), astronaut))
    found = faces_in_boxes(frames, [(1, box)], detector)
    (face,) = found.faces
    assert found.missed == () and (face.frame, face.id, face.image_size) == (1, 1, (512, 512))
    errors = (torch.tensor(face.landmarks) - torch.tensor(astronaut_face.landmarks)).norm(dim=1)
    assert errors.max() < 8  # of 45 px between the eyes, by hand and by the network


def test_a_small_face_is_looked_at_closely(astronaut, astronaut_face, detector):
    small = torch.nn.functional.interpolate(astronaut[None], size=(64, 64), mode="area")  # a face of 12 px
    box = tuple(side / 8 for side in astronaut_face.box)
    (face,) = faces_in_boxes(small, [(0, box)], detector).faces
    expected = (torch.tensor(astronaut_face.landmarks) + 0.5) / 8 - 0.5
    assert (torch.tensor(face.landmarks) - expected).norm(dim=1).max() < 1.5


def test_a_box_without_a_face_is_named_and_the_same_face_is_there_once(astronaut, astronaut_face, detector):
    empty, away = (330.0, 20.0, 430.0, 120.0), (900.0, 20.0, 950.0, 90.0)
    told = []
    boxes = [(0, empty), (0, astronaut_face.box), (0, astronaut_face.box), (0, away)]
    found = faces_in_boxes(astronaut[None], boxes, detector, lambda *done: told.append(done))
    assert len(found.faces) == 1 and found.missed == (0, 3)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_boxes_in_a_frame_of_nan_are_missed_and_the_others_are_looked_at(astronaut, astronaut_face, detector):
    broken = astronaut.clone()
    broken[:, 100, 100] = torch.nan
    boxes = [(index, astronaut_face.box) for index in range(3)]
    found = faces_in_boxes(torch.stack((broken, astronaut, broken)), boxes, detector)
    assert [face.frame for face in found.faces] == [1] and found.missed == (0, 2)
    with pytest.raises(ImageError, match="NaN or infinity"):
        faces_in_boxes(broken[None], boxes[:1], detector)


# --- aligned pictures


class Sizes:
    """A detector that finds nobody and keeps the size of what it was shown."""

    name = "sizes"

    def __init__(self):
        self.shown = []

    def detect(self, frame):
        self.shown.append(tuple(frame.shape[-2:]))
        return []


@pytest.mark.parametrize("side", [1e-3, 0.1, 1.0])
def test_a_box_of_less_than_a_pixel_is_not_enlarged_without_end(astronaut, side):
    detector = Sizes()
    assert faces_in_boxes(astronaut[None], [(0, (220.0, 120.0, 220.0 + side, 120.0 + side))], detector).missed == (0,)
    ((height, width),) = detector.shown
    assert 96 <= max(height, width) <= 512


@pytest.mark.parametrize("template", list(TEMPLATES))
@pytest.mark.parametrize("size", [64, 512, 1024])
def test_an_aligned_picture_is_its_own_crop(template, size):
    picture = torch.rand(3, size, size, generator=torch.Generator().manual_seed(0))
    (face,) = AlignedPictures(template).detect(picture)
    crop = align_face(picture, face, size, template)
    assert torch.allclose(crop.pixels, picture, atol=1e-4)
    x0, y0, x1, y1 = face.box
    assert 0 < x0 < x1 < size and 0 < y0 < y1 < size and face.score == 1


def test_the_box_of_an_aligned_face_is_about_what_a_detector_says(astronaut, astronaut_face, detector):
    crop = align_face(astronaut, astronaut_face, 512, "ffhq").pixels
    (found,) = detector.detect(crop)
    said = aligned_face((512, 512), "ffhq")
    assert said.box == pytest.approx(found.box, abs=0.15 * found.height)


def test_an_aligned_picture_is_square():
    with pytest.raises(ImageError, match="square image, but this one is 64×48"):
        AlignedPictures("gpen").detect(torch.zeros(3, 48, 64))
