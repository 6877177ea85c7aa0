"""Every way a checkpoint is wrapped in the wild, and every way it can be broken."""

import os
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from gpen_core import load_checkpoint
from gpen_core.checkpoints.convert import convert, describe
from gpen_core.errors import CheckpointError, OptionError
from gpen_core.model import Discriminator, DiscriminatorConfig, Gpen, GpenConfig

TINY = GpenConfig(16, 16, (4, 4, 4), style_dim=8, mapping_layers=2)
CROPS = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(3))


def expected(state):
    network = Gpen(TINY)
    network.load_state_dict(state)
    with torch.no_grad():
        return network(CROPS * 2 - 1).add(1).div(2).clamp(0, 1)


def other(state):
    return {key: value + 1 for key, value in state.items()}


WRAPPINGS = {
    "flat": lambda s: s,
    "g_ema before g": lambda s: {"g": other(s), "g_ema": s, "d": {"final_conv.0.weight": s["ecd0.0.0.weight"]}},
    "g": lambda s: {"g": s},
    "params_ema before params": lambda s: {"params": other(s), "params_ema": s},
    "params": lambda s: {"params": s},
    "state_dict": lambda s: {"state_dict": s, "epoch": 3},
    "DataParallel": lambda s: {f"module.{key}": value for key, value in s.items()},
    "all at once": lambda s: {"state_dict": {"g_ema": {f"module.{key}": value for key, value in s.items()}}},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("extension", ["pth", "pt"])
def test_every_wrapping_gives_the_same_numbers(state, saved, wrapping, extension):
    model = load_checkpoint(saved(WRAPPINGS[wrapping](state), f"model.{extension}"))
    assert model.config == TINY
    torch.testing.assert_close(model(CROPS), expected(state), atol=1e-6, rtol=0)


def test_the_legacy_format_is_read(state, saved):
    model = load_checkpoint(saved(state, _use_new_zipfile_serialization=False))
    torch.testing.assert_close(model(CROPS), expected(state), atol=1e-6, rtol=0)


def test_the_module_maps_minus_one_to_one_and_returns_a_tensor(state, saved):
    module = load_checkpoint(saved(state)).module
    with torch.no_grad():
        out = module(CROPS * 2 - 1)
    assert isinstance(out, torch.Tensor) and out.shape == (2, 3, 16, 16)
    torch.testing.assert_close(out.add(1).div(2).clamp(0, 1), expected(state), atol=1e-6, rtol=0)


def test_weights_survive_the_file_being_deleted(state, saved):
    path = saved(state)
    model = load_checkpoint(path)
    path.write_bytes(b"")
    path.unlink()
    torch.testing.assert_close(model(CROPS), expected(state), atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_stays_close(state, saved, dtype):
    model = load_checkpoint(saved(state), dtype=dtype)
    assert next(model.module.parameters()).dtype == dtype
    found = model(CROPS)
    assert found.dtype == torch.float32
    assert (found - expected(state)).abs().mean() < 0.02


def test_loading_needs_no_gradients_and_is_in_eval_mode(state, saved):
    module = load_checkpoint(saved(state)).module
    assert not module.training and not any(value.requires_grad for value in module.parameters())


def test_seg2face_takes_and_gives_its_pictures_unshifted(state, saved):
    model = load_checkpoint(saved(state, "GPEN-Seg2face-512.pth"))
    assert model.task.name == "seg2face"
    with torch.no_grad():
        unshifted = model.module(CROPS).clamp(0, 1)  # "values /255 with no shift in and no shift out"
    torch.testing.assert_close(model(CROPS), unshifted, atol=1e-6, rtol=0)


def test_a_file_name_says_nothing_of_the_size(state, saved):
    assert load_checkpoint(saved(state, "GPEN-BFR-2048.pth")).config.input_size == 16


def test_the_task_asked_for_wins_and_an_unknown_one_is_refused(state, saved):
    path = saved(state, "GPEN-Colorization-1024.pth")
    assert load_checkpoint(path).task.name == "colorization"
    assert load_checkpoint(path, task="inpainting").task.name == "inpainting"
    with pytest.raises(OptionError, match=r"^unknown task 'painting'\. Known: [^/]*\.$"):
        load_checkpoint(path, task="painting")


def test_a_part_that_is_not_there_is_not_blamed_on_the_file(state, saved):
    """Which has the name of a published one: where to get it is of no use here."""
    with pytest.raises(OptionError, match=r"no GPEN generator 'b' in it\. There is 'a'\.$"):
        load_checkpoint(saved({"a": state}, "GPEN-BFR-512.pth"), part="b")


@pytest.mark.parametrize("dtype", [None, torch.float16])
def test_conversion_keeps_numbers_task_and_origin(state, saved, tmp_path, dtype):
    source = saved({"g_ema": state}, "GPEN-Inpainting-1024.pth")
    description = convert(source, tmp_path / "converted.safetensors", dtype=dtype)
    assert description.config == TINY and description.task.name == "inpainting"
    assert description.dtypes == ("float16" if dtype else "float32",)
    model = load_checkpoint(tmp_path / "converted.safetensors")
    torch.testing.assert_close(model(CROPS), expected(state), atol=2e-2 if dtype else 1e-6, rtol=0)
    from safetensors import safe_open

    with safe_open(tmp_path / "converted.safetensors", framework="pt") as file:
        assert file.metadata()["gpen.source_sha256"] == describe(source).sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["GPEN-Inpainting-1024.pth", "converted.safetensors"]


def test_conversion_writes_nothing_when_it_fails(saved, tmp_path):
    with pytest.raises(CheckpointError):
        convert(saved({"a": torch.zeros(1)}, "bad.pth"), tmp_path / "out.safetensors")
    with pytest.raises(OptionError, match=r"must end in \.safetensors"):
        convert(saved({}, "bad.pth"), tmp_path / "out.pth")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pth"]


class Trap:
    """A pickle that would create a file when opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def refused(path, message):
    with pytest.raises(CheckpointError, match=message) as caught:
        load_checkpoint(path)
    assert path.name in str(caught.value)
    assert "weights_only" not in str(caught.value)  # torch's advice on how to switch its protection off


def test_an_empty_file(tmp_path):
    (tmp_path / "m.pth").touch()
    refused(tmp_path / "m.pth", "empty")


def test_a_missing_file(tmp_path):
    refused(tmp_path / "m.pth", "cannot be read")


@pytest.mark.parametrize("part", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("extension", ["pth", "safetensors"])
def test_a_truncated_file(state, saved, tmp_path, part, extension):
    path = saved(state)
    if extension == "safetensors":
        path = tmp_path / "m.safetensors"
        save_file(state, path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    refused(path, "damaged|cut short|neither")


@pytest.mark.parametrize("legacy", [True, False])
def test_a_pickle_with_code_in_it_is_refused_and_not_run(state, saved, tmp_path, legacy):
    mark = tmp_path / "ran"
    path = saved({**state, "trap": Trap(mark)}, "m.pth", _use_new_zipfile_serialization=not legacy)
    refused(path, "nothing of it was run")
    assert not mark.exists()


def test_a_bare_pickle_is_not_opened(tmp_path):
    mark = tmp_path / "ran"
    (tmp_path / "m.pth").write_bytes(pickle.dumps(Trap(mark)))
    refused(tmp_path / "m.pth", "bare pickle")
    assert not mark.exists()


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "m.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", bytes(1 << 28))
    assert path.stat().st_size < 1 << 20
    refused(path, "would unpack to 268,435,4")


def test_a_tensor_that_claims_more_than_it_stores(state, saved):
    huge = {**state, "generator.style.1.weight": torch.zeros(1).expand(1 << 20, 1 << 20)}
    refused(saved(huge), "stores less")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer"),
        (b"\x08\x06\x12\x07pytorch\x1a\x051.9.0:", "damaged"),
        (b"\xef\xbb\xbf\n<HTML>", "web page"),
        ("<html>".encode("utf-16"), "web page"),
        (b'{"error": "rate limited"}', "JSON text"),
        (b'{"metadata": {}, "weight_map": {}}', "index of a model in several files"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "a picture"),
        (b"\x1f\x8b\x08" + bytes(64), "packed archive"),
        (b"GGUF\3\0\0\0" + bytes(64), "a GGUF file"),
        (bytes(1000), "zeros only"),
        (b"weights", "neither"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
    ],
)
def test_other_files_under_a_checkpoints_name(tmp_path, content, message):
    (tmp_path / "m.pth").write_bytes(content)
    refused(tmp_path / "m.pth", message)


@pytest.mark.parametrize("name", ["model-00002-of-00003.safetensors", "gpen_2of3.pth", "GPEN part 2 of 3.pth"])
def test_one_of_several_files_of_a_split_model_is_called_that(state, saved, tmp_path, name):
    some = dict(list(state.items())[:7])
    for weights in (some, {"model.layers.0.weight": torch.zeros(2)}):
        save_file(weights, tmp_path / name)
        refused(tmp_path / name, r"file 2 of 3 that a model was split into.* one file")
    save_file(state, tmp_path / name)
    load_checkpoint(tmp_path / name)  # whole, whatever it is called


@pytest.mark.parametrize("name", ["model-00001-of-00001.safetensors", "best-3-of-2.safetensors", "of-9.safetensors"])
def test_names_that_only_look_like_those_of_parts_change_no_message(state, tmp_path, name):
    save_file(dict(list(state.items())[:7]), tmp_path / name)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tmp_path / name)
    assert "split into" not in str(caught.value)


def test_a_plain_zip_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.pth", "w") as archive:
        archive.writestr("GPEN-BFR-512.pth", b"x")
    refused(tmp_path / "m.pth", "without a checkpoint in it")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"quantize.embedding.weight": torch.zeros(1)}, "CodeFormer"),
        ({"params_ema": {"stylegan_decoder.constant_input.weight": torch.zeros(1)}}, "GFPGAN"),
        ({"vqvae.quantize.embedding.weight": torch.zeros(1)}, "RestoreFormer"),
        ({"style.1.weight": torch.zeros(1), "conv1.conv.weight": torch.zeros(1)}, "without GPEN's encoder"),
        ({"d": {"convs.0.0.weight": torch.zeros(1)}}, "only a discriminator"),
        ({"anything": torch.zeros(1)}, "first key: 'anything'"),
        ({}, "empty"),
        ({"a" * 999: torch.zeros(1)}, "This is not a GPEN generator"),
        ({"a" * 9999: torch.zeros(1)}, "a key in its table of contents has more than 1,024 characters"),
        ([torch.zeros(1)], "holds a list"),
        ((3, "x"), "holds a tuple"),
        (torch.zeros(3), "holds a tensor"),
    ],
)
def test_other_networks_are_called_by_their_names(saved, content, message):
    refused(saved(content), message)


def test_a_discriminator_is_called_one(saved):
    refused(saved(Discriminator(DiscriminatorConfig(16, (4, 4, 4))).state_dict()), "discriminator")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers(state, saved, value):
    state["generator.convs.1.conv.weight"][0, 1, 2, 1, 1] = value
    refused(saved(state), r"'generator\.convs\.1\.conv\.weight' holds NaN or infinite")


def test_integer_weights(state, saved):
    state["final_linear.0.bias"] = torch.zeros(8, dtype=torch.int64)
    refused(saved(state), "int64")


@pytest.mark.parametrize("key", [3, ("a",), None, b"x"])
def test_keys_that_are_no_names(state, saved, key):
    refused(saved({**state, key: torch.zeros(1)}), "not a name")
    refused(saved({key: torch.zeros(1)}), "not a name")


def test_claims_of_endless_layers_cost_nothing(state, saved):
    for index in (100_000, 3_000_000):
        refused(saved({**state, f"generator.style.{index}.weight": torch.zeros(8, 8)}), "mapping layers")
    refused(saved({**state, "ecd" + "9" * 900 + ".0.0.weight": torch.zeros(1)}), "unknown")
    refused(saved({**state, "ecd" + "9" * 5000 + ".0.0.weight": torch.zeros(1)}), "1,024 characters")
    refused(saved({**state, "ecd99.0.0.weight": torch.zeros(1)}), "no usable")


def test_tensors_that_hold_nothing_or_lie_nowhere(state, saved):
    refused(saved({**state, "final_linear.0.bias": torch.zeros(1, 1 << 40, 0)}), "is empty")
    refused(saved({**state, "final_linear.0.bias": torch.zeros(8, device="meta")}), "on meta")
    refused(saved({**state, "final_linear.0.bias": torch.eye(8).to_sparse()}), "sparse")
    nested = torch.nested.nested_tensor([torch.zeros(3), torch.zeros(5)])
    refused(saved({**state, "final_linear.0.bias": nested}), "dense floating-point|something other|damaged")


def test_weights_that_do_not_fit_float16(state, saved, tmp_path):
    state["generator.conv1.conv.weight"][0, 0, 0, 0, 0] = 1e6
    path = saved(state)
    load_checkpoint(path, dtype=torch.bfloat16)
    with pytest.raises(CheckpointError, match="try bfloat16"):
        load_checkpoint(path, dtype=torch.float16)
    with pytest.raises(CheckpointError, match="try bfloat16"):
        convert(path, tmp_path / "half.safetensors", dtype=torch.float16)
    assert not (tmp_path / "half.safetensors").exists()


def test_one_missing_key_and_one_wrong_shape(state, saved):
    missing = {key: value for key, value in state.items() if key != "generator.to_rgbs.0.bias"}
    refused(saved(missing), r"no 'generator\.to_rgbs\.0\.bias'")
    state["generator.convs.2.conv.weight"] = torch.zeros(1, 5, 8, 3, 3)
    refused(saved(state), r"'generator\.convs\.2\.conv\.weight' is \[1, 5, 8, 3, 3\], not \[1, 4, 8, 3, 3\]")


def half(path):
    path.write_bytes(path.read_bytes()[:3000])
    return path


@pytest.mark.parametrize(
    "break_it",
    [
        half,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"<!DOCTYPE html><html>" + b"x" * 900),
        lambda path: torch.save({"weight": torch.zeros(3)}, path),
        lambda path: torch.save({"ecd0.0.0.weight" + "x" * 400: torch.zeros(3)}, path),
    ],
)
@pytest.mark.parametrize("name", ["GPEN-BFR-512.pth", "gpen_bfr_512.PTH"])
def test_a_published_file_that_cannot_be_used_is_named_with_its_address(state, saved, name, break_it):
    path = saved(state, name)
    break_it(path)
    for read in (load_checkpoint, describe):
        with pytest.raises(CheckpointError, match=r"The published file is at https://\S+/GPEN-BFR-512\.pth$") as caught:
            read(path)
        assert len(str(caught.value)) <= 300 and str(caught.value).count("https://") == 1


def test_a_file_that_nobody_publishes_has_no_address(state, saved):
    with pytest.raises(CheckpointError, match="damaged or cut short") as caught:
        load_checkpoint(half(saved(state, "mine.pth")))
    assert "https://" not in str(caught.value)
