"""The loss through MobileNet, against its formula in float64 and with the published weights."""

import pytest
import torch
import torch.nn.functional as F
from losses_harness.pictures import float64, loss_of, normalized, pictures


def mobilenet_features(state, x):
    """The four layers in float64, straight from the keys of the file: every batch normalization written out."""

    def step(x, name, norm, groups=1, stride=1):
        weight = state[f"{name}.weight"]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)
        mean, variance, scale, shift = (
            state[f"{norm}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        x = (x - mean) / (variance + 1e-5).sqrt() * scale + shift
        return torch.where(x > 0, x, 0.1 * x)

    found = []
    halved = {"stage1.0", "stage1.2", "stage1.4", "stage2.0", "stage3.0"}
    for block in [f"stage1.{i}" for i in range(6)] + [f"stage2.{i}" for i in range(6)] + ["stage3.0", "stage3.1"]:
        stride = 2 if block in halved else 1
        if block == "stage1.0":
            x = step(x, f"{block}.0", f"{block}.1", stride=stride)
            continue
        x = step(x, f"{block}.0", f"{block}.1", groups=x.shape[1], stride=stride)
        x = step(x, f"{block}.3", f"{block}.4")
        if block in ("stage1.1", "stage1.3", "stage1.5", "stage2.5"):
            found.append(x)
    return found, x


def test_mobilenet_loss_equals_its_formula_in_float64(files, losses):
    state = float64(torch.load(files["mobilenet"])["state_dict"])
    restored, target = pictures(2)
    ours, theirs = (mobilenet_features(state, normalized(x))[0] for x in (restored, target))
    factors = (1.0, 1.0, 0.5, 0.25)
    expected = sum(f * (a - b).abs().mean() / b.abs().mean() for f, a, b in zip(factors, ours, theirs, strict=True))
    assert losses["mobilenet"](restored, target).item() == pytest.approx(expected.item(), rel=1e-4)
    shallow = loss_of("mobilenet", files["mobilenet"], (0.0, 2.0, 0.0, 0.0))
    expected = 2 * (ours[1] - theirs[1]).abs().mean() / theirs[1].abs().mean()
    assert shallow(restored, target).item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_real_mobilenet_knows_a_cat_and_an_espresso(shared_weights):
    """Normalization, slope and strides as assumed let the published weights do what they were trained for."""
    from skimage import data

    content = torch.load(shared_weights / "mobilenet_v1_x0.25_imagenet.pth.tar", "cpu", weights_only=True)
    state = float64(content["state_dict"])
    known = {"chelsea": {281, 282, 285}, "coffee": {967}}  # tabby, tiger cat, Egyptian cat; espresso
    for name, classes in known.items():
        picture = torch.from_numpy(getattr(data, name)()).permute(2, 0, 1)[None].double() / 127.5 - 1
        side = min(picture.shape[2:])
        top, left = ((extent - side) // 2 for extent in picture.shape[2:])
        square = picture[:, :, top : top + side, left : left + side]
        small = F.interpolate(square, (224, 224), mode="bilinear", antialias=True)
        _, last = mobilenet_features(state, normalized(small))
        logits = last.mean((2, 3)) @ state["fc.weight"].T + state["fc.bias"]
        assert logits.argmax().item() in classes


def test_the_real_mobilenet_loss_grows_with_blur(shared_weights):
    loss = loss_of("mobilenet", shared_weights / "mobilenet_v1_x0.25_imagenet.pth.tar")
    from skimage import data
    from skimage.filters import gaussian

    picture = data.astronaut()[:256, 96:352] / 127.5 - 1
    values = []
    for sigma in (0.5, 1, 2, 4):
        blurred = gaussian(picture, sigma, channel_axis=2)
        values.append(loss(*(torch.from_numpy(x).permute(2, 0, 1)[None].float() for x in (blurred, picture))).item())
    assert values == sorted(values) and values[-1] > 2 * values[0]
