"""Losses on pictures, against formulas in float64 and networks of their makers."""

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gpen_core.errors import CheckpointError, ImageError, MissingWeightsError, OptionError
from gpen_core.lab.training.losses import (
    LOSS_KINDS,
    LossConfig,
    build_picture_losses,
    identity,
    mobilenet,
    perceptual,
    vgg,
)
from gpen_core.lab.training.losses.features import ImageNetInput
from gpen_core.lab.training.losses.files import locate

PIXEL_KINDS = ("l1", "l2", "smooth_l1")
ADDRESSES = {
    "mobilenet": "https://github.com/biubug6/Pytorch_Retinaface",
    "vgg19": "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    "identity": "https://github.com/xinntao/facexlib/releases/download/v0.1.0/recognition_arcface_ir_se50.pth",
    "lpips": "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    "lpips_vgg": "https://download.pytorch.org/models/vgg16-397923af.pth",
}


def nowhere(name):
    return None


def pictures(count=1, size=64, seed=0):
    """Two batches [N, 3, S, S] in [-1, 1]: smooth targets, and the same with noise."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 8, 8, generator=random) * 2 - 1
    target = F.interpolate(coarse, (size, size), mode="bilinear")
    restored = target + 0.3 * torch.randn(target.shape, generator=random)
    return restored.clamp(-1, 1), target


def made(shapes, seed=0):
    """Weights of these shapes with sensible sizes: few numbers over and over, which is quick; float16 for small files."""
    numbers = torch.randn(65_521, generator=torch.Generator().manual_seed(seed))
    state = {}
    for key, shape in shapes.items():
        count = math.prod(shape)
        drawn = numbers.repeat(-(-count // len(numbers)))[:count].reshape(shape)
        if key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(1)
        elif key.endswith("running_var") or (len(shape) == 1 and key.endswith("weight")):
            state[key] = (0.5 + drawn.abs()).half()
        else:
            fan_in = max(1, math.prod(shape[1:]))
            state[key] = (drawn * (2 / fan_in) ** 0.5).half()
        numbers = numbers.roll(1)
    return state


def saved(path: Path, state) -> Path:
    torch.save(state, path)
    return path


def loss_of(kind, path=None, weights=None):
    config = LossConfig(kind, 1.0, str(path) if path else None, weights)
    return build_picture_losses([config], device="cpu", find=nowhere)[0]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """A loss that would download its weights fails here, also on machines that are online."""
    import socket

    def refuse(*arguments):
        raise AssertionError(f"a loss went to the network: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Every network's file in the real layout, holding seeded numbers: the published files may not be on this machine.

    They stand for the user's files, so that the loaders run for real; the losses' values mean nothing.
    """
    pytest.importorskip("facexlib")
    from facexlib.recognition.arcface_arch import Backbone
    from torchvision.models import alexnet, vgg16, vgg19

    with torch.device("meta"):
        networks = {
            "vgg19": vgg19().features,
            "lpips": alexnet().features,
            "lpips_vgg": vgg16().features,
            "identity": Backbone(50, 0.6, "ir_se"),
            "mobilenet": mobilenet._Classifier(),
        }
    folder = tmp_path_factory.mktemp("user_files")
    paths = {}
    for number, (kind, network) in enumerate(networks.items()):
        state = made({key: tuple(value.shape) for key, value in network.state_dict().items()}, seed=number)
        if kind in ("vgg19", "lpips", "lpips_vgg"):  # torchvision's whole files have a classifier too
            state = {f"features.{key}": value for key, value in state.items()}
            state["classifier.6.weight"] = torch.zeros(1)
        if kind == "mobilenet":
            state = {"epoch": 1, "state_dict": {f"module.{key}": value for key, value in state.items()}}
        paths[kind] = saved(folder / f"{kind}.pth", state)
    return paths


@pytest.fixture(scope="module")
def losses(files):
    """Each network's loss from the files above."""
    pytest.importorskip("lpips")
    return {kind: loss_of(kind, path) for kind, path in files.items()}


# --- on pixels ---


@pytest.mark.parametrize("kind", PIXEL_KINDS)
def test_pixel_losses_equal_their_formulas_in_float64(kind):
    restored, target = pictures(2)
    difference = restored.double().numpy() * 3 - target.double().numpy() * 3  # both sides of smooth L1's knee
    size = np.abs(difference)
    expected = {
        "l1": size,
        "l2": difference**2,
        "smooth_l1": np.where(size < 1, difference**2 / 2, size - 0.5),
    }[kind].mean()
    assert (size > 1).any() and (size < 1).any()
    assert loss_of(kind)(restored * 3, target * 3).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", PIXEL_KINDS)
def test_gradients_of_pixel_losses_are_the_analytic_ones(kind):
    restored, target = pictures()
    restored.requires_grad_(True)
    loss_of(kind)(restored, target).backward()
    difference = (restored - target).detach().double()
    expected = {"l1": difference.sign(), "l2": 2 * difference, "smooth_l1": difference.clamp(-1, 1)}[kind]
    torch.testing.assert_close(restored.grad.double(), expected / difference.numel(), rtol=1e-4, atol=1e-9)


def test_the_psnr_loss_is_what_scikit_image_measures_turned_round():
    """50 dB and the loss together, for pictures far from 50 dB; a mean over the pictures, not over their errors."""
    skimage = pytest.importorskip("skimage.metrics", reason="scikit-image measures PSNR independently")
    restored, target = pictures(2)
    restored = torch.stack([target[0] + 0.02 * restored[0], restored[1]])  # one good and one bad
    measured = [
        skimage.peak_signal_noise_ratio(good.double().numpy(), bad.double().numpy(), data_range=2.0)
        for good, bad in zip(target, restored)
    ]
    expected = np.mean([10 * np.log10(1 + 10 ** ((50 - decibels) / 10)) for decibels in measured])
    assert loss_of("psnr")(restored, target).item() == pytest.approx(expected, rel=1e-5)
    assert loss_of("psnr")(restored[1:], target[1:]).item() == pytest.approx(50 - measured[1], abs=0.05)


def test_the_gradient_of_the_psnr_loss_is_the_numerical_one():
    restored, target = pictures(2)
    restored, target = restored[:, :, :3, :3].clone().requires_grad_(True), target[:, :, :3, :3]
    loss_of("psnr")(restored, target).backward()
    moved = torch.zeros_like(restored)
    moved[1, 2, 0, 1] = 1e-2
    with torch.no_grad():
        numerical = (loss_of("psnr")(restored + moved, target) - loss_of("psnr")(restored - moved, target)) / 2e-2
    assert restored.grad[1, 2, 0, 1].item() == pytest.approx(numerical.item(), rel=1e-2)


# --- what all losses share ---


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


# --- files ---


@pytest.mark.parametrize("kind", ADDRESSES)
def test_absent_weights_are_an_error_with_the_address(kind):
    assert set(ADDRESSES) == set(LOSS_KINDS) - {*PIXEL_KINDS, "psnr"}
    with pytest.raises(MissingWeightsError) as caught:
        loss_of(kind)
    assert ADDRESSES[kind] in str(caught.value) and f"'{kind}'" in str(caught.value)


def test_a_named_file_that_is_absent_is_an_error_that_names_it(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"mine\.pth.*vgg19-dcbb9e9d"):
        loss_of("vgg19", tmp_path / "mine.pth")


@pytest.mark.parametrize(
    "file", [mobilenet.FILE, vgg.FILE, identity.FILE, *perceptual.FILES.values()], ids=lambda file: file.names[0]
)
def test_files_are_found_by_each_of_their_names(tmp_path, file):
    for name in file.names:
        assert locate(file, LossConfig("x"), {name: tmp_path / name}.get) == tmp_path / name


def test_found_files_are_those_that_are_read(files):
    asked = {"vgg19-dcbb9e9d.pth": files["vgg19"]}
    (loss,) = build_picture_losses([LossConfig("vgg19")], device="cpu", find=asked.get)
    assert loss(*pictures()) == loss_of("vgg19", files["vgg19"])(*pictures())


@pytest.mark.parametrize("kind", ADDRESSES)
def test_another_networks_file_is_refused_by_name(kind, files):
    if "lpips" in kind:
        pytest.importorskip("lpips")
    other = files["mobilenet" if kind != "mobilenet" else "lpips"]
    with pytest.raises(CheckpointError, match=other.name):
        loss_of(kind, other)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda state: state.pop("stage2.3.4.bias"), "no 'stage2.3.4.bias'"),
        (lambda state: state.update(extra=torch.zeros(1)), "'extra' is not of"),
        (lambda state: state.update({"fc.bias": torch.zeros(7)}), r"'fc.bias' is \[7\]"),
        (lambda state: state["stage1.0.0.weight"].fill_(float("nan")), "NaN"),
    ],
)
def test_incomplete_strange_misshapen_or_damaged_weights_are_refused(tmp_path, files, spoil, message):
    state = {key[7:]: value for key, value in torch.load(files["mobilenet"])["state_dict"].items()}
    spoil(state)
    with pytest.raises(CheckpointError, match=message):
        loss_of("mobilenet", saved(tmp_path / "degraded.pth", state))


def test_files_of_old_pytorch_without_batch_counters_load(tmp_path, files):
    state = torch.load(files["mobilenet"])["state_dict"]
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    assert len(old) < len(state)
    same = loss_of("mobilenet", saved(tmp_path / "old.pth", old))
    assert same(*pictures()) == loss_of("mobilenet", files["mobilenet"])(*pictures())


@pytest.mark.parametrize("kind", ["mobilenet", "vgg19", "lpips"])
def test_every_number_comes_from_the_file(kind, files, losses):
    torch.manual_seed(12345)  # whatever the fixture had drawn with
    assert loss_of(kind, files[kind])(*pictures()) == losses[kind](*pictures())


# --- configurations ---


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


# --- each network against an independent computation ---


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


def float64(content):
    return {key.removeprefix("module."): value.double() for key, value in content.items()}


def normalized(x):
    """[-1, 1] → ImageNet's normalization, in float64, written out."""
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return ((x.double() + 1) / 2 - mean.double()[:, None, None]) / deviation.double()[:, None, None]


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


def test_the_input_of_imagenet_networks_is_normalized_as_torchvision_does():
    x, _ = pictures(size=16)
    torch.testing.assert_close(ImageNetInput()(x), normalized(x).float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bare", [False, True])
def test_vgg_loss_equals_torchvisions_network_in_float64(tmp_path, files, bare):
    from torchvision.models import vgg19

    state = {k.removeprefix("features."): v for k, v in torch.load(files["vgg19"]).items() if k.startswith("features")}
    with torch.device("meta"):
        network = vgg19().features
    network.load_state_dict(float64(state), assign=True)
    restored, target = pictures(1, 32)
    expected, (x, y) = 0.0, (normalized(restored), normalized(target))
    for index, layer in enumerate(network):
        x, y = (layer(z.clone()) for z in (x, y))  # clone: its rectifiers work in place
        factor = {2: 0.1, 7: 0.1, 16: 1, 25: 1, 34: 1}.get(index, 0)
        expected += factor * (x - y).abs().mean().item()
    path = saved(tmp_path / "bare.pth", state) if bare else files["vgg19"]
    assert loss_of("vgg19", path)(restored, target).item() == pytest.approx(expected, rel=1e-4)


def test_directions_of_silent_features_have_finite_gradients():
    """Where no feature fires, the package's own square root of their squares has the gradient NaN."""
    features = torch.zeros(1, 4, 2, 2)
    features[0, 1, 0, 0] = 3.0
    features.requires_grad_(True)
    (perceptual._directions(features) - 0.5).square().sum().backward()
    assert features.grad.isfinite().all()


def test_lpips_equals_the_packages_own_call(files, losses):
    lpips = pytest.importorskip("lpips")
    warnings.simplefilter("ignore")  # torchvision's, on how the package asks it for no weights
    reference = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)  # its calibration is the real one
    weights = {key.removeprefix("features."): value.float() for key, value in torch.load(files["lpips"]).items()}
    reference.net.load_state_dict({key: weights[key.partition(".")[2]] for key in reference.net.state_dict()})
    restored, target = pictures(3)
    with torch.no_grad():
        expected = reference(restored, target).flatten()
    torch.testing.assert_close(losses["lpips"].distances(restored, target), expected, rtol=1e-4, atol=1e-6)
    assert losses["lpips"](restored, target).item() == pytest.approx(expected.mean().item(), rel=1e-4)


def test_identity_is_one_less_the_cosine_of_facexlibs_embeddings(files, losses):
    from facexlib.recognition.arcface_arch import Backbone

    with torch.device("meta"):
        reference = Backbone(50, 0.6, "ir_se")
    state = {
        key: value.float() if value.is_floating_point() else value
        for key, value in torch.load(files["identity"]).items()
    }
    reference.load_state_dict(state, assign=True)
    reference.eval()
    restored, target = pictures(2)
    with torch.no_grad():
        a, b = (reference(identity.network_input(x)).double().numpy() for x in (restored, target))
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert losses["identity"](restored, target).item() == pytest.approx(1 - cosines.mean(), rel=1e-3)


@pytest.mark.parametrize("size", [64, 256, 512])
def test_arcface_sees_the_middle_of_the_face(size):
    """A picture whose values are coordinates comes out as the coordinates of rows 35 … 223 and columns 32 … 220 of 256."""
    at = (torch.arange(size) + 0.5) * 256 / size
    rows, columns = torch.meshgrid(at, at, indexing="ij")
    found = identity.network_input(torch.stack([rows, columns, rows])[None])[0]
    step = 188 / 112
    expected = (torch.arange(112) + 0.5) * step
    inner = slice(8, -8)
    slack = 256 / size  # the box is cut at whole pixels
    torch.testing.assert_close(found[0, inner, 50], 35 + expected[inner], rtol=0, atol=slack)
    torch.testing.assert_close(found[1, 50, inner], 32 + expected[inner], rtol=0, atol=slack)
    assert found.shape == (3, 112, 112)
