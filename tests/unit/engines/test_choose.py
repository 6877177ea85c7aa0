"""Which engine runs what, and that each gives the same picture."""

import copy
import logging
from dataclasses import replace

import pytest
import torch

from gpen_core.checkpoints import GpenModel
from gpen_core.engines import PlainEngine, RowsEngine, engine_for
from gpen_core.errors import RestorationError
from gpen_core.model import Gpen, GpenConfig
from gpen_core.tasks import TASKS

PUBLISHED = GpenConfig.published(64, narrow=1 / 16, style_dim=32, mapping_layers=2)
RESNET = GpenConfig.resnet(32, channels=(4, 4, 4), encoder_width=4, style_dim=8)


def model_of(config, seed=0, **settings):
    torch.manual_seed(seed)
    network = Gpen(config).requires_grad_(False).eval()
    for name, value in network.named_parameters():
        if name.endswith("noise.weight"):
            value.fill_(0.5)
    return GpenModel(config, network, TASKS["restoration"], "small", **settings)


def crops_of(config, count=2):
    return torch.rand(count, 3, config.input_size, config.input_size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("config", "device", "engine"),
    [
        (PUBLISHED, "cpu", RowsEngine()),
        (PUBLISHED, "cuda:1", PlainEngine("cuda")),
        (PUBLISHED, "mps", PlainEngine("mps")),
        (RESNET, "cpu", PlainEngine("cpu")),
    ],
)
def test_the_engine_follows_the_target_device_and_the_shape(config, device, engine):
    assert engine_for(config, device, torch.float32) == engine


def test_a_model_takes_the_engine_for_where_its_weights_are_or_the_one_it_is_given():
    assert model_of(PUBLISHED).engine == RowsEngine()
    assert model_of(PUBLISHED, engine=PlainEngine("cuda")).engine == PlainEngine("cuda")


def test_every_engine_gives_the_same_picture():
    model = model_of(PUBLISHED)
    crops = crops_of(PUBLISHED)
    plain = replace(model, engine=PlainEngine("cpu"))
    torch.testing.assert_close(model(crops), plain(crops), atol=1e-5, rtol=0)
    assert model(crops).std() > 0.01


def test_moving_returns_a_model_of_the_new_precision_and_its_engine():
    model = model_of(PUBLISHED)
    moved = model.to(dtype=torch.float64)
    assert moved.dtype == torch.float64 and moved.engine == RowsEngine() and moved.module is model.module
    assert model.to("cpu").device.type == "cpu"


@pytest.mark.parametrize("engine", [PlainEngine("cpu"), RowsEngine()])
def test_a_batch_that_overflows_is_restored_in_float32_and_that_is_said_once(engine, caplog):
    crops = crops_of(PUBLISHED)
    half = model_of(PUBLISHED)
    half.module.generator.input.input.mul_(1.5e4)  # float16 holds it, and not what the first layer makes of it
    half = replace(half.to(dtype=torch.float16), engine=engine)
    exact = copy.deepcopy(half.module).float()
    expected = replace(half, module=exact, engine=PlainEngine("cpu"))(crops)
    with caplog.at_level(logging.WARNING):
        first, second = half(crops), half(crops)
    assert torch.isfinite(first).all() and torch.equal(first, second)
    torch.testing.assert_close(first, expected, atol=1e-5, rtol=0)
    assert [record for record in caplog.records if "overflows in float16" in record.getMessage()][1:] == []
    assert "overflows in float16" in caplog.text
    assert half.dtype == torch.float16  # the weights stay as they were


def test_what_is_no_number_in_float32_either_is_an_error():
    model = model_of(PUBLISHED)
    model.module.generator.to_rgb1.bias.fill_(float("nan"))
    for dtype in (torch.float32, torch.bfloat16):
        with pytest.raises(RestorationError, match="gave NaN or infinity"):
            model.to(dtype=dtype)(crops_of(PUBLISHED))
