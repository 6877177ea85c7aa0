"""Regions from MediaPipe's face mesh: read, matched with its face, and filled as scikit-image fills polygons."""

import math

import numpy as np
import pytest
import torch
from skimage.draw import polygon2mask

from gpen_core.errors import OptionError
from gpen_core.faces.alignment import align_face
from gpen_core.faces.mesh import OUTLINES, inside_polygon, mesh_of, read_meshes, shapes_from_mesh
from gpen_core.faces.regions import RegionOptions, face_mask_of


def mesh_around(face):
    """A mesh [468, 2] in the frame: ellipses about the five points; what no region needs lies in the middle."""
    left, right, nose, left_mouth, right_mouth = (np.array(point) for point in face.landmarks)
    apart = np.linalg.norm(right - left)
    mouth = (left_mouth + right_mouth) / 2
    shapes = {
        "skin": [(nose, 1.1, 1.4)],
        "eyes": [(left, 0.25, 0.12), (right, 0.25, 0.12)],
        "brows": [(left - (0, 0.35 * apart), 0.3, 0.08), (right - (0, 0.35 * apart), 0.3, 0.08)],
        "nose": [(nose, 0.2, 0.3)],
        "mouth": [(mouth, 0.45, 0.18)],
    }
    points = np.tile(nose, (468, 1))
    for region, outlines in OUTLINES.items():
        for outline, (center, width, height) in zip(outlines, shapes[region], strict=True):
            turn = (
                np.linspace(0, 2 * np.pi, len(outline), endpoint=False) + np.pi
            )  # from the image's left, as the eyes are
            points[list(outline)] = center + apart * np.stack((width * np.cos(turn), height * np.sin(turn)), 1)
    return points


def landmarks_of(*frames, size=(512, 512)):
    return {"frames": [[{"landmarks_xy": points} for points in frame] for frame in frames], "image_size": size}


@pytest.mark.parametrize("seed", range(5))
def test_polygons_are_filled_as_scikit_image_fills_them(seed):
    random = np.random.default_rng(seed)
    angle = np.sort(random.uniform(0, 2 * np.pi, 12))
    corners = 32 + random.uniform(8, 30, (12, 1)) * np.stack((np.cos(angle), np.sin(angle)), 1)
    expected = polygon2mask((64, 64), corners[:, ::-1])
    assert (inside_polygon(torch.from_numpy(corners), 64).numpy() != expected).mean() < 0.003


@pytest.mark.parametrize("size", [(512, 512), (1024, 1024)])
@pytest.mark.parametrize("vertices", [468, 478])
def test_a_mesh_is_found_again_on_its_face(astronaut_face, size, vertices):
    mesh = mesh_around(astronaut_face)
    scaled = (mesh + 0.5) * size[0] / 512 - 0.5
    scaled = np.concatenate((scaled, np.zeros((vertices - 468, 2))))
    elsewhere = scaled + size[0] / 3
    found = mesh_of(astronaut_face, read_meshes(landmarks_of([elsewhere, scaled], size=size)))
    np.testing.assert_allclose(found.numpy()[:468], mesh, atol=1e-9)


def test_a_mesh_of_another_frame_or_place_is_not_taken(astronaut_face):
    mesh = mesh_around(astronaut_face)
    assert mesh_of(astronaut_face, read_meshes(landmarks_of([], [mesh]))) is None
    assert mesh_of(astronaut_face, read_meshes(landmarks_of([mesh + 100]))) is None
    assert mesh_of(astronaut_face, ()) is None


def test_regions_have_the_meshs_outlines(astronaut, astronaut_face):
    crop = align_face(astronaut, astronaut_face, 256)
    meshes = read_meshes(landmarks_of([mesh_around(astronaut_face)]))
    wish = RegionOptions({"mouth": 0.0}, feather=0.0, meshes=meshes)
    kept = face_mask_of(crop, 256, wish, 0.35)[0] < 0.5
    points = mesh_of(astronaut_face, meshes)
    to_crop = crop.image_to_crop
    shape = shapes_from_mesh(points @ to_crop[:, :2].T + to_crop[:, 2], 256)["mouth"]
    y, x = (axis.tolist() for axis in shape.nonzero(as_tuple=True))
    rows, columns = slice(min(y) - 3, max(y) + 4), slice(min(x) - 3, max(x) + 4)
    assert shape[rows, columns].any() and torch.equal(kept[rows, columns], shape[rows, columns])
    rough = face_mask_of(crop, 256, RegionOptions({"mouth": 0.0}, feather=0.0), 0.35)[0] < 0.5
    assert not torch.equal(rough[rows, columns], shape[rows, columns])


@pytest.mark.parametrize(
    "value",
    [
        *(None, 3, {}, {"frames": "text", "image_size": (4, 4)}, {"frames": [[{}]], "image_size": (4, 4)}),
        {"frames": [[None]], "image_size": (4, 4)},
        *(landmarks_of([points]) for points in (1, np.zeros((5, 2)), np.zeros((468, 1)), np.zeros(468))),
        *(landmarks_of([points]) for points in ([[1, 2], [3]] * 234, [[object()] * 2] * 468)),
    ],
)
def test_what_is_no_mesh_is_refused_with_what_to_connect(value):
    with pytest.raises(OptionError, match="MediaPipe"):
        read_meshes(value)


@pytest.mark.parametrize("size", [None, 4, ("a", "b"), (math.nan, 4), (math.inf, 4), (0, 0), (-4, 4), (4, 4, 3)])
def test_a_size_that_is_none_is_named(size):
    with pytest.raises(OptionError, match=r"size of their image|that their image is"):
        read_meshes({"frames": [[]], "image_size": size})
