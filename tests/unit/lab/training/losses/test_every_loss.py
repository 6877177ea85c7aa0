"""What is true of every loss: its value, its gradients, what it refuses, and its configuration."""

import pytest
import torch
from losses_harness.pictures import loss_of, nowhere, pictures

from gpen_core.errors import ImageError, OptionError
from gpen_core.lab.training.losses import LOSS_KINDS, LossConfig, build_picture_losses


@pytest.mark.parametrize("kind", LOSS_KINDS)
def test_identical_pictures_cost_nothing_and_others_something(kind, losses):
    loss = losses.get(kind) or loss_of(kind)
    restored, target = pictures()
    assert loss.name == kind
    assert loss(target, target).item() == pytest.approx(0, abs=1e-6)
    assert loss(restored, target).item() > 1e-4


@pytest.mark.parametrize("kind", LOSS_KINDS)
def test_only_the_restored_picture_gets_gradients_and_networks_stay_frozen(kind, losses):
    loss = losses.get(kind) or loss_of(kind)
    restored, target = (picture.requires_grad_(True) for picture in pictures())
    value = loss(restored, target)
    value.backward()
    assert value.shape == () and value.dtype == torch.float32
    assert restored.grad.isfinite().all() and restored.grad.abs().sum() > 0
    assert target.grad is None
    network = getattr(loss, "network", None) or getattr(loss, "module", None)
    for module in network.modules() if network is not None else ():
        assert not module.training
        assert all(not parameter.requires_grad and parameter.grad is None for parameter in module.parameters())


@pytest.mark.parametrize("kind", LOSS_KINDS)
def test_bfloat16_autocast_and_channels_last_give_nearly_the_same_float32_value(kind, losses):
    loss = losses.get(kind) or loss_of(kind)
    restored, target = pictures()
    exact = loss(restored, target)
    channels_last = (picture.contiguous(memory_format=torch.channels_last) for picture in (restored, target))
    with torch.autocast("cpu", torch.bfloat16):
        rounded = loss(*channels_last)
    assert rounded.dtype == torch.float32
    assert rounded.item() == pytest.approx(exact.item(), rel=0.1)


@pytest.mark.parametrize("kind", LOSS_KINDS)
def test_a_picture_of_one_color_has_finite_gradients(kind, losses):
    """Features that are all 0 somewhere: where distances of directions divide by nothing."""
    loss = losses.get(kind) or loss_of(kind)
    target = torch.full((1, 3, 64, 64), -1.0)
    restored = target.clone().requires_grad_(True)
    with torch.no_grad():
        restored[:, :, 20:30, 20:30] += 0.5
    loss(restored, target).backward()
    assert restored.grad.isfinite().all()


@pytest.mark.parametrize("kind", LOSS_KINDS)
def test_pictures_of_different_shapes_are_refused(kind, losses):
    loss = losses.get(kind) or loss_of(kind)
    restored, target = pictures(2)
    for other in (target[:1], target[:, :1], target[0]):
        with pytest.raises(ImageError, match=r"\[N, 3, S, S\]"):
            loss(restored, other)


def test_losses_come_in_the_order_of_their_configurations_with_their_weights():
    configs = [LossConfig("smooth_l1", 2.0), LossConfig("l1", 0.5), LossConfig("l1", 0.0)]
    built = build_picture_losses(configs, device="cpu", find=nowhere)
    assert [(loss.name, loss.weight) for loss in built] == [("smooth_l1", 2.0), ("l1", 0.5), ("l1", 0.0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "l3"}, "Known: l1"),
        ({"kind": "l1", "weight": -1.0}, "0 or more"),
        ({"kind": "l1", "weight": float("nan")}, "0 or more"),
        ({"kind": "l1", "layer_weights": (1.0,)}, "no layers"),
        ({"kind": "vgg19", "layer_weights": (0.0, 0.0)}, "not all 0"),
        ({"kind": "l2", "file": "vgg.pth"}, "no network"),
    ],
)
def test_configurations_without_meaning_are_refused(arguments, message):
    with pytest.raises(OptionError, match=message):
        build_picture_losses([LossConfig(**arguments)], device="cpu", find=nowhere)


def test_as_many_layer_weights_as_layers_are_needed(files):
    with pytest.raises(OptionError, match="4 layers"):
        loss_of("mobilenet", files["mobilenet"], (1.0, 1.0))
