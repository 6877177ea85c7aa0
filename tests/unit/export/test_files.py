"""What an exported file is, and when there is none."""

import json
import sys
from dataclasses import replace

import onnx
import pytest
import torch

from gpen_core import GpenConfig
from gpen_core.checkpoints.metadata import config_from_text
from gpen_core.errors import OptionError, RestorationError
from gpen_core.export import HIGHEST_OPSET, LOWEST_OPSET, OPSET, Parity, compare, export_onnx, load_engine
from gpen_core.export.check import assert_parity
from gpen_core.geometry import template_points
from gpen_core.tasks import TASKS


def facts(path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def shape_of(value):
    return [dimension.dim_param or dimension.dim_value for dimension in value.type.tensor_type.shape.dim]


@pytest.fixture
def upscaling(lively):
    return lively(GpenConfig(16, 32, (4, 5, 6, 3), style_dim=8, mapping_layers=1))


def test_a_file_takes_crops_and_yields_restored_in_any_batch(upscaling, tmp_path):
    graph = onnx.load(export_onnx(upscaling, tmp_path / "any.onnx", precision="float16")).graph
    ends = [(end.name, shape_of(end), end.type.tensor_type.elem_type) for end in (*graph.input, *graph.output)]
    number = onnx.TensorProto.FLOAT  # in either precision
    assert ends == [("crops", ["batch", 3, 16, 16], number), ("restored", ["batch", 3, 32, 32], number)]


def test_a_file_says_what_its_users_have_to_know(upscaling, tmp_path):
    told = facts(export_onnx(replace(upscaling, task=TASKS["restoration-ffhq"]), tmp_path / "any.onnx"))
    assert config_from_text(told["gpen.config"], "any.onnx") == upscaling.config
    assert (told["gpen.name"], told["gpen.task"]) == ("lively", "restoration-ffhq")
    assert (told["gpen.input_size"], told["gpen.output_size"]) == ("16", "32")
    assert (told["gpen.color_order"], told["gpen.value_range"]) == ("RGB", "[0, 1]")
    points = torch.tensor(json.loads(told["gpen.alignment_points"]), dtype=torch.float64)
    torch.testing.assert_close(points, template_points("ffhq", 16), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("name", "license"),
    [
        ("GPEN-BFR-512.pth", "non-commercial"),
        ("mine.safetensors", "GPEN's published weights are for non-commercial"),
        ("gpen-bundled-256.safetensors", "Apache"),
    ],
)
def test_a_file_says_its_weights_license(small, name, license, tmp_path):
    assert license in facts(export_onnx(replace(small, name=name), tmp_path / "any.onnx"))["gpen.license"]


def test_the_graph_holds_no_activation_but_leaky_relu_and_nothing_that_an_engine_would_fold(small, tmp_path):
    """One LeakyRelu an activation: no factor of √2, and no node that depends on constants alone."""
    graph = onnx.load(export_onnx(small, tmp_path / "any.onnx")).graph
    constants = {constant.name for constant in graph.initializer}
    assert not [node.name for node in graph.node if node.input and constants.issuperset(filter(None, node.input))]
    bends = [node for node in graph.node if node.op_type == "LeakyRelu"]
    # three encoder stages, the code, a mapping layer; conv1 and two for each of two octaves
    assert len(bends) == 3 + 1 + 1 + 1 + 4
    used = {value for node in graph.node for value in node.input}
    assert constants <= used


def test_an_upscaled_face_is_the_same_in_every_batch(upscaling, engine, tmp_path):
    """Its noise is in the file."""
    run = load_engine(engine, export_onnx(upscaling, tmp_path / "any.onnx"))
    crops = torch.rand(3, 3, 16, 16)
    together = run(crops)
    torch.testing.assert_close(together, torch.cat([run(crop) for crop in crops.split(1)]), atol=1e-6, rtol=0)
    torch.testing.assert_close(run(crops), together, atol=0, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_model_in_half_precision_is_exported_from_its_weights_in_float32(small, lively, dtype, engine, tmp_path):
    narrow = lively(small.config)
    narrow.module.to(dtype)
    path = export_onnx(narrow, tmp_path / "any.onnx")
    assert next(narrow.module.parameters()).dtype == dtype  # left as it was
    assert max(parity.difference for parity in compare(path, narrow, engine)) < 1e-4


def test_weights_go_into_a_second_file_only_where_one_cannot_hold_them(small, restored, engine, tmp_path):
    export_onnx(small, tmp_path / "one.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["one.onnx"]
    path = export_onnx(small, tmp_path / "two.onnx", most_in_one_file=10_000, check=engine)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.onnx", "two.onnx", "two.onnx.data"]
    crops = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(load_engine(engine, path)(crops), restored(small, crops), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("name", "options", "complaint"),
    [
        ("any.pth", {}, "must end in .onnx"),
        ("any.onnx", {"precision": "bfloat16"}, "float32, float16"),
        ("any.onnx", {"opset": LOWEST_OPSET - 1}, f"{LOWEST_OPSET} … {HIGHEST_OPSET}"),
        ("any.onnx", {"opset": HIGHEST_OPSET + 1}, f"{LOWEST_OPSET} … {HIGHEST_OPSET}"),
        ("any.onnx", {"check": "tensorrt"}, "Known: onnxruntime, openvino"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(small, name, options, complaint, tmp_path):
    with pytest.raises(OptionError, match=complaint):
        export_onnx(small, tmp_path / "new" / name, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("package", "options"), [("onnx", {}), ("openvino", {"check": "openvino"})])
def test_a_missing_package_is_named_with_what_to_do(small, package, options, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(OptionError, match=f"pip install {package}"):
        export_onnx(small, tmp_path / "any.onnx", **options)


def test_weights_beyond_float16_are_refused_by_name(small, lively, tmp_path):
    model = lively(small.config)
    with torch.no_grad():
        model.module.ecd1[0][1].weight.fill_(1e6)
    with pytest.raises(OptionError, match=r"ecd1\.0\.weight.*float32"):
        export_onnx(model, tmp_path / "any.onnx", precision="float16")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_an_engine_makes_something_else_of_is_not_left(small, engine, tmp_path, monkeypatch):
    """The graph's slope is bent behind its back."""
    monkeypatch.setattr("gpen_core.export.layers.leaky_relu.__defaults__", (0.3,))
    (tmp_path / "any.onnx").write_bytes(b"what was there before")
    told = []
    with pytest.raises(RestorationError, match=f"{engine} differs from PyTorch"):
        export_onnx(small, tmp_path / "any.onnx", check=engine, on_parity=told.append)
    assert (tmp_path / "any.onnx").read_bytes() == b"what was there before"
    assert [path.name for path in tmp_path.iterdir()] == ["any.onnx"] and told[0].difference > 1e-4


def test_a_difference_that_is_no_number_is_too_large():
    with pytest.raises(RestorationError):
        assert_parity(Parity("onnxruntime", 1, float("nan")), "float32")


def test_the_default_opset_is_what_the_file_claims(small, tmp_path):
    proto = onnx.load(export_onnx(small, tmp_path / "any.onnx"))
    assert [(entry.domain, entry.version) for entry in proto.opset_import] == [("", OPSET)]
    assert proto.ir_version <= 8  # opset 17's own: older engines refuse newer ones
