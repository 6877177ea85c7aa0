"""A network's weights are read back out of whatever graph was made of it, or it is said why not."""

import logging
import os
import random
import sys
import time
from dataclasses import replace

import pytest
import torch

from gpen_core import load_checkpoint
from gpen_core.checkpoints import GpenModel
from gpen_core.checkpoints.convert import convert, describe
from gpen_core.checkpoints.onnx import read
from gpen_core.checkpoints.onnx.cache import cached_file, digest_of, prune, used
from gpen_core.checkpoints.onnx.ends import ends_of
from gpen_core.checkpoints.onnx.recover import recover
from gpen_core.checkpoints.onnx.values import NotReadable
from gpen_core.engines import OnnxEngine, RowsEngine
from gpen_core.errors import CheckpointError, MissingWeightsError, OptionError
from gpen_core.export import export_onnx
from gpen_core.files import file_sha256
from gpen_core.model import Gpen, GpenConfig
from gpen_core.tasks import TASKS
from gpen_core.weights.onnx_file import read_graph

EXPORTS = [
    "own",
    "torchscript-10-folded",
    "torchscript-11-folded",
    "torchscript-11-unfolded",
    "torchscript-13-folded",
    "torchscript-13-unfolded",
    "torchscript-17-folded",
    "torchscript-17-unfolded",
    "dynamo",
    "dynamo-external",
    "onnxsim-torchscript-17-folded",
    "onnxsim-dynamo",
    "onnxslim-torchscript-11-unfolded",
    "onnxslim-dynamo",
    "bytes",
]
HALVES = ["own-float16", "half-torchscript-17-folded", "half-dynamo", "wholly-dynamo"]
CROPS = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def needs_runtime():
    pytest.importorskip("onnxruntime", reason="running ONNX files needs onnxruntime: pip install onnxruntime")


def restored(network):
    with torch.no_grad():
        return network(CROPS * 2 - 1).add(1).div(2).clamp(0, 1)


@pytest.mark.parametrize("name", EXPORTS)
def test_weights_come_back_to_the_last_digit_but_one(network, export, name):
    model = load_checkpoint(export(name))
    assert isinstance(model.module, Gpen) and model.engine == RowsEngine() and model.name == f"{name}.onnx"
    assert model.config == network.config
    state = model.module.state_dict()
    for key, value in network.state_dict().items():
        torch.testing.assert_close(state[key], value, rtol=1e-5, atol=1e-6, msg=lambda text, key=key: f"{key}: {text}")
    torch.testing.assert_close(model(CROPS), restored(network), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", HALVES)
def test_weights_of_float16_graphs_come_back_as_they_are_rounded(network, export, name):
    model = load_checkpoint(export(name))
    assert isinstance(model.module, Gpen) and model.dtype == torch.float32
    torch.testing.assert_close(model(CROPS), restored(network), rtol=0, atol=5e-3)


def test_features_that_are_added_come_back_too(tmp_path, naive, lively, recorded):
    network = lively(GpenConfig(16, 16, (5, 4, 3), style_dim=8, mapping_layers=2, concatenate=False))
    path = recorded(naive(network), tmp_path / "added.onnx", 16, opset_version=17)
    torch.testing.assert_close(load_checkpoint(path)(CROPS), restored(network), rtol=0, atol=1e-5)


def test_it_is_done_once_for_each_file_wherever_it_lies(export, cache, tmp_path, monkeypatch):
    path = export("torchscript-17-folded")
    first = load_checkpoint(path).module.state_dict()
    (kept,) = cache.iterdir()
    assert kept == cached_file(path.name, digest_of([path])) and file_sha256(path) in kept.name
    assert "torchscript-17-folded" in kept.name

    def never(*arguments):
        raise AssertionError("read again")

    monkeypatch.setattr(read, "recover", never)
    copy = tmp_path / "GPEN-Colorization-1024.onnx"
    copy.write_bytes(path.read_bytes())
    again = load_checkpoint(copy)
    assert all(torch.equal(value, first[key]) for key, value in again.module.state_dict().items())
    assert again.task is TASKS["colorization"]  # by its own name, not the first one's


def test_what_was_kept_says_where_it_is_from(export, cache):
    path = export("own")
    load_checkpoint(path)
    (kept,) = cache.iterdir()
    from safetensors import safe_open

    with safe_open(kept, "pt") as file:
        metadata = file.metadata()
    assert metadata["gpen.source_sha256"] == file_sha256(path) and metadata["gpen.source_name"] == "own.onnx"


def test_what_was_not_used_for_longest_is_removed(export, cache):
    def entry(letter, age):
        path = cache / f"m-{letter * 64}-1.safetensors"
        path.write_bytes(bytes(1000))
        os.utime(path, (time.time() - age, time.time() - age))
        return path

    cache.mkdir()
    (cache / "mine.safetensors").write_bytes(bytes(9000))
    old, new, newer = entry("a", 300), entry("b", 200), entry("c", 100)
    used(old)
    prune(newer, 2500)
    assert old.exists() and newer.exists() and not new.exists() and (cache / "mine.safetensors").exists()
    prune(newer, 10)
    assert sorted(cache.iterdir()) == [newer, cache / "mine.safetensors"]
    path = export("own")
    load_checkpoint(path)
    kept = cached_file(path.name, digest_of([path]))
    os.utime(kept, (0, 0))
    load_checkpoint(path)
    assert kept.stat().st_mtime > time.time() - 100


def test_a_damaged_cache_is_made_again_and_one_that_cannot_be_written_is_done_without(export, cache, caplog, tmp_path):
    path = export("own")
    wanted = load_checkpoint(path)(CROPS)
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    assert torch.equal(load_checkpoint(path)(CROPS), wanted) and "is damaged, and is made again" in caplog.text
    assert kept.stat().st_size > 1000
    kept.unlink()
    cache.rmdir()
    cache.touch()  # a file in the folder's place
    assert torch.equal(load_checkpoint(path)(CROPS), wanted) and "could not be kept" in caplog.text


def test_without_onnx_runtime_graphs_are_compared_by_our_own_operations(export, network, monkeypatch):
    monkeypatch.setattr("gpen_core.engines.onnx_runtime.find_spec", lambda name: None)
    model = load_checkpoint(export("torchscript-13-unfolded"))
    torch.testing.assert_close(model(CROPS), restored(network), rtol=0, atol=1e-5)


def test_inspect_and_convert_take_graphs_as_they_take_checkpoints(export, network, tmp_path):
    path = export("dynamo")
    assert describe(path).config == network.config and describe(path).sha256 == file_sha256(path)
    convert(path, tmp_path / "converted.safetensors")
    torch.testing.assert_close(
        load_checkpoint(tmp_path / "converted.safetensors")(CROPS), restored(network), rtol=0, atol=1e-5
    )


@pytest.fixture
def resnet(tmp_path, lively):
    """A graph of another family, which cannot be read back, with its convention in its metadata."""
    config = GpenConfig.resnet(16, channels=(4, 4), encoder_width=4, style_dim=8)
    model = GpenModel(config, lively(config), TASKS["restoration"], "resnet.pth")
    return model, export_onnx(model, tmp_path / "resnet.onnx")


def test_an_onnx_file_has_no_parts_and_that_is_said(export, tmp_path):
    path = export("dynamo")
    for call in (lambda: load_checkpoint(path, part="g"), lambda: convert(path, tmp_path / "a.safetensors", part="g")):
        with pytest.raises(OptionError, match=r"no part 'g' in it, since an ONNX file is one model"):
            call()
    assert not (tmp_path / "a.safetensors").exists()


def test_a_graph_that_cannot_be_read_back_stays_with_onnx_runtime_and_that_is_said(
    needs_runtime, resnet, tmp_path, caplog
):
    other, path = resnet
    model = load_checkpoint(path)
    assert isinstance(model.engine, OnnxEngine)
    assert (
        "resnet.onnx stays with ONNX Runtime, in its own precision, since its weights could not be read back: it has"
        in caplog.text
    )
    torch.testing.assert_close(model(CROPS), other(CROPS), rtol=0, atol=1e-4)
    for call in (describe, lambda file: convert(file, tmp_path / "c.safetensors")):
        with pytest.raises(
            CheckpointError, match=r"resnet\.onnx: an ONNX graph whose weights cannot be read back: it has"
        ):
            call(path)


def test_a_graph_that_needs_onnx_runtime_says_how_to_install_it(resnet, monkeypatch):
    _, path = resnet
    monkeypatch.setattr("gpen_core.engines.onnx_runtime.find_spec", lambda name: None)
    with pytest.raises(MissingWeightsError) as error:
        load_checkpoint(path)
    assert f"{sys.executable} -m pip install onnxruntime" in str(error.value)


def changed(export, tmp_path, change):
    onnx = pytest.importorskip("onnx", reason="writing ONNX files needs onnx: pip install onnx")
    proto = onnx.load(export("own"))
    change(proto.graph, onnx)
    path = tmp_path / "changed.onnx"
    onnx.save(proto, path)
    return path


def turn(graph, onnx):
    """What goes into the encoder is turned: of the same shape, and nothing that layers' weights tell."""
    node = next(node for node in graph.node if node.op_type == "Conv")
    graph.node.insert(
        list(graph.node).index(node), onnx.helper.make_node("Transpose", [node.input[0]], ["turned"], perm=[0, 1, 3, 2])
    )
    node.input[0] = "turned"


def steepen(graph, onnx):
    next(node for node in graph.node if node.op_type == "LeakyRelu").attribute[0].f = 0.5


def sharpen(graph, onnx):
    kernel = next(each for each in graph.initializer if each.name.endswith(".kernel"))
    kernel.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(kernel)[..., ::-1] ** 2, kernel.name))


@pytest.mark.parametrize(
    ("change", "reason"),
    [(turn, "differs from it by"), (steepen, "leaky ReLU of slope 0.5"), (sharpen, "filters with another kernel")],
)
def test_a_graph_that_computes_something_else_is_not_taken_for_the_network(
    needs_runtime, export, tmp_path, caplog, change, reason
):
    path = changed(export, tmp_path, change)
    with caplog.at_level(logging.WARNING):
        assert isinstance(load_checkpoint(path).engine, OnnxEngine)
    assert reason in caplog.text


def test_whatever_is_changed_in_a_graph_it_is_read_or_said_why_not(export):
    """Operations, their inputs and attributes exchanged at random: never another error than the one that says why."""
    graph = read_graph(export("onnxslim-torchscript-17-folded"))
    ends = ends_of(graph, export("onnxslim-torchscript-17-folded"))
    source = random.Random(0)
    names = [name for node in graph.nodes for name in node.outputs]
    read_back = 0
    for _ in range(120):
        nodes = list(graph.nodes)
        for _ in range(source.randint(1, 3)):
            index, other = source.randrange(len(nodes)), source.choice(nodes)
            node = nodes[index]
            inputs = list(node.inputs)
            if inputs:
                others = ["", source.choice(names), source.choice(other.inputs or ("",))]
                inputs[source.randrange(len(inputs))] = source.choice(others)
            changed = {"kind": other.kind, "inputs": tuple(inputs), "attributes": other.attributes}
            key = source.choice(list(changed))
            nodes[index] = replace(node, **{key: changed[key]})
        try:
            recover(replace(graph, nodes=tuple(nodes)), ends)
            read_back += 1
        except NotReadable as error:
            assert str(error)
    assert read_back < 60


def blow_up(graph, onnx):
    """A constant of 2**40 numbers, of a few bytes."""
    graph.initializer.append(onnx.numpy_helper.from_array(torch.tensor([1 << 20, 1 << 20]).numpy(), "sides"))
    graph.node.insert(0, onnx.helper.make_node("ConstantOfShape", ["sides"], ["huge"]))


def multiply_up(graph, onnx):
    """The same by two vectors that are added."""
    for name, shape in (("column", (1 << 18, 1)), ("row", (1, 1 << 18))):
        graph.initializer.append(onnx.numpy_helper.from_array(torch.zeros(shape, dtype=torch.uint8).numpy(), name))
    graph.node.insert(0, onnx.helper.make_node("Add", ["column", "row"], ["huge"]))


@pytest.mark.parametrize("change", [blow_up, multiply_up])
def test_a_graph_cannot_make_reading_it_take_any_memory(export, tmp_path, change):
    with pytest.raises(CheckpointError, match="makes a constant larger than any weight"):
        describe(changed(export, tmp_path, change))
