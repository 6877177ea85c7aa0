"""Both families and everything between them, out of one configuration."""

import itertools

import numpy as np
import pytest
import torch

from gpen_core.errors import CheckpointError, OptionError
from gpen_core.model import Gpen, GpenConfig, ops
from gpen_core.model.config import INJECTIONS, MAPPINGS, UPSAMPLINGS
from gpen_core.model.resnet import ResNetEncoder, load_imagenet

PUBLISHED = GpenConfig(16, 16, (4, 4, 4), style_dim=8, mapping_layers=2)
RESNET = GpenConfig.resnet(16, output_size=32, channels=(6, 5, 4), style_dim=8, encoder_width=2)


def parts():
    combinations = itertools.product(("fir", "resnet50"), MAPPINGS, INJECTIONS, UPSAMPLINGS, (4, 8))
    for encoder, mapping, injection, upsampling, start in combinations:
        fir = encoder == "fir"
        own = {"concatenate": fir, "encoder_width": 64 if fir else 2}
        yield GpenConfig(
            16, 32, (6, 5, 4, 3)[: 4 if start == 4 else 3], 8, 2, encoder=encoder, mapping=mapping,
            injection=injection, upsampling=upsampling, start=start, **own,
        )  # fmt: skip
    yield GpenConfig(16, 16, (4, 4, 4), 8, 1, concatenate=False, injection="adain", upsampling="nearest")
    yield GpenConfig.resnet(32, channels=(4, 4, 4), style_dim=8, depth=101, encoder_width=1)


def label(config):
    return "-".join(str(getattr(config, name)) for name in ("encoder", "mapping", "injection", "upsampling", "start"))


def seeded(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def built(config, seed=0):
    """A network in which everything is at work: nothing at an initial zero."""
    torch.manual_seed(seed)
    network = Gpen(config)
    for name, value in network.named_parameters():
        if name.endswith(("noise.weight", "bn3.weight")):
            torch.nn.init.constant_(value, 0.5)
    return network


@pytest.mark.parametrize("config", list(parts()), ids=label)
def test_every_combination_of_parts_makes_pictures_and_learns(config):
    network = built(config)
    out = network(seeded(2, 3, config.input_size, config.input_size))
    assert out.shape == (2, 3, config.output_size, config.output_size)
    out.square().mean().backward()
    still = [name for name, value in network.generator.named_parameters() if value.grad is None or not value.grad.any()]
    assert still == []
    assert all(torch.isfinite(value.grad).all() for value in network.parameters())
    assert network.final_linear[0].weight.grad.any()
    first = network.ecd0[0][0] if config.has_features else network.encoder.conv1
    assert first.weight.grad.any()


@pytest.mark.parametrize("config", [PUBLISHED, RESNET], ids=label)
@torch.no_grad()
def test_the_steps_of_sampling_are_the_steps_of_restoring(config):
    network, pictures = built(config).eval(), seeded(2, 3, 16, 16)
    z, features = network.encode(pictures)
    w = network.generator.style(z)
    assert z.shape == w.shape == (2, 8)
    assert torch.equal(network.generator.synthesize(w, [(f, f) for f in features]), network(pictures))


@torch.no_grad()
def test_noise_features_are_what_synthesis_takes_and_a_resnets_are_none():
    noise = torch.Generator().manual_seed(0)
    features = built(PUBLISHED).noise_features(torch.empty(3), noise)
    assert [(first.shape, second.shape) for first, second in features] == [((3, 4, r, r),) * 2 for r in (4, 8, 16)]
    network = built(RESNET)
    before = noise.get_state()
    assert network.noise_features(torch.empty(3), noise) == [] and torch.equal(noise.get_state(), before)
    assert network.generator.synthesize(torch.zeros(3, 8), []).shape == (3, 3, 32, 32)


@torch.no_grad()
def test_features_start_where_the_generator_starts():
    config = GpenConfig(32, 64, (4, 5, 6, 7), style_dim=8, mapping_layers=1, start=8)
    network = built(config)
    assert [tuple(f.shape) for f in network.encode(seeded(1, 3, 32, 32))[1]] == [
        (1, 4 + i, 8 << i, 8 << i) for i in range(3)
    ]
    assert network.noise_features(torch.empty(1), torch.Generator(), start=3)[0][0].shape == (1, 7, 64, 64)


@torch.no_grad()
def test_a_resnet_networks_batch_gives_what_its_members_give_alone_in_training_too():
    network, pictures = built(RESNET).train(), seeded(3, 3, 16, 16)
    together, alone = network(pictures), torch.cat([network(picture[None]) for picture in pictures])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(network.eval()(pictures), together, atol=0, rtol=0)


def test_adaptive_instance_norm_is_the_papers_formula():
    x, scale, shift = seeded(3, 4, 5, 6).double() * 3 + 7, seeded(3, 4, seed=1).double(), seeded(3, 4, seed=2).double()
    values = x.numpy()
    mean = values.mean(axis=(2, 3), keepdims=True)
    deviation = np.sqrt(((values - mean) ** 2).mean(axis=(2, 3), keepdims=True) + 1e-5)
    expected = scale.numpy()[:, :, None, None] * (values - mean) / deviation + shift.numpy()[:, :, None, None]
    np.testing.assert_allclose(ops.adaptive_instance_norm(x, scale, shift).numpy(), expected, atol=1e-12)


def test_nearest_upsampling_repeats_every_pixel():
    x = seeded(2, 3, 4, 5)
    expected = x.numpy().repeat(2, axis=2).repeat(2, axis=3)
    np.testing.assert_array_equal(ops.nearest_upsample(x).numpy(), expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
@torch.no_grad()
def test_both_families_run_in_other_precisions(dtype):
    for config in (PUBLISHED, RESNET):
        out = built(config).to(dtype)(seeded(1, 3, 16, 16).to(dtype))
        assert out.dtype == dtype and torch.isfinite(out).all()


@pytest.mark.parametrize("depth", [50, 101])
def test_the_encoder_has_torchvisions_keys_and_shapes(depth):
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        theirs = getattr(models, f"resnet{depth}")().state_dict()
        ours = ResNetEncoder(f"resnet{depth}", 64).state_dict()
    expected = {k: v.shape for k, v in theirs.items() if not k.startswith("fc.") and "num_batches" not in k}
    assert {key: value.shape for key, value in ours.items()} == expected


@torch.no_grad()
def test_torchvisions_weights_give_torchvisions_features():
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    theirs = models.resnet50().eval()
    for name, value in theirs.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            value.copy_(torch.rand_like(value) * 0.5 + 0.5)
    ours = ResNetEncoder("resnet50", 64)
    load_imagenet(ours, theirs.state_dict())
    theirs.fc = torch.nn.Identity()
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = theirs((picture - mean[:, None, None]) / deviation[:, None, None])
    torch.testing.assert_close(ours(picture * 2 - 1), expected, atol=1e-4, rtol=1e-4)


def test_weights_of_another_resnet_are_refused():
    shallow, narrow = ResNetEncoder("resnet50", 2), ResNetEncoder("resnet50", 1)
    for state in (ResNetEncoder("resnet101", 2).state_dict(), narrow.state_dict(), {}):
        with pytest.raises(CheckpointError, match="not ImageNet weights of this ResNet"):
            load_imagenet(shallow, state)


@torch.no_grad()
def test_a_fresh_resnet_neither_explodes_nor_vanishes():
    torch.manual_seed(0)
    code = ResNetEncoder("resnet101", 16)(seeded(4, 3, 64, 64))
    assert 0.01 < code.std() < 3


@pytest.mark.parametrize("run", [lambda network: network, lambda network: network.generator.synthesize])
@torch.no_grad()
def test_the_forward_pass_compiles_in_one_piece(run):
    network = built(PUBLISHED)
    arguments = (seeded(1, 3, 16, 16),)
    if run(network) is not network:
        network = built(RESNET)
        arguments = (seeded(1, 8), [])
    compiled = torch.compile(run(network), backend="eager", fullgraph=True)
    assert torch.equal(compiled(*arguments), run(network)(*arguments))


def test_families_are_called_by_their_names():
    assert GpenConfig.published(64).family == "published" and GpenConfig.resnet(64, depth=101).family == "resnet"
    assert GpenConfig(16, 16, (4, 4, 4), injection="adain").family == "mixed"


def test_the_resnet_family_is_by_default_what_the_2048_models_description_says():
    config = GpenConfig.resnet(2048)
    assert (config.encoder, config.mapping, config.injection, config.upsampling) == (
        "resnet50",
        "plain",
        "adain",
        "nearest",
    )
    assert (config.style_dim, config.mapping_layers, config.start, config.levels) == (512, 2, 8, 9)
    assert config.channels == GpenConfig.published(2048).channels[1:]
    with torch.device("meta"):
        network = Gpen(config)
    assert [type(layer).__name__ for layer in network.generator.style] == ["Linear", "LeakyReLU"] * 2
    assert network.generator.input.input.shape == (1, 512, 8, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "vgg"}, "encoder: one of fir, resnet50, resnet101"),
        ({"mapping": "none"}, "mapping: one of"),
        ({"injection": "spade"}, "injection: one of"),
        ({"upsampling": "bicubic"}, "upsampling: one of"),
        ({"encoder": "resnet50"}, "no features to concatenate"),
        ({"encoder_width": 32}, "encoder_width is a ResNet's"),
        ({"encoder": "resnet50", "concatenate": False, "encoder_width": 0}, "encoder_width must be at least 1"),
        ({"encoder": "resnet50", "concatenate": False, "input_size": 8}, "at least 16"),
        ({"start": 6}, "start must be a power of two"),
        ({"start": 2}, "start must be a power of two"),
        ({"start": 16}, "at least 32"),
        ({"start": 8}, "3 channel counts given, 2 needed"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(changes, message):
    with pytest.raises(OptionError, match=message):
        GpenConfig(**({"input_size": 16, "output_size": 16, "channels": (4, 4, 4)} | changes))
