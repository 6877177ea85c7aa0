"""ONNX files are read as the ``onnx`` package reads them, and nothing that a file claims is believed."""

import struct

import pytest
import torch

from gpen_core.errors import CheckpointError
from gpen_core.weights.onnx_file import looks_like_onnx, read_graph

onnx = pytest.importorskip("onnx", reason="writing ONNX files needs onnx: pip install onnx")
FLOATS = torch.arange(6, dtype=torch.float32).reshape(2, 3)


def model_of(constants=(), nodes=None, opset=17, **settings):
    helper = onnx.helper
    ends = [helper.make_tensor_value_info(name, 1, ["batch", 3, 16, 16]) for name in ("x", "y")]
    nodes = [helper.make_node("Relu", ["x"], ["y"])] if nodes is None else nodes
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], list(constants))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], **settings)


@pytest.fixture
def written(tmp_path):
    def write(model, name="m.onnx"):
        path = tmp_path / name
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        return path

    return write


@pytest.mark.parametrize("kind", ["FLOAT", "FLOAT16", "DOUBLE", "INT32", "INT64", "BOOL", "UINT8"])
@pytest.mark.parametrize("raw", [True, False])
def test_numbers_are_those_that_the_onnx_package_reads(written, kind, raw):
    values = FLOATS.numpy().astype(onnx.helper.tensor_dtype_to_np_dtype(getattr(onnx.TensorProto, kind)))
    content = values.tobytes() if raw else values.flatten().tolist()
    tensor = onnx.helper.make_tensor("c", getattr(onnx.TensorProto, kind), [2, 3], content, raw=raw)
    read = read_graph(written(model_of([tensor]))).constants["c"].tensor()
    torch.testing.assert_close(read, torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy()), rtol=0, atol=0)


def test_nodes_attributes_ends_and_metadata_are_read(written):
    node = onnx.helper.make_node(
        "Conv", ["x", "", "w"], ["y"], "conv", pads=[1, -1], alpha=0.5, mode="edge", a=-3, scales=[1.0, 2.0],
        value=onnx.numpy_helper.from_array(FLOATS.numpy()),
    )  # fmt: skip
    model = model_of(nodes=[node], producer_name="somebody")
    onnx.helper.set_model_props(model, {"gpen.task": "restoration"})
    path = written(model)
    graph = read_graph(path)
    assert looks_like_onnx(path) and graph.opset == 17 and graph.producer == "somebody" and graph.files == (path,)
    assert graph.metadata == {"gpen.task": "restoration"}
    assert [(port.name, port.shape, port.kind) for port in graph.inputs] == [("x", (-1, 3, 16, 16), 1)]
    (read,) = graph.nodes
    assert (read.kind, read.inputs, read.outputs, read.name) == ("Conv", ("x", "", "w"), ("y",), "conv")
    value = read.attributes["value"]
    assert torch.equal(value, FLOATS)
    known = {key: each for key, each in read.attributes.items() if key != "value"}
    assert known == {"pads": (1, -1), "alpha": 0.5, "mode": "edge", "a": -3, "scales": (1.0, 2.0)}


def test_weights_beside_the_file_are_read_from_its_folder(tmp_path):
    model = model_of([onnx.numpy_helper.from_array(torch.ones(400).numpy(), "c")])
    onnx.save_model(model, tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    graph = read_graph(tmp_path / "m.onnx")
    assert graph.files == (tmp_path / "m.onnx", tmp_path / "m.data")
    assert torch.equal(graph.constants["c"].tensor(), torch.ones(400))


def external(location, *, length=1600, offset=0, dims=400):
    tensor = onnx.TensorProto(name="c", data_type=1, dims=[dims], data_location=1)
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
    return model_of([tensor])


@pytest.mark.parametrize(
    "location", ["../secret", "/etc/hostname", "inner/../../secret", "C:\\secret", "..\\secret", "", "link"]
)
def test_weights_outside_of_the_folder_are_not_opened(tmp_path, location):
    (tmp_path / "secret").write_bytes(bytes(1600))
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "m.onnx").write_bytes(external(location).SerializeToString())
    with pytest.raises(CheckpointError, match=r"m\.onnx: (keeps its weights in|its weights are in).*not opened"):
        read_graph(folder / "m.onnx")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"offset": 4}, "beyond the end"),
        ({"offset": -4}, "beyond the end"),
        ({"length": 4}, "beyond the end"),
        ({"length": "x"}, "not a number"),
        ({"dims": 1 << 50}, "impossible shape"),
    ],
)
def test_weights_that_are_not_all_there(tmp_path, written, settings, message):
    (tmp_path / "d").write_bytes(bytes(1600))
    with pytest.raises(CheckpointError, match=message):
        read_graph(written(external("d", **settings)))


def test_a_file_of_weights_that_is_missing_is_named(written):
    with pytest.raises(CheckpointError, match=r"'d', which is not beside it"):
        read_graph(written(external("d")))


def test_operations_that_would_need_code_branches_and_functions_are_refused(written):
    helper = onnx.helper
    custom = model_of(nodes=[helper.make_node("Evil", ["x"], ["y"], domain="my.ops")])
    inner = helper.make_graph([], "inner", [], [])
    branch = model_of(nodes=[helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)])
    own = helper.make_function("own", "F", ["a"], ["b"], [], [helper.make_opsetid("", 17)])
    for model, message in ((custom, "my.ops::Evil"), (branch, "branches"), (model_of(functions=[own]), "functions")):
        with pytest.raises(CheckpointError, match=message):
            read_graph(written(model))


def test_operations_in_any_order_are_put_in_theirs(written):
    """Converters to float16 append theirs at the end."""
    helper = onnx.helper
    chain = [helper.make_node("Relu", [a], [b]) for a, b in ("cy", "bc", "ab", "xa")]
    model = model_of(nodes=[helper.make_node("Relu", ["x"], ["a"]), *chain[:3][::-1][::-1]])
    assert [node.outputs[0] for node in read_graph(written(model)).nodes] == ["a", "b", "c", "y"]
    with pytest.raises(CheckpointError, match="wait for each other"):
        read_graph(written(model_of(nodes=[helper.make_node("Add", ["x", "y"], ["y"])])))


def test_a_claim_of_more_than_is_stored(written):
    tensor = onnx.TensorProto(name="c", data_type=1, dims=[1 << 20, 1 << 20], raw_data=bytes(8))
    with pytest.raises(CheckpointError, match=r"claims .* but stores 8 bytes"):
        read_graph(written(model_of([tensor])))


def test_every_truncation_and_flipped_byte_is_read_or_refused(written):
    """Never another error, and never more memory than the file has bytes."""
    whole = model_of([onnx.numpy_helper.from_array(FLOATS.numpy(), "c")]).SerializeToString()
    changed = [whole[:length] for length in range(0, len(whole), 3)]
    changed += [whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :] for place in range(len(whole))]
    refused = 0
    for content in changed:
        try:
            read_graph(written(content))
        except CheckpointError as error:
            refused += 1
            assert str(error).startswith("m.onnx: ") and "\n" not in str(error)
    assert refused > len(changed) // 4


@pytest.mark.parametrize("content", [b"", b"\x08\x08", b"PK\x03\x04", b"\x80\x02}", struct.pack("<Q", 20) + b"{}"])
def test_other_files_do_not_look_like_onnx(written, content):
    assert not looks_like_onnx(written(content))
