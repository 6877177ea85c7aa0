"""Networks without memory, and what loading brings in, keeps and holds."""

import subprocess
import sys
import weakref

import pytest
import torch
from safetensors.torch import save_file

from gpen_core import Gpen, GpenConfig, load_checkpoint
from gpen_core.checkpoints.load import take_over
from gpen_core.checkpoints.shapes import shapes_only
from gpen_core.model import DiscriminatorConfig, build_discriminator

NETWORKS = {
    "published": lambda: Gpen(GpenConfig.published(32, narrow=1 / 64)),
    "upscaling, added, another mapping": lambda: Gpen(
        GpenConfig.published(32, output_size=64, narrow=1 / 64, mapping_layers=3, concatenate=False)
    ),
    "StyleGAN2 discriminator": lambda: build_discriminator(DiscriminatorConfig(32, (4, 4, 4, 4))),
    "PatchGAN": lambda: build_discriminator(DiscriminatorConfig(64, (4, 8), "patch", 32)),
    "ResNet": lambda: Gpen(GpenConfig.resnet(64, narrow=1 / 64, encoder_width=4)),
}


def shapes(network):
    return {key: (tuple(value.shape), value.dtype) for key, value in network.state_dict().items()}


@pytest.mark.parametrize("kind", NETWORKS)
def test_shapes_names_and_types_are_those_of_the_real_network(kind):
    with shapes_only():
        empty = NETWORKS[kind]()
    assert shapes(empty) == shapes(NETWORKS[kind]())


@pytest.mark.parametrize("kind", NETWORKS)
def test_no_weight_has_memory_and_constants_have_their_values(kind):
    with shapes_only():
        empty = NETWORKS[kind]()
    real = dict(NETWORKS[kind]().named_buffers())
    assert all(value.is_meta for value in empty.parameters())
    for name, value in empty.named_buffers():
        if not value.is_meta:
            assert value.numel() <= 16
            torch.testing.assert_close(value, real[name], atol=0, rtol=0)


def test_whatever_is_built_afterwards_is_real_again():
    with shapes_only(), pytest.raises(RuntimeError, match="on purpose"):
        raise RuntimeError("on purpose")
    made = torch.randn(64)
    assert made.device.type == "cpu" and made.std() > 0.5


def test_networks_far_larger_than_any_memory_cost_nothing():
    with shapes_only():
        network = Gpen(GpenConfig(32, 32, (1 << 18,) * 4, style_dim=8, mapping_layers=1))
    assert sum(value.numel() for value in network.parameters()) > 1 << 40


def test_loading_brings_in_neither_torchs_compiler_nor_sympy(state, saved, tmp_path, repo_root):
    """They take a second, and more than everything else together."""
    discriminators = {"d": NETWORKS["StyleGAN2 discriminator"]().state_dict()}
    save_file(state, tmp_path / "generator.safetensors")
    code = f"""
import sys
sys.path.insert(0, {str(repo_root)!r})
from gpen_core.checkpoints.discriminators import load_discriminator
from gpen_core.checkpoints.load import load_checkpoint
before = set(sys.modules)
load_checkpoint({str(saved(state, "generator.pth"))!r})
load_checkpoint({str(tmp_path / "generator.safetensors")!r})
load_discriminator({str(saved(discriminators, "training.pth"))!r})
new = {{name.split(".")[0] + "." + name.split(".")[1] if "." in name else name for name in set(sys.modules) - before}}
print(*sorted(new & {{"sympy", "torch._dynamo", "torch._decomp", "torch._inductor", "torch.fx"}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("layout", ["pth", "old pth", "safetensors"])
def test_a_loaded_model_owns_its_weights(state, saved, tmp_path, layout):
    path = tmp_path / "m.safetensors"
    if layout == "safetensors":
        save_file(state, path)
    else:
        path = saved(state, "m.pth", _use_new_zipfile_serialization=layout == "pth")
    model = load_checkpoint(path)
    with path.open("r+b") as file:  # in place: a mapping of this file would now show nothing but zeros
        file.write(bytes(path.stat().st_size))
    found = model.module.state_dict()
    for key, value in state.items():
        torch.testing.assert_close(found[key], value, atol=0, rtol=0)


class Watched(dict):
    """Counts, at each weight that is put back, how many of those that were there first are still held."""

    def __init__(self, weights):
        super().__init__(weights)
        self.first = [weakref.ref(value) for value in weights.values()]
        self.held = []

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        self.held.append(sum(reference() is not None for reference in self.first))


def test_weights_are_taken_over_one_by_one_and_never_held_twice():
    weights = Watched({str(index): torch.full((3,), float(index)) for index in range(5)})
    take_over(weights, torch.float16)
    assert weights.held == [4, 3, 2, 1, 0]
    assert [value.tolist() for value in weights.values()] == [[float(index)] * 3 for index in range(5)]
    assert {value.dtype for value in weights.values()} == {torch.float16}
