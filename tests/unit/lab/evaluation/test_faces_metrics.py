"""Landmark and identity distances: with the real detector and the real recognition network."""

import importlib.util

import pytest
import torch

from gpen_core.errors import CheckpointError, MissingWeightsError
from gpen_core.faces.detectors import Detections
from gpen_core.faces.identity import ARCFACE, DLIB_PACKAGES, Embedder, arcface_embedder, find_embedder
from gpen_core.imaging.files import load_picture
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.lab.evaluation.metrics.finder import FaceFinder, mtcnn_finder
from gpen_core.lab.evaluation.metrics.identity import IdentityDistance
from gpen_core.lab.evaluation.metrics.landmarks import LandmarkDistance


@pytest.fixture(scope="module")
def finder():
    return mtcnn_finder(256)


@pytest.fixture(scope="module")
def face(crop):
    return crop[None]


@pytest.fixture(scope="module")
def faceless():
    return torch.full((1, 3, 256, 256), 0.5)


def blurred(pictures, side):
    """Shrunk to ``side`` and enlarged again."""
    return torch.stack([resize_lanczos(resize_lanczos(p, (side, side)), (256, 256)) for p in pictures])


def test_landmarks_of_the_same_picture_do_not_move(finder, face):
    metric = LandmarkDistance(finder)
    assert metric.measure(face.clone(), metric.prepare(face)) == [0]


def test_landmarks_move_with_the_face(finder, face):
    """By 8 pixels to the right, of about 66 between the eyes."""
    metric = LandmarkDistance(finder)
    reference = metric.prepare(face)
    eyes = float((reference[0][0] - reference[0][1]).norm())
    (distance,) = metric.measure(face.roll(8, dims=3), reference)
    assert distance == pytest.approx(100 * 8 / eyes, rel=0.15)


def test_where_no_face_is_found_nothing_is_measured(finder, face, faceless):
    metric = LandmarkDistance(finder)
    assert metric.measure(faceless, metric.prepare(face)) == [None]
    assert metric.measure(face, metric.prepare(faceless)) == [None]


def test_the_originals_are_looked_at_once_for_two_metrics(face):
    class Counting:
        name, default_threshold, module, looks = "counting", 0.5, None, 0

        def find(self, image, threshold, smallest=0.0):
            self.looks += 1
            return Detections(torch.zeros(1, 4), torch.ones(1), torch.rand(1, 5, 2) * 256)

    network = Counting()
    finder = FaceFinder(network)
    embedder = Embedder(16, ((4, 5), (11, 5), (8, 8), (5, 12), (10, 12)), lambda faces: faces.flatten(1), False, "")
    IdentityDistance(embedder, finder).prepare(face)
    LandmarkDistance(finder).prepare(face)
    assert network.looks == 1


def test_faces_are_cut_out_where_the_original_has_its_landmarks(finder, face):
    """Of the degraded picture too, although nothing could be found in it; and upright whatever the original's angle."""
    seen = []

    def embed(faces):
        seen.append(faces)
        return faces.flatten(1).double()

    points = ((48.0, 45.0), (101.0, 45.0), (74.0, 76.0), (52.0, 104.0), (96.0, 104.0))
    metric = IdentityDistance(Embedder(150, points, embed, False, ""), finder)
    pale = face * 0.9 + 0.05  # so that no overshoot of the resampling is cut off
    (distance,) = metric.measure(pale * 0.02, metric.prepare(pale))
    torch.testing.assert_close(seen[1], seen[0] * 0.02, atol=1e-5, rtol=0)
    assert distance == pytest.approx(float((seen[0] - seen[1]).double().norm()))
    apart = (mtcnn_finder(150).points(seen[0])[0] - torch.tensor(points)).norm(dim=1)
    assert apart[:2].max() < 6 and apart.max() < 12  # this face laughs


def test_dlib_tells_a_degraded_face_from_another(finder, faces):
    if not all(importlib.util.find_spec(package) for package in ("dlib", "face_recognition_models")):
        pytest.skip(f"identity by dlib's network: pip install {DLIB_PACKAGES}")
    paths = sorted(faces.glob("t2i_*.jpg"))[::300][:2]
    one, other = (load_picture(path).pixels[None] for path in paths)
    metric = IdentityDistance(find_embedder(()), finder)
    reference = metric.prepare(one)
    same, softened, ruined, stranger = (
        metric.measure(picture, reference)[0] for picture in (one, blurred(one, 96), blurred(one, 12), other)
    )
    assert same == 0 < softened < 0.3 < ruined and stranger > 0.5 and "dlib" in metric.info.convention


def test_of_several_faces_the_largest_counts(finder, face):
    beside = face.clone()
    beside[:, :, :80, :80] = resize_lanczos(face[0], (80, 80))
    metric = LandmarkDistance(finder)
    assert metric.measure(beside, metric.prepare(face))[0] < 3


def test_identity_is_not_measured_where_no_face_is_found(finder, face, faceless):
    metric = IdentityDistance(
        Embedder(8, ((2, 2), (5, 2), (4, 4), (3, 6), (5, 6)), torch.Tensor.double, True, ""), finder
    )
    assert metric.measure(face, metric.prepare(faceless)) == [None]


def test_arcface_is_facexlibs_network_and_its_distance_the_angles(face):
    """With random weights, which no file of that name could hold: only the arithmetic is tested."""
    from facexlib.recognition.arcface_arch import Backbone

    random = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = Backbone(num_layers=50, drop_ratio=0.6, mode="ir_se").state_dict()
    state = {
        name: torch.ones(value.shape) if "running_var" in name else torch.randn(value.shape, generator=random) / 30
        for name, value in shapes.items()
        if "num_batches" not in name
    }
    pictures = torch.cat((face, face.flip(2), face))[..., 64:176, 64:176]
    embedder = arcface_embedder(state)
    vectors = embedder.embed(pictures)
    network = Backbone(num_layers=50, drop_ratio=0.6, mode="ir_se").eval()
    network.load_state_dict(state, strict=False)
    with torch.no_grad():
        torch.testing.assert_close(vectors.float(), network(pictures * 2 - 1))
    same, different = embedder.distances(vectors[:2], vectors[[2, 2]]).tolist()
    a, b = vectors[1], vectors[2]
    assert same == pytest.approx(0, abs=1e-9) and different == pytest.approx(float(1 - a @ b / a.norm() / b.norm()))


def test_a_file_that_only_has_arcfaces_name_is_refused(tmp_path):
    torch.save({"weight": torch.zeros(3)}, tmp_path / ARCFACE.sums[0][0])
    with pytest.raises(CheckpointError, match="not the published file"):
        find_embedder([tmp_path])


def test_without_any_network_both_ways_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("gpen_core.faces.identity.DLIB_FILE", "absent.dat")
    with pytest.raises(MissingWeightsError, match=r"recognition_arcface_ir_se50\.pth.*pip install dlib-bin"):
        find_embedder([tmp_path])
