"""The exported file in other engines, beside PyTorch."""

from itertools import product

import pytest
import torch
from onnx.reference import ReferenceEvaluator

from gpen_core import GpenConfig, GpenModel, load_checkpoint
from gpen_core.export import HIGHEST_OPSET, LOWEST_OPSET, compare, export_onnx, load_engine
from gpen_core.model.config import ENCODERS, INJECTIONS, MAPPINGS, UPSAMPLINGS, levels_of
from gpen_core.tasks import TASKS
from gpen_core.weights.find import bundled_file

TOLERANCE = 1e-4  # absolute, of pixels in [0, 1], float32


def config_of(encoder, mapping="equalised", injection="modulation", upsampling="fir", *, concatenate=False, output=16):
    """16 px in, small."""
    start, width = (4, 64) if encoder == "fir" else (8, 2)
    channels = (4, 5, 6, 3)[: levels_of(output, start)]
    return GpenConfig(16, output, channels, 8, 2, concatenate, encoder, mapping, injection, upsampling, start, width)


def parts():
    """Every combination there can be; of the deeper ResNet, which differs in nothing but depth, one."""
    combined = product(ENCODERS, MAPPINGS, INJECTIONS, UPSAMPLINGS, (True, False))
    for encoder, mapping, injection, upsampling, concatenate in combined:
        resnet = encoder != "fir"
        sampled = encoder != "resnet101" or (mapping, injection, upsampling) == ("plain", "adain", "nearest")
        if sampled and not (resnet and concatenate):
            yield config_of(encoder, mapping, injection, upsampling, concatenate=concatenate)


def name_of(config):
    features = "concatenated" if config.concatenate else "added" if config.has_features else "none"
    return "-".join((config.encoder, config.mapping, config.injection, config.upsampling, features))


def assert_same(found, wanted, tolerance=TOLERANCE):
    inside = ((wanted > 0) & (wanted < 1)).float().mean()
    assert inside > 0.9  # else the clamp would hide what differs
    torch.testing.assert_close(found, wanted, atol=tolerance, rtol=0)


def crops_for(model, count=3):
    side = model.config.input_size
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("config", list(parts()), ids=name_of)
def test_every_combination_of_parts_computes_in_onnx_what_it_computes_in_torch(config, lively, restored, tmp_path):
    pytest.importorskip("onnxruntime", reason="running ONNX files needs onnxruntime: pip install onnxruntime")
    model = lively(config)
    run = load_engine("onnxruntime", export_onnx(model, tmp_path / "any.onnx"))
    crops = crops_for(model)
    assert_same(run(crops), restored(model, crops))


@pytest.mark.parametrize(
    "config",
    [
        config_of("fir", concatenate=True),
        config_of("fir"),
        config_of("fir", output=32, concatenate=True),
        config_of("fir", output=32),
        config_of("resnet50", "plain", "adain", "nearest"),
        config_of("resnet50", "plain", "adain", "nearest", output=32),
    ],
    ids=["published", "added", "upscaling", "upscaling-added", "resnet", "resnet-upscaling"],
)
def test_both_engines_agree_with_torch_in_any_batch(config, engine, lively, restored, tmp_path):
    model = lively(config)
    run = load_engine(engine, export_onnx(model, tmp_path / "any.onnx"))
    crops = crops_for(model)
    wanted = restored(model, crops)
    for faces in (slice(0, 1), slice(0, 3), slice(1, 3)):  # one session, several batches
        assert_same(run(crops[faces]), wanted[faces])


@pytest.mark.parametrize("name", ["restore_64", "restore_256_narrow", "restore_64_add", "upscale_32_to_128"])
def test_the_published_numbers_come_out_of_the_file(golden, name, engine, fade, tmp_path, published):
    """Their pictures leave [-1, 1], which the file clamps to: so both are faded into it."""
    network, pictures, expected = published(golden / f"{name}.safetensors")
    factor = 0.9 / float(expected.abs().max())
    fade(network, factor)
    path = export_onnx(GpenModel(network.config, network, TASKS["restoration"], name), tmp_path / "golden.onnx")
    found = load_engine(engine, path)((pictures + 1) / 2)
    assert_same(found, (factor * expected + 1) / 2)


def test_the_bundled_model_restores_the_same_face(engine, astronaut, restored, tmp_path):
    model = load_checkpoint(bundled_file())
    run = load_engine(engine, export_onnx(model, tmp_path / "bundled.onnx"))
    face = astronaut[None, :, 20:276, 100:356]
    torch.testing.assert_close(run(face), restored(model, face), atol=TOLERANCE, rtol=0)


def test_float16_takes_half_the_room_and_stays_within_two_steps_of_8_bits(astronaut, restored, tmp_path):
    pytest.importorskip("onnxruntime", reason="running ONNX files needs onnxruntime: pip install onnxruntime")
    model = load_checkpoint(bundled_file())
    path = export_onnx(model, tmp_path / "half.onnx", precision="float16")
    weights = sum(value.numel() for value in model.module.parameters())
    assert path.stat().st_size < 2.5 * weights  # bytes; what demodulates stays float32
    face = astronaut[None, :, 20:276, 100:356]
    found = load_engine("onnxruntime", path)(face)
    torch.testing.assert_close(found, restored(model, face), atol=2 / 255, rtol=0)


@pytest.mark.parametrize(
    "config", [config_of("fir", concatenate=True), config_of("resnet50", "plain", "adain", "nearest")], ids=name_of
)
def test_float16_stays_near_in_either_family_and_engine(config, engine, lively, restored, tmp_path):
    model = lively(config)
    half = export_onnx(model, tmp_path / "half.onnx", precision="float16")
    crops = crops_for(model)
    assert_same(load_engine(engine, half)(crops), restored(model, crops), tolerance=5e-3)


def test_large_styles_do_not_overflow_float16(small, restored, lively, tmp_path):
    """Where their size is not moved behind the convolution, products leave float16. ONNX's own evaluator computes in it,
    as GPUs do; engines on CPUs compute float16 nodes in float32."""
    model = lively(small.config)
    with torch.no_grad():
        for name, value in model.module.named_parameters():
            if "convs" in name and "modulation.bias" in name:
                value.mul_(1e5)
    crops = crops_for(model, count=1)
    path = export_onnx(model, tmp_path / "half.onnx", precision="float16")
    (found,) = ReferenceEvaluator(str(path)).run(None, {"crops": crops.numpy()})
    assert_same(torch.from_numpy(found), restored(model, crops), tolerance=5e-3)


def test_a_model_that_takes_pictures_unshifted_gets_them_so(lively, restored, tmp_path):
    pytest.importorskip("onnxruntime", reason="running ONNX files needs onnxruntime: pip install onnxruntime")
    model = lively(config_of("fir", concatenate=True), task="seg2face")
    crops = crops_for(model)
    assert_same(load_engine("onnxruntime", export_onnx(model, tmp_path / "seg.onnx"))(crops), restored(model, crops))


@pytest.mark.parametrize("opset", [LOWEST_OPSET, HIGHEST_OPSET])
def test_the_oldest_and_the_newest_operators_compute_the_same(opset, engine, small, restored, tmp_path):
    """In float16, whose graph has every operator of the other and more."""
    path = export_onnx(small, tmp_path / "any.onnx", opset=opset, precision="float16")
    crops = crops_for(small)
    assert_same(load_engine(engine, path)(crops), restored(small, crops), tolerance=5e-3)


def test_what_is_compared_is_told(engine, small, tmp_path):
    path = export_onnx(small, tmp_path / "any.onnx")
    found = list(compare(path, small, engine))
    assert [(parity.engine, parity.batch) for parity in found] == [(engine, 1), (engine, 3)]
    assert all(0 < parity.difference < TOLERANCE for parity in found)
