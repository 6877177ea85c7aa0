"""What torch writes is read as torch reads it; torch's own reader is the reference."""

import argparse
import collections
import pathlib

import numpy as np
import pytest
import torch

from gpen_core.errors import CheckpointError
from gpen_core.weights.reading import read_checkpoint
from gpen_core.weights.torch_file.values import Unread

DTYPES = (
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool, torch.float8_e4m3fn, torch.float8_e5m2,
)  # fmt: skip
LAYOUTS = {
    "zip": {},
    "zip, protocol 3": {"pickle_protocol": 3},
    "zip, protocol 4": {"pickle_protocol": 4},
    "zip, protocol 5": {"pickle_protocol": 5},
    "stream": {"_use_new_zipfile_serialization": False},
    "stream, protocol 3": {"_use_new_zipfile_serialization": False, "pickle_protocol": 3},
    "stream, protocol 4": {"_use_new_zipfile_serialization": False, "pickle_protocol": 4},
    "stream, protocol 5": {"_use_new_zipfile_serialization": False, "pickle_protocol": 5},
}


def nested():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    optimizer = torch.optim.Adam(network.parameters())
    network[2](torch.randn(3, 4)).sum().backward()
    optimizer.step()
    return {
        "g": network.state_dict(),
        "parameters": dict(network.named_parameters()),
        "optim": optimizer.state_dict(),
        "epoch": 3,
        "loss": 0.25,
        "negative": -(1 << 40),
        "name": "ünïcode",
        "nothing": None,
        "yes": True,
        "nested": [1, (2.0, "three"), {"four": (torch.arange(5), ())}],
    }


def same(found, expected):
    if isinstance(expected, torch.Tensor):
        assert type(found) is torch.Tensor and found.dtype == expected.dtype and found.stride() == expected.stride()
        assert torch.equal(found.float(), expected.detach().float())
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            same(found[key], value)
    elif isinstance(expected, list | tuple):
        assert type(found) is type(expected) and len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    else:
        assert type(found) is type(expected) and found == expected


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_training_checkpoint_is_what_torch_reads(tmp_path, layout):
    torch.save(nested(), tmp_path / "m.pth", **LAYOUTS[layout])
    same(read_checkpoint(tmp_path / "m.pth").content, torch.load(tmp_path / "m.pth", weights_only=False))


@pytest.mark.parametrize("layout", ["zip", "stream"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_type_of_number(tmp_path, layout, dtype):
    content = {"plain": torch.arange(6).reshape(2, 3).to(dtype), "none": torch.zeros(0, 3, dtype=dtype)}
    content["one"] = torch.ones((), dtype=dtype)
    torch.save(content, tmp_path / "m.pth", **LAYOUTS[layout])
    same(read_checkpoint(tmp_path / "m.pth").content, content)


@pytest.mark.parametrize("layout", ["zip", "stream"])
def test_views_keep_their_places_and_what_is_shared_stays_shared(tmp_path, layout):
    whole = torch.arange(24.0).reshape(4, 6)
    content = {"whole": whole, "turned": whole.T, "part": whole[1:3, 2:5], "again": whole}
    torch.save(content, tmp_path / "m.pth", **LAYOUTS[layout])
    found = read_checkpoint(tmp_path / "m.pth").content
    same(found, content)
    found["whole"].fill_(7)
    assert all((value == 7).all() for value in found.values())


@pytest.mark.parametrize(
    "name", ["blazeface_landmark.pth", "detection_mobilenet0.25_Final.pth", "mobilenet_v1_x0.25_imagenet.pth.tar"]
)
def test_published_files(shared_weights, name):
    same(read_checkpoint(shared_weights / name).content, torch.load(shared_weights / name, "cpu", weights_only=True))


def test_a_file_in_torchs_zip_layout_without_numbers_for_wide_archives(zipped, by_hand):
    path = zipped(b"}" + by_hand.text("a") + by_hand.tensor() + b"s", {"0": np.arange(4, dtype="<f4").tobytes()})
    assert read_checkpoint(path).content["a"].tolist() == [0, 1, 2, 3]


def test_texts_and_tables_of_python_2(zipped, by_hand):
    old = b"U\x01a"
    path = zipped(b"ccollections\nOrderedDict\n(](" + b"]" + old + b"a" + by_hand.tensor() + b"aetR")
    assert list(read_checkpoint(path).content) == ["a"]


def test_data_beside_the_weights_is_passed_over_and_not_built(tmp_path):
    beside = {
        "args": argparse.Namespace(size=512),
        "best": np.float64(3.5),
        "array": np.arange(3),
        "set": {1, 2},
        "counter": collections.Counter("aab"),
        "path": pathlib.PurePosixPath("/tmp/x"),  # noqa: S108
        "device": torch.device("cpu"),
        "dtype": torch.float32,
        "bytes": b"123",
        "complex": torch.zeros(2, dtype=torch.complex64),
        "sparse": torch.eye(3).to_sparse(),
    }
    torch.save({"w": torch.ones(2), "shape": torch.Size([1, 2]), **beside}, tmp_path / "m.pth")
    content = read_checkpoint(tmp_path / "m.pth").content
    assert content["shape"] == (1, 2) and content["w"].tolist() == [1, 1]
    assert all(isinstance(content[name], Unread) for name in beside)


def test_a_module_s_notes_on_versions_and_a_tensor_s_attributes_are_left_out(tmp_path):
    tensor = torch.ones(2)
    tensor.note = "x"
    state = torch.nn.BatchNorm1d(2).state_dict()
    assert state._metadata
    torch.save({"tensor": tensor, "state": state}, tmp_path / "m.pth")
    content = read_checkpoint(tmp_path / "m.pth").content
    assert type(content["state"]) is dict and not hasattr(content["tensor"], "note")


def test_a_link_to_a_file_is_followed(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "m.pth")
    (tmp_path / "link.pth").symlink_to(tmp_path / "m.pth")
    assert read_checkpoint(tmp_path / "link.pth").content["a"].tolist() == [1]


def test_an_unaligned_storage_is_copied_to_where_processors_want_it(tmp_path):
    torch.save({"a": torch.arange(3, dtype=torch.uint8), "b": torch.ones(4)}, tmp_path / "m.pth", **LAYOUTS["stream"])
    found = read_checkpoint(tmp_path / "m.pth").content["b"]
    assert found.data_ptr() % 8 == 0 and found.tolist() == [1] * 4


@pytest.mark.filterwarnings("ignore:.*quantize")
def test_numbers_that_are_not_what_is_stored_are_named_and_not_read(tmp_path):
    ones = torch.ones(3)
    content = {
        "neg": torch._neg_view(ones),
        "conj": torch.ones(3, dtype=torch.complex64).conj(),
        "quantized": torch.quantize_per_tensor(ones, 0.1, 0, torch.qint8),
        "meta": ones.to("meta"),
        "plain": ones,
    }
    for options in ({}, LAYOUTS["stream"]):
        torch.save(content, tmp_path / "m.pth", **options)
        found = read_checkpoint(tmp_path / "m.pth").content
        assert [name for name, value in found.items() if isinstance(value, Unread)] == [*content][:-1]


@pytest.mark.parametrize("protocol", [0, 1])
@pytest.mark.parametrize("layout", ["zip", "stream"])
def test_the_text_forms_of_old_pickles_are_read(tmp_path, layout, protocol):
    """torch itself reads those of protocol 1, and not those of 0, though it writes them."""
    beside = {
        "args": argparse.Namespace(size=512),
        "set": {1},
        "array": np.arange(3),
        "lines": "a\nb\\u\0",
        "big": 1 << 80,
    }
    torch.save(nested() | beside, tmp_path / "usual.pth")
    expected = read_checkpoint(tmp_path / "usual.pth").content
    torch.save(nested() | beside, tmp_path / "m.pth", pickle_protocol=protocol, **LAYOUTS[layout])
    found = read_checkpoint(tmp_path / "m.pth").content
    assert all(
        isinstance(content.pop(name), Unread) for content in (found, expected) for name in ("args", "set", "array")
    )
    same(found, expected)


def test_texts_of_python_2_in_quotes_are_read(zipped, by_hand):
    path = zipped(b"(dS'a\\'\\xe9'\np0\n" + by_hand.tensor() + b"s")
    assert list(read_checkpoint(path).content) == ["a'é"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_is_called_one(tmp_path):
    torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(tmp_path / "m.pth")
    with pytest.raises(CheckpointError, match="TorchScript program"):
        read_checkpoint(tmp_path / "m.pth")
