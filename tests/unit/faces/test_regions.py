"""Regions by name: what they cover, how strong they are, and what the user's mask does to them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from gpen_core.errors import CheckpointError, OptionError
from gpen_core.faces.alignment import align_face
from gpen_core.faces.parsing import BISENET, PARSENET, load_parser
from gpen_core.faces.parts import REGIONS, parts_from_labels, parts_from_landmarks
from gpen_core.faces.regions import RegionOptions, face_mask_of, read_regions
from gpen_core.geometry import TEMPLATES, template_points
from gpen_core.imaging.masks import ellipse_mask
from gpen_core.pipeline.blend import blend_faces, blend_frame
from gpen_core.pipeline.blend_options import BlendOptions
from gpen_core.pipeline.hooks import Hooks
from gpen_core.types import RestoredFace

SIDE = 256


def options(rest=None, *, grow=0.0, feather=0.0, mask=None, mask_mode="intersect", **strengths):
    return RegionOptions(strengths, rest, grow, feather, mask, mask_mode)


def part(parts, region):
    return parts[REGIONS.index(region)] > 0


@pytest.fixture(scope="module")
def crop(astronaut, astronaut_face):
    return align_face(astronaut, astronaut_face, SIDE)


@pytest.fixture(scope="module")
def drawn_parts():
    """A parser's answer, drawn by hand: a round face with hair around the upper half, eyes, a mouth and a neck."""
    y, x = torch.meshgrid(torch.arange(512.0), torch.arange(512.0), indexing="ij")
    parts = torch.zeros(len(REGIONS), 512, 512)

    def disk(cx, cy, rx, ry):
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1

    shapes = {
        "hat": y < 40,
        "eyes": disk(190, 240, 30, 14) | disk(320, 240, 30, 14),
        "mouth": disk(256, 370, 60, 24),
        "skin": disk(256, 280, 140, 180),
        "hair": disk(256, 230, 200, 200),
        "neck": (y > 400) & ((x - 256).abs() < 90),
    }
    free = torch.ones(512, 512, dtype=torch.bool)
    for region, shape in shapes.items():
        parts[REGIONS.index(region)] = (shape & free).float()
        free &= ~shape
    return parts


@pytest.mark.parametrize("template", sorted(TEMPLATES))
@pytest.mark.parametrize("side", [64, 256])
def test_regions_from_five_points_hold_those_points_and_share_the_crop(template, side):
    points = template_points(template, side)
    parts = parts_from_landmarks(points, side)
    assert torch.equal(parts.sum(0), torch.ones(side, side))
    for region, numbers in (("eyes", (0, 1)), ("nose", (2,)), ("mouth", (3, 4))):
        for x, y in points[list(numbers)].round().int().tolist():
            assert part(parts, region)[y, x], region
    top = {
        region: int(part(parts, region).any(1).nonzero()[0]) for region in ("hair", "brows", "eyes", "mouth", "neck")
    }
    assert top["hair"] < top["brows"] < top["eyes"] < top["mouth"] < top["neck"]
    assert not part(parts, "glasses").any() and not part(parts, "hat").any()


def test_regions_turn_with_the_face():
    points = template_points("ffhq", SIDE)
    center = (SIDE - 1) / 2
    turned = torch.stack((center - (points[:, 1] - center), points[:, 0]), dim=1)  # by 90°, as torch.rot90 does it
    expected = torch.rot90(parts_from_landmarks(points, SIDE), -1, (1, 2))
    assert (parts_from_landmarks(turned, SIDE) != expected).float().mean() < 0.002


@pytest.mark.parametrize("kind", [PARSENET, BISENET])
def test_both_parsers_labels_become_the_same_regions(kind):
    labels = torch.arange(len(kind.labels)).view(1, 1, -1)
    parts = parts_from_labels(labels, kind.labels)[0]
    regions = {name: [REGIONS[i] for i in parts[:, 0, n].nonzero().flatten()] for n, name in enumerate(kind.labels)}
    assert regions["background"] == [] and regions["cloth"] == []
    assert regions["left_brow"] == regions["right_brow"] == ["brows"] and regions["upper_lip"] == ["mouth"]
    assert regions["eyeglasses"] == ["glasses"] and regions["hair"] == ["hair"] and regions["hat"] == ["hat"]
    assert sorted(PARSENET.labels) == sorted(BISENET.labels) and len(set(kind.labels)) == 19


def test_real_parsers_load_by_their_files_and_answer_in_regions(tmp_path, crop):
    """Real networks with random weights: which one a file holds is read from it."""
    bisenet = pytest.importorskip("facexlib.parsing.bisenet", reason="facexlib is not installed").BiSeNet
    torch.manual_seed(0)
    torch.save(bisenet(19).state_dict(), tmp_path / "parsing_bisenet.pth")
    parser = load_parser(tmp_path / "parsing_bisenet.pth")
    assert parser.name == "bisenet"
    parts = parser.parts(crop.pixels[None])
    assert parts.shape == (1, len(REGIONS), 512, 512) and set(parts.unique().tolist()) <= {0.0, 1.0}
    assert parts.sum(1).max() <= 1
    assert parser.regions(crop.pixels[None]).shape == (1, 1, SIDE, SIDE)
    torch.save({"cp.resnet.conv1.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="looks like bisenet but does not match"):
        load_parser(tmp_path / "other.pth")


def test_without_any_wish_the_mask_is_the_oval(crop):
    oval = ellipse_mask(SIDE, crop.template, 0.35)
    torch.testing.assert_close(face_mask_of(crop, SIDE, options(), 0.35), oval)


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_each_region_has_its_own_strength(crop, drawn_parts, strength):
    mask = face_mask_of(crop, SIDE, options(eyes=strength, skin=0.7), 0.05, drawn_parts)[0]
    assert mask[120, 95] == pytest.approx(strength, abs=0.01)  # an eye
    assert mask[150, 128] == pytest.approx(0.7, abs=0.01)  # the nose, here skin
    assert mask[70, 45] == pytest.approx(1, abs=0.01)  # hair
    assert mask[10].max() == 0  # the hat


def test_the_rest_can_be_left_out(crop, drawn_parts):
    mask = face_mask_of(crop, 512, options(0.0, eyes=1), 0.05, drawn_parts)[0]
    eyes = part(drawn_parts, "eyes")
    assert mask[~eyes].max() == 0 and mask[240, 190] > 0.99


@pytest.mark.parametrize("grow", [6, -4])
def test_named_regions_grow_and_shrink_by_pixels_of_the_crop(crop, drawn_parts, grow):
    mask = face_mask_of(crop, 512, options(mouth=0, grow=grow), 0.05, drawn_parts)[0] < 0.5
    mouth = part(drawn_parts, "mouth").numpy()
    inside, outside = distance_transform_edt(mouth), distance_transform_edt(~mouth)
    expected = outside <= grow if grow > 0 else inside > -grow
    rows, columns = slice(330, 415), slice(180, 332)
    assert (mask.numpy()[rows, columns] != expected[rows, columns]).mean() < 0.003


@pytest.mark.parametrize("feather", [8, 40])
def test_strength_changes_within_the_feather(crop, drawn_parts, feather):
    parts = torch.zeros_like(drawn_parts)
    parts[REGIONS.index("skin"), :, :256], parts[REGIONS.index("hair"), :, 256:] = 1, 1
    row = face_mask_of(crop, 512, options(hair=0.2, feather=feather), 0.02, parts)[0, 256]
    share = ((row - 0.2) / 0.8)[100:400]
    width = int(((share > 0.1) & (share < 0.9)).sum())
    assert abs(width - feather) <= 2


def test_no_edge_is_seen_at_hair_and_neck(crop, drawn_parts):
    """From pixel to pixel, no more of a step than the oval's own edge has."""
    mask = face_mask_of(crop, 512, RegionOptions({"hair": 0.0, "neck": 0.0}), 0.35, drawn_parts)[0]
    oval = ellipse_mask(512, crop.template, 0.35)[0]
    steps, allowed = (max(float(m.diff(dim=d).abs().max()) for d in (0, 1)) for m in (mask, oval))
    assert mask[280, 256] > 0.99 and mask[480, 256] < 0.01
    assert steps < 3 * allowed


def drawn_on_frame(shape=(512, 512)):
    """A square over one eye and what is beside it, on the frame of the astronaut."""
    mask = torch.zeros(1, 1, *shape)
    k = shape[0] / 512
    mask[..., int(85 * k) : int(115 * k), int(160 * k) : int(215 * k)] = 1
    return mask


@pytest.mark.parametrize("size", [(512, 512), (1024, 1024)])
def test_the_users_mask_intersects_unites_and_subtracts(crop, size):
    mask = drawn_on_frame(size)
    plain, only, also, without = (
        face_mask_of(crop, SIDE, wish, 0.35)[0]
        for wish in (
            options(skin=0.5),
            options(skin=0.5, mask=mask),
            options(0.0, mask=mask, mask_mode="unite"),
            options(skin=0.5, mask=mask, mask_mode="subtract"),
        )
    )
    torch.testing.assert_close(only + without, plain, atol=1e-5, rtol=0)
    x, y = (round(float(v)) for v in template_points(crop.template, SIDE)[0])
    assert only[y, x] > 0.9 and without[y, x] < 0.01 and also[y, x] > 0.9
    right = [round(float(v)) for v in template_points(crop.template, SIDE)[1]]
    assert only[right[1], right[0]] < 0.01 and also[right[1], right[0]] < 0.01 < without[right[1], right[0]]


def test_a_mask_of_several_frames_is_each_frames_own(crop):
    mask = torch.cat((drawn_on_frame(), torch.zeros(1, 1, 512, 512)))
    first = face_mask_of(crop, SIDE, options(mask=mask), 0.35)
    assert torch.equal(first, face_mask_of(crop, SIDE, options(mask=mask[:1]), 0.35)) and first.max() > 0.9


def test_a_mask_of_another_shape_or_too_few_of_them_are_refused(crop):
    with pytest.raises(OptionError, match=r"300×512 but the image is 512×512"):
        face_mask_of(crop, SIDE, options(mask=torch.ones(1, 1, 512, 300)), 0.35)
    third = replace(crop, face=replace(crop.face, frame=2))
    with pytest.raises(OptionError, match="2 masks, but a face is in image 3"):
        face_mask_of(third, SIDE, options(mask=torch.ones(2, 1, 512, 512)), 0.35)


def test_regions_left_out_keep_the_picture(astronaut, crop):
    face = RestoredFace(crop, (crop.pixels * 0.5 + 0.3))
    wish = BlendOptions(color="off", regions=read_regions("eyes=0"))
    picture, _ = blend_frame(astronaut, [face], wish)
    taken, _ = blend_frame(astronaut, [face], BlendOptions(color="off"))
    eye, cheek = (101, 201), (125, 205)
    assert (picture[:, eye[0], eye[1]] - astronaut[:, eye[0], eye[1]]).abs().max() < 0.03
    assert (taken[:, eye[0], eye[1]] - astronaut[:, eye[0], eye[1]]).abs().max() > 0.1
    torch.testing.assert_close(picture[:, cheek[0], cheek[1]], taken[:, cheek[0], cheek[1]], atol=0.03, rtol=0)


def test_texts_become_strengths():
    wish = read_regions(" eyes=1, skin = 0.5,rest=0")
    assert dict(wish.strengths) == {"eyes": 1.0, "skin": 0.5}
    assert [wish.strength_of(region) for region in ("eyes", "skin", "hair", "hat")] == [1, 0.5, 0, 0]
    plain = read_regions("")
    assert [plain.strength_of(region) for region in REGIONS] == [1.0] * 9 + [0.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [("eyes", "eyes=1,skin"), ("eyes=much", "eyes=1,skin"), ("elbow=1", "'elbow'.*skin, brows"), ("eyes=2", "0 to 1"),
     ("rest=-1", "rest")],
)  # fmt: skip
def test_texts_that_are_none_say_how_to_write_them(text, message):
    with pytest.raises(OptionError, match=message):
        read_regions(text)


def test_impossible_wishes_are_refused():
    for wish in ({"feather": -1.0}, {"mask_mode": "xor"}):
        with pytest.raises(OptionError):
            RegionOptions(**wish)


def test_the_drawn_face_is_a_face(drawn_parts):
    assert np.all(drawn_parts.sum(0).numpy() <= 1)


def test_where_every_region_is_0_it_is_said(astronaut, astronaut_face):
    crop, said = align_face(astronaut, astronaut_face, 64), []
    face = RestoredFace(crop, crop.pixels * 0.5)
    for text in ("rest=0", "eyes=0.1,rest=0"):
        wish = BlendOptions(regions=read_regions(text))
        blended = blend_faces(astronaut[None], [face], wish, hooks=Hooks(say=said.append))
        assert torch.equal(blended.frames[0], astronaut) == (text == "rest=0")
    assert said == ["Every region of the face has strength 0: nothing is restored."]


def test_a_mask_that_unites_restores_where_every_region_is_0():
    nothing = {region: 0.0 for region in REGIONS}
    assert RegionOptions(nothing).restores_nothing
    assert RegionOptions(nothing, mask=torch.ones(1, 1, 4, 4)).restores_nothing
    assert not RegionOptions(nothing, mask=torch.ones(1, 1, 4, 4), mask_mode="unite").restores_nothing
    assert not RegionOptions().restores_nothing
