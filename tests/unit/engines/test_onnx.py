"""A graph restores what the network that it was exported from restores, in whatever convention it wants its pictures."""

import sys

import pytest
import torch

from gpen_core.checkpoints.onnx import load, probing
from gpen_core.checkpoints.onnx.probing import convention_of
from gpen_core.engines import OnnxEngine, PlainEngine, engine_of
from gpen_core.engines.onnx_runtime import Convention
from gpen_core.errors import CheckpointError, MissingWeightsError, OptionError
from gpen_core.export import export_onnx
from gpen_core.weights.find import bundled_file
from gpen_core.weights.onnx_file import read_graph

PLUS_MINUS, UNIT, BYTES = (-1.0, 1.0), (0.0, 1.0), (0.0, 255.0)


@pytest.fixture(scope="module")
def bundled():
    from gpen_core import load_checkpoint

    return load_checkpoint(bundled_file())


@pytest.fixture(scope="module")
def graph_file(bundled, tmp_path_factory):
    pytest.importorskip("onnx", reason="writing ONNX files needs onnx: pip install onnx")
    pytest.importorskip("onnxruntime", reason="running ONNX files needs onnxruntime: pip install onnxruntime")
    return export_onnx(bundled, tmp_path_factory.mktemp("graph") / "small.onnx")


def of_graph(path, task=None):
    return load.graph_model(path, read_graph(path), torch.device("cpu"), task)


def wanting(module, convention, *, clamps=False):
    """The network as somebody else may have exported it: pictures go in and out as ``convention`` says."""

    @torch.inference_mode()
    def run(given):
        pictures = (given - convention.lowest) / (convention.highest - convention.lowest)
        pictures = pictures.flip(1) if convention.is_bgr else pictures
        made = module(pictures * 2 - 1).add(1).div(2)
        made = made.clamp(0, 1) if clamps else made
        made = made.flip(1) if convention.is_bgr else made
        return made * (convention.highest_out - convention.lowest_out) + convention.lowest_out

    return run


@pytest.mark.parametrize(
    "convention",
    [
        Convention(*PLUS_MINUS, *PLUS_MINUS),
        Convention(*PLUS_MINUS, *PLUS_MINUS, is_bgr=True),
        Convention(*UNIT, *UNIT),
        Convention(*UNIT, *PLUS_MINUS, is_bgr=True),
        Convention(*BYTES, *BYTES),
        Convention(*BYTES, *UNIT, is_bgr=True),
    ],
    ids=str,
)
def test_the_convention_is_found_by_what_comes_back_of_a_face(bundled, convention):
    assert convention_of(wanting(bundled.module, convention), 256, "m.onnx") == convention


def test_a_graph_that_clamps_is_found_out_too(bundled):
    convention = Convention(*UNIT, *UNIT, is_bgr=True)
    assert convention_of(wanting(bundled.module, convention, clamps=True), 256, "m.onnx") == convention


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda pictures: pictures, "9[89]% of the noise left"),
        (lambda pictures: torch.zeros_like(pictures), "no face restorer"),
        (lambda pictures: pictures * torch.nan, "no face restorer"),
        (lambda pictures: torch.nn.functional.avg_pool2d(pictures, 5, 1, 2), "RGB or BGR cannot be told"),
    ],
    ids=["a copy", "nothing", "NaN", "a blur"],
)
def test_what_is_no_restorer_is_refused_with_the_reason(run, message):
    with pytest.raises(CheckpointError, match=message):
        convention_of(run, 256, "m.onnx")


def test_the_probe_is_a_face_of_any_size():
    for size in (64, 256, 512):
        face = probing.probe_face(size)
        assert face.shape == (1, 3, size, size) and 0 <= face.amin() < 0.1 and 0.9 < face.amax() <= 1


def test_a_graph_restores_as_the_model_that_it_was_exported_from(bundled, graph_file):
    crops = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    graph = of_graph(graph_file)
    torch.testing.assert_close(graph(crops), bundled(crops), atol=1e-4, rtol=0)
    assert graph.task is bundled.task and graph.config.input_size == 256 and isinstance(graph.engine, OnnxEngine)


def test_a_graph_of_a_fixed_number_of_pictures_takes_any_number(bundled, graph_file, tmp_path):
    """Also while it is found out how it wants them."""
    onnx = pytest.importorskip("onnx", reason="writing ONNX files needs onnx: pip install onnx")
    proto = onnx.load(graph_file)
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    del proto.metadata_props[:]
    onnx.save(proto, tmp_path / "pairs.onnx")
    crops = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    graph = of_graph(tmp_path / "pairs.onnx")
    assert graph.module.ends.batch == 2 and graph.module.convention == Convention(*UNIT, *UNIT)
    torch.testing.assert_close(graph(crops), bundled(crops), atol=1e-4, rtol=0)


def test_a_graph_moves_and_keeps_its_own_precision(graph_file):
    graph = of_graph(graph_file)
    moved = graph.to("meta", torch.float16)
    assert moved.device.type == "meta" and moved.dtype == torch.float32
    assert engine_of(graph.module, "cuda", torch.float16) == OnnxEngine("cuda", 0, graph.module.bytes_held)
    plain = PlainEngine("cpu").working_bytes(graph.config, 1, torch.float32)
    assert graph.engine.working_bytes(graph.config, 1, torch.float32) == graph.module.bytes_held + plain
    assert graph.module.bytes_held > 10_000_000


def test_what_needs_the_weights_says_that_a_graph_has_none(graph_file, tmp_path):
    with pytest.raises(OptionError, match=r"small\.onnx is an ONNX graph whose weights could not be read back"):
        export_onnx(of_graph(graph_file), tmp_path / "again.onnx")


def test_without_onnx_runtime_the_command_that_installs_it_is_named(graph_file, monkeypatch):
    monkeypatch.setattr("gpen_core.engines.onnx_runtime.find_spec", lambda name: None)
    with pytest.raises(MissingWeightsError) as error:
        of_graph(graph_file)
    assert f"{sys.executable} -m pip install onnxruntime" in str(error.value)


def test_graphs_with_other_ends_are_refused(tmp_path):
    onnx = pytest.importorskip("onnx", reason="writing ONNX files needs onnx: pip install onnx")
    helper = onnx.helper

    def refused(message, inputs, output):
        ports = [helper.make_tensor_value_info(f"in{index}", 1, shape) for index, shape in enumerate(inputs)]
        result = helper.make_tensor_value_info("out", 1, output)
        graph = helper.make_graph([helper.make_node("Relu", ["in0"], ["out"])], "g", ports, [result])
        path = tmp_path / "other.onnx"
        path.write_bytes(helper.make_model(graph).SerializeToString())
        with pytest.raises(CheckpointError, match=message):
            of_graph(path)

    picture = [1, 3, 64, 64]
    refused(r"takes 2 inputs \(in0, in1\)", [picture, [1]], picture)
    refused(r"its input is 'in0' \[1, 64, 64, 3\]", [[1, 64, 64, 3]], picture)
    refused(r"its input is 'in0' \[1, 3, '\?', '\?'\]", [[1, 3, "h", "w"]], picture)
    refused(r"yields 'out' \[1, 512\]", [picture], [1, 512])
