"""Transforms against scikit-image, and as properties."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import SimilarityTransform

from gpen_core import geometry
from gpen_core.errors import OptionError

coordinate = st.floats(-2000, 2000, allow_nan=False, width=32)
points = st.lists(st.tuples(coordinate, coordinate), min_size=5, max_size=5)


def umeyama(source, target):
    """scikit-image's, whose name for it changed."""
    if hasattr(SimilarityTransform, "from_estimate"):
        return SimilarityTransform.from_estimate(source, target)
    found = SimilarityTransform()
    assert found.estimate(source, target)
    return found


def spread(values):
    return np.ptp(np.asarray(values), axis=0).max()


@given(
    points.filter(lambda values: spread(values) > 5),
    st.sampled_from(sorted(geometry.TEMPLATES)),
    st.sampled_from([64, 512, 2048]),
)
def test_the_fit_agrees_with_umeyama_in_scikit_image(source, template, size):
    target = geometry.template_points(template, size)
    found = geometry.fit_similarity(torch.tensor(source), target)
    expected = umeyama(np.asarray(source, dtype=np.float64), target.numpy())
    moved = geometry.apply_affine(found, torch.tensor(source))
    np.testing.assert_allclose(moved.numpy(), expected(np.asarray(source)), atol=1e-4)
    np.testing.assert_allclose(found.numpy(), expected.params[:2], atol=1e-4)


@given(st.floats(-3.1, 3.1), st.floats(0.05, 20), coordinate, coordinate)
def test_a_similarity_is_recovered_exactly(angle, scale, dx, dy):
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    matrix = torch.tensor([[a, -b, dx], [b, a, dy]], dtype=torch.float64)
    source = geometry.template_points("gpen", 512)
    torch.testing.assert_close(
        geometry.fit_similarity(source, geometry.apply_affine(matrix, source)), matrix, atol=1e-6, rtol=1e-6
    )
    assert geometry.scale_of(matrix) == pytest.approx(scale)
    identity = geometry.compose(matrix, geometry.invert_affine(matrix))
    torch.testing.assert_close(identity, torch.eye(2, 3, dtype=torch.float64), atol=1e-6, rtol=0)


@pytest.mark.parametrize("points", [[[3.0, 4.0]] * 5, [[float("nan"), 0.0]] * 5])
def test_points_without_extent_are_refused(points):
    with pytest.raises(OptionError, match="coincide or are not finite"):
        geometry.fit_similarity(torch.tensor(points), geometry.template_points("gpen", 512))


def test_an_unknown_template_is_named_with_the_known_ones():
    with pytest.raises(OptionError, match=r"'arcface'.*gpen, ffhq"):
        geometry.template_points("arcface", 512)


def test_templates_scale_linearly():
    torch.testing.assert_close(geometry.template_points("gpen", 2048), geometry.template_points("gpen", 512) * 4)
    assert geometry.template_points("ffhq", 512)[0].tolist() == [192.98138, 239.94708]


def test_a_resize_maps_outer_edges_to_outer_edges():
    matrix = geometry.resize_affine((10, 20), (30, 50))
    assert geometry.mapped_box(matrix, (10, 20)) == pytest.approx((-0.5, -0.5, 49.5, 29.5))


affine = st.lists(st.floats(-50, 50), min_size=6, max_size=6).map(
    lambda values: torch.tensor(values, dtype=torch.float64).reshape(2, 3)
)


@given(first=affine, then=affine)
def test_composing_is_the_product_of_homogeneous_matrices(first, then):
    row = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
    expected = (torch.cat((then, row)) @ torch.cat((first, row)))[:2]
    torch.testing.assert_close(geometry.compose(first, then), expected)


@given(matrix=affine, height=st.integers(1, 4000), width=st.integers(1, 4000))
def test_a_mapped_box_holds_the_corners_and_no_more(matrix, height, width):
    x, y = width - 0.5, height - 0.5
    corners = torch.tensor([[-0.5, -0.5], [x, -0.5], [x, y], [-0.5, y]], dtype=torch.float64)
    moved = geometry.apply_affine(matrix, corners)
    expected = (*moved.amin(0).tolist(), *moved.amax(0).tolist())
    assert geometry.mapped_box(matrix, (height, width)) == pytest.approx(expected, abs=1e-6)


@given(matrix=affine)
def test_inverse_and_scale_agree_with_linalg(matrix):
    determinant = torch.linalg.det(matrix[:, :2])
    assert geometry.scale_of(matrix) == pytest.approx(float(determinant.abs().sqrt()), abs=1e-5)
    if abs(determinant) < 1:
        return
    inverse = torch.linalg.inv(matrix[:, :2])
    expected = torch.cat((inverse, -inverse @ matrix[:, 2:]), dim=1)
    torch.testing.assert_close(geometry.invert_affine(matrix), expected, rtol=1e-6, atol=1e-6)


def test_a_transform_that_flattens_the_plane_is_refused():
    with pytest.raises(OptionError, match="flattens"):
        geometry.invert_affine(torch.tensor([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]], dtype=torch.float64))
