"""The adversarial terms, against formulas in float64 and discriminators and generators whose derivatives are known."""

import numpy as np
import pytest
import torch

from gpen_core.errors import OptionError
from gpen_core.lab.training.losses import (
    Lazy,
    PathLength,
    discriminator_loss,
    feature_matching,
    generator_loss,
    r1_penalty,
)
from gpen_core.lab.training.losses.adversarial import path_lengths


def seeded(*shape, seed=0, scale=1.0):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def softplus(x):
    return np.logaddexp(0, x.double().numpy())


LOGITS = {
    "a number for each picture": [seeded(5, 1, scale=30)],
    "a map": [seeded(5, 1, 3, 4, scale=5)],
    "maps of three scales": [seeded(5, 1, 2, 2), seeded(5, 1, 4, 4, seed=1), seeded(5, 1, 9, 9, seed=2)],
}


def as_given(scales):
    return scales[0] if len(scales) == 1 else scales


@pytest.mark.parametrize("name", LOGITS)
def test_logistic_losses_equal_their_formulas_in_float64(name):
    fake = LOGITS[name]
    real = [scale.flip(0) * 0.7 + 0.1 for scale in fake]
    expected = np.mean([softplus(-scale).mean() for scale in fake])
    assert generator_loss(as_given(fake)).item() == pytest.approx(expected, rel=1e-5)
    expected = np.mean([softplus(-scale).mean() for scale in real]) + np.mean(
        [softplus(scale).mean() for scale in fake]
    )
    assert discriminator_loss(as_given(real), as_given(fake)).item() == pytest.approx(expected, rel=1e-5)


def test_the_generators_gradient_does_not_vanish_where_the_discriminator_is_sure():
    """Non-saturating: −σ(−logit)/N, which tends to −1/N for hopeless fakes."""
    logits = torch.tensor([[-40.0], [0.0], [40.0]], requires_grad=True)
    generator_loss(logits).backward()
    torch.testing.assert_close(logits.grad.flatten(), torch.tensor([-1.0, -0.5, 0.0]) / 3)


def test_half_precision_logits_give_a_float32_loss():
    fake, real = (seeded(4, 1, seed=seed).bfloat16() for seed in (0, 1))
    assert generator_loss(fake).dtype == discriminator_loss(real, fake).dtype == torch.float32


# --- R1 ---


def test_r1_of_a_quadratic_discriminator_is_known():
    """D(x) = ½ xᵀ(aA)x has the gradient aAx; the penalty is γ/2·a²·E‖Ax‖², and its derivative by a is γ·a·E‖Ax‖²."""
    x = seeded(4, 3, 4, 4).requires_grad_(True)
    matrix = seeded(48, 48, seed=1)
    matrix = matrix + matrix.T
    a = torch.tensor(0.6, requires_grad=True)
    flat = x.flatten(1)
    penalty = r1_penalty((a * flat @ matrix * flat).sum(1, keepdim=True) / 2, x, gamma=3.0)
    norm = np.mean(np.sum((x.detach().double().flatten(1).numpy() @ matrix.double().numpy()) ** 2, axis=1))
    assert penalty.item() == pytest.approx(1.5 * 0.36 * norm, rel=1e-4)
    penalty.backward()
    assert a.grad.item() == pytest.approx(3 * 0.6 * norm, rel=1e-4)


def test_r1_of_patches_is_that_of_their_mean():
    """Two scales whose logits are pixels' sums over the channels: each pixel of a picture of P gets (1/P + 1/P')/2 …"""
    x = seeded(2, 3, 8, 8).requires_grad_(True)
    fine = x.sum(1, keepdim=True)  # 64 patches
    coarse = fine[:, :, ::2, ::2] * 5  # 16 patches
    gradient = np.full((3, 8, 8), 1 / 64 / 2)
    gradient[:, ::2, ::2] += 5 / 16 / 2
    assert r1_penalty([fine, coarse], x, gamma=2.0).item() == pytest.approx((gradient**2).sum(), rel=1e-5)


def test_r1_is_0_for_a_discriminator_that_looks_at_nothing():
    x = seeded(2, 3, 4, 4).requires_grad_(True)
    assert r1_penalty((x * 0).flatten(1).sum(1, keepdim=True), x).item() == 0


# --- path length ---


class Linear:
    """picture = Bw, flattened: its Jacobian is B wherever w is."""

    def __init__(self, side, dims, seed=0):
        self.matrix = seeded(3 * side * side, dims, seed=seed).requires_grad_(True)
        self.side = side

    def __call__(self, w):
        return (w @ self.matrix.T).reshape(-1, 3, self.side, self.side)


def test_path_lengths_of_a_linear_generator_are_its_transpose_times_the_noise():
    generator, w = Linear(4, 6), seeded(5, 6, seed=1).requires_grad_(True)
    found = path_lengths(generator(w), w, torch.Generator().manual_seed(7))
    noise = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(7)).double().flatten(1).numpy() / 4
    expected = np.linalg.norm(noise @ generator.matrix.detach().double().numpy(), axis=1)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-5)


def test_the_mean_squared_path_length_is_the_jacobians_norm_over_the_pixels():
    generator, w = Linear(4, 6), torch.zeros(4000, 6, requires_grad=True)
    found = path_lengths(generator(w), w, torch.Generator().manual_seed(0)).square().mean().item()
    assert found == pytest.approx(generator.matrix.square().sum().item() / 16, rel=0.05)


def test_layers_with_a_w_of_their_own_are_averaged():
    """One w for each of 3 layers, of which the picture uses only the first: a third of the squares."""
    generator = Linear(4, 6)
    one = seeded(5, 6, seed=1).requires_grad_(True)
    three = one.detach()[:, None].repeat(1, 3, 1).requires_grad_(True)
    alone = path_lengths(generator(one), one, torch.Generator().manual_seed(7))
    shared = path_lengths(generator(three[:, 0]), three, torch.Generator().manual_seed(7))
    torch.testing.assert_close(shared, alone / 3**0.5)


def test_path_length_is_the_squared_distance_to_its_moving_mean():
    generator, path, mean = Linear(4, 6), PathLength(decay=0.25), 0.0
    for seed in range(4):
        w = seeded(5, 6, seed=seed).requires_grad_(True)
        lengths = path_lengths(generator(w), w, torch.Generator().manual_seed(seed)).detach().double().numpy()
        penalty = path(generator(w), w, torch.Generator().manual_seed(seed))
        mean = 0.75 * mean + 0.25 * lengths.mean()
        assert path.mean.item() == pytest.approx(mean, rel=1e-5)
        assert penalty.item() == pytest.approx(((lengths - mean) ** 2).mean(), rel=1e-4)


def test_descending_the_path_length_evens_out_the_jacobian():
    """A second derivative: with orthogonal columns as the aim, lengths of all directions meet at the mean."""
    generator, path = Linear(4, 4), PathLength(decay=0.05)
    with torch.no_grad():
        generator.matrix *= torch.tensor([0.1, 1.0, 2.0, 3.0])
    first = torch.linalg.cond(generator.matrix.detach()).item()
    random = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam([generator.matrix], 0.02)
    for _ in range(150):
        w = torch.zeros(16, 4, requires_grad=True)
        optimizer.zero_grad()
        path(generator(w), w, random).backward()
        optimizer.step()
    assert torch.linalg.cond(generator.matrix.detach()).item() < first / 2


def test_a_restored_path_length_goes_on_as_if_never_stopped():
    generator, path = Linear(4, 6), PathLength()

    def go(path, seed):
        w = seeded(5, 6, seed=seed).requires_grad_(True)
        return path(generator(w), w, torch.Generator().manual_seed(seed)).item()

    go(path, 0)
    again = PathLength()
    again.load_state_dict(path.state_dict())
    assert [go(path, 1), go(path, 2)] == [go(again, 1), go(again, 2)]


def test_processes_that_average_keep_the_same_mean():
    generator, path = Linear(4, 6), PathLength(decay=1.0)
    w = seeded(5, 6).requires_grad_(True)
    path(generator(w), w, torch.Generator().manual_seed(0), across=lambda mean: mean * 0 + 7.5)
    assert path.mean.item() == 7.5


@pytest.mark.parametrize(("size", "expected"), [(8, 4), (3, 1), (1, 1)])
def test_path_length_is_measured_on_part_of_the_batch(size, expected):
    assert PathLength(shrink=2).batch(size) == expected


# --- feature matching, lazy terms ---


def test_feature_matching_is_the_sum_of_mean_differences_and_leaves_the_real_alone():
    shapes = [(2, 4, 8, 8), (2, 8, 4, 4), (2, 3)]
    fake = [seeded(*shape, seed=i).requires_grad_(True) for i, shape in enumerate(shapes)]
    real = [seeded(*shape, seed=i + 9).requires_grad_(True) for i, shape in enumerate(shapes)]
    value = feature_matching(fake, real)
    pairs = [(a.detach().double().numpy(), b.detach().double().numpy()) for a, b in zip(fake, real, strict=True)]
    assert value.item() == pytest.approx(sum(np.abs(a - b).mean() for a, b in pairs), rel=1e-5)
    value.backward()
    assert all(a.grad is not None for a in fake) and all(b.grad is None for b in real)
    assert feature_matching(real, real).item() == 0


def test_feature_matching_of_unequal_lists_is_refused():
    with pytest.raises(OptionError, match="2 with 1"):
        feature_matching([torch.zeros(1)] * 2, [torch.zeros(1)])


def test_lazy_terms_come_every_interval_and_adam_is_corrected_as_in_stylegan2():
    lazy = Lazy(16)
    assert [step for step in range(50) if lazy.due(step)] == [0, 16, 32, 48]
    rate, betas = lazy.adam(0.002, (0.0, 0.99))
    assert rate == pytest.approx(0.002 * 16 / 17)
    assert betas == (0.0, pytest.approx(0.99 ** (16 / 17)))


@pytest.mark.parametrize("make", [lambda: Lazy(0), lambda: PathLength(decay=0), lambda: PathLength(shrink=0)])
def test_settings_out_of_range_are_refused(make):
    with pytest.raises(OptionError):
        make()
