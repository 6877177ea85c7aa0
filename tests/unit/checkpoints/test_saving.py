"""What is saved says what it is, is read back the same, and is not believed before it is checked."""

import json
from dataclasses import asdict, replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from gpen_core import load_checkpoint
from gpen_core.checkpoints.convert import convert, describe
from gpen_core.checkpoints.imagenet import load_imagenet_encoder
from gpen_core.checkpoints.metadata import config_from_text, config_text
from gpen_core.checkpoints.save import save_generator
from gpen_core.errors import CheckpointError, MissingWeightsError, OptionError
from gpen_core.model import Gpen, GpenConfig

PUBLISHED = GpenConfig(16, 16, (4, 4, 4), style_dim=8, mapping_layers=2)
RESNET = GpenConfig.resnet(16, channels=(4, 3), style_dim=8, encoder_width=2)
CONFIGS = {
    "published": PUBLISHED,
    "upscaling": GpenConfig(16, 32, (4, 4, 4, 4), style_dim=8, mapping_layers=0, concatenate=False),
    "resnet50": RESNET,
    "resnet101": replace(
        RESNET, encoder="resnet101", encoder_width=1, input_size=32, output_size=64, channels=(4, 4, 4, 4)
    ),
    "plain mapping": replace(PUBLISHED, mapping="plain"),
    "adain": replace(PUBLISHED, injection="adain"),
    "nearest": replace(PUBLISHED, upsampling="nearest"),
    "start 8": replace(PUBLISHED, start=8, channels=(4, 4)),
}
UNREADABLE = [name for name in CONFIGS if name not in ("published", "upscaling")]


def built(config):
    torch.manual_seed(0)
    network = Gpen(config).eval()
    with torch.no_grad():
        for value in network.parameters():
            value.add_(torch.randn_like(value) * 0.1)
    return network


def outputs(network, config):
    pictures = torch.randn(2, 3, config.input_size, config.input_size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return network(pictures)


def metadata(path):
    with safe_open(path, framework="pt") as file:
        return file.metadata()


@pytest.mark.parametrize("name", CONFIGS)
def test_a_saved_network_is_read_back_with_its_outputs(name, tmp_path):
    config = CONFIGS[name]
    network, path = built(config), tmp_path / "model.safetensors"
    save_generator(network, path, task="colorization", metadata={"author": "somebody"})
    model = load_checkpoint(path)
    assert model.config == config and model.task.name == "colorization"
    assert torch.equal(outputs(model.module, config), outputs(network, config))
    assert metadata(path)["author"] == "somebody" and metadata(path)["format"] == "pt"
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("name", CONFIGS)
def test_a_training_checkpoint_with_its_configuration_is_read_and_converted(name, saved, tmp_path):
    config = CONFIGS[name]
    network = built(config)
    path = saved(
        {"g_ema": network.state_dict(), "step": 7, "gpen.config": config_text(config), "gpen.task": "inpainting"}
    )
    assert torch.equal(outputs(load_checkpoint(path).module, config), outputs(network, config))
    description = convert(path, tmp_path / "converted.safetensors")
    assert description.config == config and description.task.name == "inpainting"
    assert description.parameters == sum(value.numel() for value in network.parameters())
    model = load_checkpoint(tmp_path / "converted.safetensors")
    assert torch.equal(outputs(model.module, config), outputs(network, config))


@pytest.mark.parametrize("wrapping", [lambda s: s, lambda s: {f"module._orig_mod.{key}": v for key, v in s.items()}])
def test_the_configuration_may_lie_beside_the_weights(wrapping, saved):
    path = saved({**wrapping(built(RESNET).state_dict()), "gpen.config": config_text(RESNET)})
    if wrapping({"a": 0}) == {"a": 0}:
        assert load_checkpoint(path).config == RESNET
    assert (
        load_checkpoint(saved({"g": wrapping(built(RESNET).state_dict()), "gpen.config": config_text(RESNET)})).config
        == RESNET
    )


@pytest.mark.parametrize("name", UNREADABLE)
def test_without_metadata_other_parts_are_refused_by_name(name, saved):
    with pytest.raises(CheckpointError, match=r"cannot be read off its weights.*gpen\.config"):
        load_checkpoint(saved(built(CONFIGS[name]).state_dict()))


def test_the_weights_can_be_saved_in_half_precision(tmp_path):
    network, path = built(RESNET), tmp_path / "half.safetensors"
    save_generator(network, path, dtype=torch.float16)
    assert describe(path).dtypes == ("float16",)
    found, expected = outputs(load_checkpoint(path).module, RESNET), outputs(network, RESNET)
    assert 0 < (found - expected).abs().max() < 0.05 * expected.std()
    assert {value.dtype for value in network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"task": "painting"}, OptionError, "unknown task 'painting'"),
        ({"metadata": {"gpen.config": "{}"}}, OptionError, r"metadata 'gpen\.config'"),
        ({"metadata": {"format": "np"}}, OptionError, "metadata 'format'"),
        ({"dtype": torch.float16}, CheckpointError, "try bfloat16"),
    ],
)
def test_what_cannot_be_saved_leaves_nothing(changes, error, message, tmp_path):
    network = built(PUBLISHED)
    with torch.no_grad():
        network.final_linear[0].bias[0] = 1e6
    with pytest.raises(error, match=message):
        save_generator(network, tmp_path / "m.safetensors", **changes)
    with pytest.raises(OptionError, match=r"must end in \.safetensors"):
        save_generator(network, tmp_path / "m.pth")
    assert list(tmp_path.iterdir()) == []


def claimed(**changes):
    return json.dumps({**asdict(RESNET), **changes})


BAD_TEXTS = {
    "no JSON": ("{", "not valid JSON"),
    "deeply nested": ("[" * 60_000, "not valid JSON"),
    "a huge number": ('{"input_size": ' + "9" * 9000 + "}", "not valid JSON|'input_size' is"),
    "too long": (" " * 70_000 + claimed(), "not a table of moderate size"),
    "a list": ("[16, 16]", "not a table"),
    "an unknown field": (claimed(depth=3), "unknown field 'depth'"),
    "an unknown part": (claimed(encoder="__import__"), "no possible network"),
    "a text for a number": (claimed(input_size="16"), "'input_size' is '16'"),
    "a truth for a number": (claimed(style_dim=True), "'style_dim' is True"),
    "a number for a truth": (claimed(concatenate=0), "'concatenate' is 0"),
    "a fraction": (claimed(style_dim=8.0), r"'style_dim' is 8\.0"),
    "null": (claimed(start=None), "'start' is None"),
    "terabytes": (claimed(style_dim=1 << 30), "'style_dim' is"),
    "wide": (claimed(channels=[1 << 30, 4]), "'channels' is"),
    "endless levels": (claimed(channels=[1] * 1000), "'channels' is"),
    "endless layers": (claimed(mapping_layers=10_000), "'mapping_layers' is"),
    "negative": (claimed(start=-8), "'start' is -8"),
    "missing": (json.dumps({"input_size": 16}), "no 'output_size'"),
    "impossible": (claimed(output_size=8), "no possible network"),
}


@pytest.mark.parametrize("what", BAD_TEXTS)
def test_metadata_that_is_no_configuration_is_refused(what, saved, tmp_path):
    text, message = BAD_TEXTS[what]
    state = built(RESNET).state_dict()
    save_file(state, tmp_path / "m.safetensors", {"gpen.config": text})
    for path in (tmp_path / "m.safetensors", saved({"g_ema": state, "gpen.config": text})):
        with pytest.raises(CheckpointError, match=message) as caught:
            load_checkpoint(path)
        assert path.name in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "claim",
    [
        replace(RESNET, style_dim=16384, channels=(16384, 16384)),
        replace(RESNET, encoder_width=16384),
        replace(RESNET, encoder="resnet101"),
        replace(RESNET, output_size=32, channels=(4, 3, 3)),
        replace(RESNET, mapping_layers=64),
        PUBLISHED,
    ],
)
def test_a_configuration_that_the_weights_contradict_is_refused_without_its_memory(claim, tmp_path):
    save_file(built(RESNET).state_dict(), tmp_path / "m.safetensors", {"gpen.config": config_text(claim)})
    with pytest.raises(CheckpointError, match="not a complete GPEN"):
        load_checkpoint(tmp_path / "m.safetensors")


def test_a_configuration_of_an_older_version_takes_the_defaults():
    older = {key: value for key, value in asdict(PUBLISHED).items() if key not in ("encoder", "start", "mapping")}
    assert config_from_text(json.dumps(older), "m") == PUBLISHED


def test_imagenet_weights_come_from_torchvisions_own_file(saved, tmp_path):
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    theirs = models.resnet50().state_dict()
    network = Gpen(replace(RESNET, encoder_width=64))
    load_imagenet_encoder(network, saved(theirs, "resnet50.pth"))
    assert torch.equal(network.encoder.layer3[5].conv2.weight, theirs["layer3.5.conv2.weight"])
    assert torch.equal(network.encoder.bn1.running_var, theirs["bn1.running_var"])
    with pytest.raises(MissingWeightsError, match=r"https://download\.pytorch\.org/models/resnet50-\w+\.pth"):
        load_imagenet_encoder(network, tmp_path / "absent.pth")
    with pytest.raises(CheckpointError, match=r"resnet50\.pth: not ImageNet weights"):
        load_imagenet_encoder(Gpen(RESNET), tmp_path / "resnet50.pth")
    with pytest.raises(OptionError, match="the encoder is 'fir'"):
        load_imagenet_encoder(Gpen(PUBLISHED), tmp_path / "resnet50.pth")
