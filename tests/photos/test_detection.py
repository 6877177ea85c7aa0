"""Both detectors, with their default options, on the shared photographs: how many faces, and where their landmarks are."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gpen_core.errors import MissingWeightsError
from gpen_core.faces.detectors import load_detector

ONE_FACE = (
    *("single_astronaut.png", "single_obama.jpg", "single_biden_small_face.jpg", "same_person_obama2.jpg"),
    *("closeup_synthetic_a.jpg", "closeup_synthetic_b.jpg", "profile_side.jpg", "profile_three_quarter.jpg"),
    *("face_at_edge.jpg", "partial_face_edge.jpg", "small_face_full_figure.jpg", "occluded_hair_hand.jpg"),
    *("old_damaged_a.png", "old_damaged_b.png", "old_damaged_c.png"),
    *("old_autochrome_shaw_1907.png", "old_autochrome_tilted.png", "tiny_face_24px.png"),
    *("rotated_30.png", "rotated_90.png", "rotated_180.png"),
    *("grayscale_L.png", "gray16.png", "rgba_gradient_alpha.png", "rgb16.png", "exif_orientation6.jpg"),
    *("palette_P.png", "cmyk.jpg", "blur_jpeg_q15.jpg"),
)
NO_FACE = (
    *("no_face_cat.png", "no_face_coffee.png", "no_face_rocket.jpg"),
    *("cartoon_smiley.png", "wide_strip_512x40.png", "image_2x2.png"),
)
COUNTS = {
    **dict.fromkeys(ONE_FACE, 1),
    **dict.fromkeys(NO_FACE, 0),
    "old_damaged_d.png": 2,  # a couple
    "group_solvay_1927.png": 29,
    "group_32_synthetic.jpg": 32,
}
ASTRONAUT = ((204, 102), (245, 104), (224, 128), (203, 139), (244, 141))  # marked by hand on single_astronaut.png

EXPOSURES = {
    "15 % contrast": lambda frame: frame * 0.15 + 0.4,
    "a tenth": lambda frame: frame * 0.1,
    "a twentieth": lambda frame: frame * 0.05,
    "washed out": lambda frame: 1 - (1 - frame) * 0.15,
}

OVER_EXPOSED_LOST = {  # at twice the light; all else is found, and nothing that is not a face
    ("mtcnn", "face_at_edge.jpg"): 1,  # half of it is outside the picture, and what is inside is white but for an eye
    ("mtcnn", "group_solvay_1927.png"): 7,  # 35 px wide, white but for eyes and beards
    ("mtcnn", "group_32_synthetic.jpg"): 1,
    ("mtcnn", "tiny_face_24px.png"): 1,
    ("retinaface_mobile0.25", "group_solvay_1927.png"): 1,
    ("retinaface_mobile0.25", "tiny_face_24px.png"): 1,
}

TURNED_PORTRAITS = ("single_obama.jpg", "small_face_full_figure.jpg", "old_damaged_d.png")


@pytest.fixture(scope="module", params=["mtcnn", "retinaface_mobile0.25"])
def detector(request, shared_weights):
    try:
        return load_detector(request.param, folders=[shared_weights])
    except MissingWeightsError as error:
        pytest.skip(f"{request.param} is not on this machine: {error}")


@pytest.fixture(scope="module")
def load_photo(photos):
    image_module = pytest.importorskip("PIL.Image")
    from PIL import ImageOps

    def load(name: str) -> torch.Tensor:
        """[3, H, W] RGB in [0, 1], upright as its EXIF says."""
        image = ImageOps.exif_transpose(image_module.open(photos / name))
        if image.mode.startswith("I"):  # 16-bit gray, which PIL would clip to 8
            array = np.repeat(np.asarray(image, dtype=np.float32)[..., None] / 65535, 3, axis=2)
        else:
            array = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
        return torch.from_numpy(array).permute(2, 0, 1).contiguous()

    return load


@pytest.mark.parametrize("photo", COUNTS)
def test_every_face_of_a_photo_is_found_once(detector, load_photo, photo):
    frame = load_photo(photo)
    faces = detector.detect(frame)
    assert len(faces) == COUNTS[photo]
    assert [f.score for f in faces] == sorted((f.score for f in faces), reverse=True)
    assert all(f.image_size == tuple(frame.shape[1:]) for f in faces)


@pytest.mark.parametrize("photo", ["group_solvay_1927.png", "group_32_synthetic.jpg", "old_damaged_d.png"])
def test_both_detectors_find_the_same_faces(shared_weights, load_photo, photo):
    """The right number could hide a missed face and an invented one; two networks do not err alike."""
    box_iou = pytest.importorskip("torchvision.ops").box_iou
    try:
        detectors = [load_detector(name, folders=[shared_weights]) for name in ("mtcnn", "retinaface_mobile0.25")]
    except MissingWeightsError as error:
        pytest.skip(f"needs both detectors: {error}")
    frame = load_photo(photo)
    one, other = (torch.tensor([face.box for face in detector.detect(frame)]) for detector in detectors)
    overlaps = box_iou(one, other)
    assert overlaps.amax(dim=0).min() > 0.5
    assert overlaps.amax(dim=1).min() > 0.5


@pytest.mark.parametrize(
    ("photo", "degrees"),
    [("single_astronaut.png", 0), ("rotated_30.png", 30), ("rotated_90.png", 90), ("rotated_180.png", 180)],
)
def test_landmarks_follow_a_turned_picture_in_place_and_role(detector, load_photo, photo, degrees):
    face = detector.detect(load_photo(photo))[0]
    cos, sin, center = math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 255.5
    dx, dy = (torch.tensor(ASTRONAUT, dtype=torch.float32) - center).unbind(1)
    expected = torch.stack((cos * dx + sin * dy, cos * dy - sin * dx), dim=1) + center
    assert (torch.tensor(face.landmarks) - expected).norm(dim=1).max() < 8  # of 41 px between the eyes


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("photo", [*TURNED_PORTRAITS, "face_at_edge.jpg", "old_autochrome_tilted.png"])
def test_turning_a_portrait_turns_its_landmarks(detector, load_photo, photo, turns):
    frame = _at_most(load_photo(photo), 640)
    upright, turned = detector.detect(frame), detector.detect(torch.rot90(frame, turns, (1, 2)).contiguous())
    assert len(turned) == len(upright)
    for face in upright:
        x, y = torch.tensor(face.landmarks).unbind(1)
        for width in (frame.shape[2], frame.shape[1], frame.shape[2])[:turns]:
            x, y = y, width - 1 - x
        errors = [(torch.tensor(t.landmarks) - torch.stack((x, y), dim=1)).norm(dim=1).mean() for t in turned]
        assert min(errors) < 0.12 * max(face.width, face.height)


def test_a_face_keeps_its_place_when_the_picture_is_enlarged(detector, load_photo):
    """The overview shrinks the enlarged picture back: any slip of half a pixel would be scaled up with it."""
    frame = load_photo("single_astronaut.png")
    large = F.interpolate(frame[None], scale_factor=4, mode="bicubic")[0].clamp(0, 1)
    small_face, large_face = detector.detect(frame)[0], detector.detect(large)[0]
    back = (torch.tensor(large_face.landmarks) + 0.5) / 4 - 0.5
    assert (back - torch.tensor(small_face.landmarks)).norm(dim=1).mean() < 2.5


def test_a_small_face_in_a_large_picture_is_found(detector, load_photo):
    frame = torch.full((3, 2000, 3000), 0.35)
    face = load_photo("tiny_face_24px.png")[:, 290:420, 400:530]  # 24 px wide, at (44, 25) of this window
    frame[:, 1500:1630, 2500:2630] = face
    found = detector.detect(frame)
    assert len(found) == 1
    assert found[0].box[0] == pytest.approx(2544, abs=4)
    assert found[0].box[1] == pytest.approx(1525, abs=4)


# --- badly exposed

DERIVED = ("rotated_", "gray", "rgb", "exif_", "palette_", "cmyk", "blur_")  # from the astronaut
EXPOSED = [photo for photo in COUNTS if not photo.startswith(DERIVED)]


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("photo", EXPOSED)
def test_a_badly_exposed_photo_shows_as_many_faces(detector, load_photo, photo, exposure):
    """In 8 bits, as files have it."""
    frame = (EXPOSURES[exposure](_at_most(load_photo(photo), 1400)) * 255).round() / 255
    assert len(detector.detect(frame)) == COUNTS[photo]


@pytest.mark.parametrize(
    "photo", ["single_astronaut.png", "single_obama.jpg", "old_autochrome_tilted.png", "rotated_30.png"]
)
def test_an_over_exposed_face_is_found_in_the_channel_that_still_shows_it(detector, load_photo, photo):
    over = (_at_most(load_photo(photo), 1400) * 2 * 255).round().clamp(0, 255) / 255
    faces = detector.detect(over)
    assert len(faces) >= 1


@pytest.mark.parametrize("photo", EXPOSED)
def test_an_over_exposed_photo_shows_the_faces_that_it_shows_well_exposed(detector, load_photo, photo):
    frame = _at_most(load_photo(photo), 1400)
    good, over = detector.detect(frame), detector.detect((frame * 2 * 255).round().clamp(0, 255) / 255)
    box_iou = pytest.importorskip("torchvision.ops").box_iou
    boxes = [torch.tensor([face.box for face in faces]).view(-1, 4) for faces in (good, over)]
    assert all((overlaps > 0.4).sum() == 1 for overlaps in box_iou(*boxes).T)
    assert len(over) >= COUNTS[photo] - OVER_EXPOSED_LOST.get((detector.name, photo), 0)


def _at_most(frame: torch.Tensor, side: int) -> torch.Tensor:
    scale = min(1.0, side / max(frame.shape))
    return F.interpolate(frame[None], scale_factor=scale, mode="bilinear", antialias=True)[0] if scale < 1 else frame
