"""Files that hold only what differs from another one."""

import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from gpen_core import load_checkpoint
from gpen_core.checkpoints import completing
from gpen_core.checkpoints.completing import REST_KEY, differing, rest_text
from gpen_core.checkpoints.convert import convert, describe
from gpen_core.checkpoints.save import save_generator, write_generator
from gpen_core.cli import main
from gpen_core.errors import CheckpointError
from gpen_core.model import Gpen, GpenConfig

CONFIG = GpenConfig(16, 16, (8, 8, 8), style_dim=8, mapping_layers=1)


@pytest.fixture
def whole(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "whole.safetensors"
    save_generator(Gpen(CONFIG), path)
    return path


@pytest.fixture
def changed(whole):
    """The whole one's tensors, with other ones in the generator."""
    tensors = load_file(whole)
    return {key: value + 1 if key.startswith("generator.") else value for key, value in tensors.items()}


@pytest.fixture
def variant(whole, changed, tmp_path):
    path = tmp_path / "variant.safetensors"
    metadata = {REST_KEY: rest_text(whole)}
    write_generator(CONFIG, differing(changed, whole), path, task="restoration-ffhq", dtype=None, metadata=metadata)
    return path


def test_it_is_a_model_like_any_other_and_takes_the_room_of_what_differs(variant, whole, changed):
    loaded = load_checkpoint(variant)
    assert loaded.config == CONFIG and loaded.task.name == "restoration-ffhq"
    state = loaded.module.state_dict()
    assert all(torch.equal(state[key], value) for key, value in changed.items())
    assert all(key.startswith("generator.") for key in load_file(variant))
    assert variant.stat().st_size < whole.stat().st_size


def test_it_converts_to_a_file_that_needs_no_other(variant, whole, changed, tmp_path):
    alone = tmp_path / "elsewhere" / "alone.safetensors"
    alone.parent.mkdir()
    convert(variant, alone)
    whole.unlink()
    state = load_checkpoint(alone).module.state_dict()
    assert all(torch.equal(state[key], value) for key, value in changed.items())
    assert describe(alone).parameters == sum(parameter.numel() for parameter in Gpen(CONFIG).parameters())


def test_without_the_other_file_it_says_which(variant, whole):
    whole.unlink()
    with pytest.raises(CheckpointError, match=r"variant\.safetensors holds only what differs from whole\.safetensors"):
        load_checkpoint(variant)


def test_beside_another_file_of_that_name_it_says_so(variant, whole):
    torch.manual_seed(1)
    save_generator(Gpen(CONFIG), whole)
    with pytest.raises(CheckpointError, match=r"another whole\.safetensors than the one beside it"):
        load_checkpoint(variant)


ELSEWHERE = ("", ".", "..", "../whole.safetensors", "a/b", "a\\b", "/etc/passwd", "odd.safetensors")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "3", '{"file": "whole.safetensors"}', "[" * 5000, "{" + " " * 5000),
        *('{"file": 3, "bytes": 1, "sha256": ""}', '{"file": "a", "bytes": true, "sha256": ""}'),
        *(json.dumps({"file": name, "bytes": 1, "sha256": ""}) for name in ELSEWHERE),
    ],
)
def test_no_other_folder_and_no_nonsense(whole, tmp_path, text):
    path = tmp_path / "odd.safetensors"
    save_file(load_file(whole), path, {REST_KEY: text})
    with pytest.raises(CheckpointError, match="malformed") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 300


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "a\nb", "pipe", "folder"])
def test_what_cannot_be_a_file_there_is_an_error_in_one_line(whole, tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    path = tmp_path / "odd.safetensors"
    save_file(load_file(whole), path, {REST_KEY: json.dumps({"file": name, "bytes": 1, "sha256": ""})})
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value) and "\0" not in str(caught.value) and len(str(caught.value)) <= 300


def test_a_large_neighbor_is_not_read_through(variant, whole, monkeypatch):
    whole.write_bytes(whole.read_bytes() + b"\0")
    monkeypatch.setattr(completing, "file_sha256", lambda path: pytest.fail("its size tells"))
    with pytest.raises(CheckpointError, match="belongs to another"):
        load_checkpoint(variant)


def test_tensors_of_another_precision_differ(whole):
    state = {key: value.half() for key, value in load_file(whole).items()}
    assert differing(state, whole).keys() == state.keys()


def test_inspect_says_what_else_is_needed(variant, capsys):
    assert describe(variant).completed_by == "whole.safetensors"
    assert main(["inspect", str(variant)]) == 0
    assert "whole.safetensors beside it, which holds what this file lacks" in capsys.readouterr().out


def test_what_the_other_file_is_to_be_completed_by_is_not_followed(variant, whole, tmp_path):
    """No chain, and so no ring."""
    third = tmp_path / "third.safetensors"
    save_file({}, third, {REST_KEY: rest_text(variant)})
    with pytest.raises(CheckpointError):
        load_checkpoint(third)
