"""Whatever holds exactly one whole generator is one: nested, under longer names, with other things beside it."""

import argparse
from collections import defaultdict

import pytest
import torch
from safetensors.torch import save_file

from gpen_core import load_checkpoint
from gpen_core.checkpoints.convert import convert
from gpen_core.errors import CheckpointError, OptionError
from gpen_core.model import Discriminator, DiscriminatorConfig


def under(prefix, state):
    return {f"{prefix}{key}": value for key, value in state.items()}


def inside(state, name):
    """What torch puts into names where parts of a network are wrapped by themselves."""
    return {key.replace(".", f".{name}.", 1): value for key, value in state.items()}


def raw(state):
    return {key: value + 1 for key, value in state.items()}


def discriminator():
    return Discriminator(DiscriminatorConfig(16, (4, 4, 4))).state_dict()


def optimizer(state):
    return {
        "state": {0: {"step": torch.tensor(3.0), "exp_avg": state["final_linear.0.weight"] * 0}},
        "param_groups": [{"lr": 0.1}],
    }


ONE = {
    "g_ema. in the names": lambda s: under("g_ema.", s),
    "params_ema. in the names": lambda s: under("params_ema.", s),
    "netG. in the names": lambda s: under("netG.", s),
    "module. in the names": lambda s: under("module.", s),
    "prefixes upon prefixes": lambda s: under("state_dict.netG.module._orig_mod.", s),
    "a wrapper called generator": lambda s: under("generator.", s),
    "a table called generator": lambda s: {"generator": s},
    "a table of another name": lambda s: {"weights of Tuesday": s},
    "tables in tables": lambda s: {"a": {"b": {"c": {"module": under("module.", s)}}}},
    "both at once": lambda s: {"model": {"g_ema": under("module.", s)}},
    "both networks in the names": lambda s: under("netG.", s) | under("netD.", discriminator()),
    "the average in the names": lambda s: under("g_ema.", s) | under("g.", raw(s)) | under("d.", discriminator()),
    "the average in the names, before the module": lambda s: under("module.g_ema.", s) | under("module.g.", raw(s)),
    "the average under any name": lambda s: {"netG_ema": s, "netG": raw(s)},
    "the average in two tables": lambda s: {"state_dict_ema": under("module.", s), "state_dict": under("module.", raw(s))},
    "a counter beside it": lambda s: {**s, "n_averaged": torch.tensor(7), "step": torch.tensor([3.0])},
    "a counter and the module": lambda s: {**under("module.", s), "n_averaged": torch.tensor(7)},
    "numbers and texts beside it": lambda s: {**s, "epoch": 3, "loss": 0.5, "name": "x", "nothing": None, "list": [1, "a"]},
    "an optimizer beside it": lambda s: {**s, "optimizer": optimizer(s)},
    "an optimizer in the names": lambda s: {**s, "optimizer.0.exp_avg": torch.zeros(4, 4)},
    "a discriminator beside it": lambda s: {**s, "d": discriminator()},
    "a discriminator beside it, in the names": lambda s: {**s, **under("d.", discriminator())},
    "arguments beside it": lambda s: {**s, "args": argparse.Namespace(size=16)},
    "twice the same": lambda s: {"g": s, "best": s},
    "twice the same numbers": lambda s: {"g": s, "best": {key: value.clone() for key, value in s.items()}},
    "in a list": lambda s: [s],
    "behind a number": lambda s: (3, s),
    "a list of networks": lambda s: {"models": [{"a": 1}, s]},
    "lists in tables in lists": lambda s: {"a": [{"b": (under("module.", s),)}]},
    "a number for a name": lambda s: {0: {"x": 1}, 1: {"g": s}},
    "the average before the name": lambda s: {"ema_g": s, "g": raw(s)},
    "the average in capitals": lambda s: {"G": raw(s), "G_EMA": s, "D": discriminator()},
    "the average of what is beside it": lambda s: {"model": raw(s), "ema": s},
    "the average of what is beside it, in a trainer's names": lambda s: {
        "state_dict": under("generator.", raw(s)) | under("ema.module.", s) | under("discriminator.", discriminator()),
        "optimizer_states": [optimizer(s)], "global_step": 9,
    },
    "an optimizer's moments by name": lambda s: {**s, **under("exp_avg.", {key: value * 0 for key, value in s.items()})},
    "an optimizer's tables by name": lambda s: {"g": s, "g_optim": {"exp_avg": raw(s), "exp_avg_sq": raw(s)}},
    "gradients beside it": lambda s: {"model": s, "grads": raw(s)},
    "the average of a trainer's callback": lambda s: {
        "state_dict": under("net_g.", raw(s)), "callbacks": {"EMA": {"ema_weights": s, "decay": 0.999}}, "loops": {"a": 1},
    },
    "once more in half precision": lambda s: {"fp16": {key: value.half() for key, value in s.items()}, "fp32": s},
    "an average that follows it online": lambda s: under("online_model.", raw(s)) | under("ema_model.", s),
    "both in a table called ema": lambda s: {"ema": under("online_model.", raw(s)) | under("ema_model.", s)},
    "Lightning's average, and the model as it is trained": lambda s: {
        "state_dict": under("net_g.", s), "current_model_state": under("net_g.", raw(s)), "averaging_state": {"n": 3},
    },
    "the average after a hyphen": lambda s: {"params": raw(s), "params-ema": s},
    "the average in another word": lambda s: {"G": raw(s), "G_avg": s},
    "the average of stochastic weight averaging": lambda s: {"model": raw(s), "swa_model": s},
    "the average within a word": lambda s: {"netG": raw(s), "netGEMA": s},
    "the average in a hump": lambda s: {"g": raw(s), "gEma": s},
    "shadows": lambda s: {"model": raw(s), "shadow": s},
    "compiled in parts": lambda s: inside(s, "_orig_mod"),
    "spread over GPUs in parts": lambda s: inside(s, "module"),
    "spread by FSDP in parts, within a wrapper": lambda s: under("netG.", inside(s, "_fsdp_wrapped_module")),
    "recomputed in parts": lambda s: inside(s, "_checkpoint_wrapped_module"),
    "compiled, spread and averaged": lambda s: {**under("module.module._orig_mod.", s), "n_averaged": torch.tensor(7)},
    "a table with defaults": lambda s: {"nets": defaultdict(dict, g=s), "range": range(3), "lists": defaultdict(list)},
    "a table's items": lambda s: list(s.items()),
    "a broken one beside it": lambda s: {"best": s, "last": dict(list(raw(s).items())[:-3])},
    "a broken average": lambda s: {"g": s, "g_ema": dict(list(raw(s).items())[:-3])},
}  # fmt: skip


@pytest.mark.parametrize("kind", ONE)
def test_one_whole_generator_is_found(state, saved, kind):
    loaded = load_checkpoint(saved(ONE[kind](state)))
    found = loaded.module.state_dict()
    assert found.keys() == state.keys() and all(torch.equal(found[key], state[key]) for key in state)


@pytest.mark.parametrize("kind", [kind for kind in ONE if "in the names" in kind or "prefixes" in kind])
def test_names_in_safetensors_are_looked_through_too(state, tmp_path, kind):
    content = {key: value.clone() for key, value in ONE[kind](state).items()}
    save_file(content, tmp_path / "m.safetensors")
    assert torch.equal(
        load_checkpoint(tmp_path / "m.safetensors").module.state_dict()["ecd0.0.0.weight"], state["ecd0.0.0.weight"]
    )


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (lambda s: {"fast": s, "good": raw(s)}, "'fast', 'good'"),
        (lambda s: under("netG.", s) | under("netF.", raw(s)), "'netF', 'netG'"),
        (lambda s: {**s, "models": {"b": raw(s)}}, r"'\.', 'models\.b'"),
        (lambda s: {"g_ema": s, "params": raw(s)}, "'g_ema', 'params'"),
        (lambda s: {"nets": [s, raw(s)]}, r"'nets\.0', 'nets\.1'"),
        (lambda s: {"a": s, "b": raw(s), "ema": raw(raw(s))}, "'a', 'b', 'ema'"),
        (lambda s: {"a_ema": s, "b_ema": raw(s), "a": raw(raw(s))}, "'a_ema', 'b_ema'"),
        (
            lambda s: {str(number): {k: v + number for k, v in s.items()} for number in range(9)},
            "'0', '1', '2' and 6 more",
        ),
    ],
)
def test_two_different_ones_are_named_and_can_be_chosen(state, saved, tmp_path, content, names):
    path = saved(content(state))
    with pytest.raises(CheckpointError, match=names) as caught:
        load_checkpoint(path)
    assert "--part" in str(caught.value) and len(str(caught.value)) <= 300


@pytest.mark.parametrize(
    "content",
    [
        lambda s: {f"{number}.ecd0.0.weight": torch.zeros(1) for number in range(65)},
        lambda s: [{"ecd0.0.weight": torch.zeros(1)} for _ in range(65)],
        lambda s: s | {f"{number}.final_conv.0.weight": torch.zeros(2) for number in range(65)},
    ],
)
def test_more_networks_than_anybody_saves_in_one_file_are_not_compared(state, saved, content):
    with pytest.raises(CheckpointError, match="holds more than 64 networks"):
        load_checkpoint(saved(content(state)))


def test_a_part_is_loaded_and_converted(state, saved, tmp_path):
    path = saved({"fast": under("module.", state), "good": under("module.", raw(state))})
    assert torch.equal(
        load_checkpoint(path, part="good.module").module.state_dict()["final_linear.0.bias"],
        state["final_linear.0.bias"] + 1,
    )
    convert(path, tmp_path / "fast.safetensors", part="fast.module")
    assert torch.equal(
        load_checkpoint(tmp_path / "fast.safetensors").module.state_dict()["final_linear.0.bias"],
        state["final_linear.0.bias"],
    )
    with pytest.raises(OptionError, match=r"no GPEN generator 'bad' in it\. There is 'fast\.module', 'good\.module'"):
        load_checkpoint(path, part="bad")


def test_weights_of_another_layer_beside_the_generator_are_not_overlooked(state, saved):
    with pytest.raises(CheckpointError, match=r"unknown 'attention\.weight'"):
        load_checkpoint(saved({**state, "attention.weight": torch.zeros(4, 4)}))


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: under("netG.", s), lambda s: {"a": {"b": s}}])
def test_an_incomplete_one_is_named_by_what_it_lacks(state, saved, wrap):
    del state["generator.input.input"]
    with pytest.raises(CheckpointError, match=r"no 'generator\.input\.input'"):
        load_checkpoint(saved(wrap(state)))


def test_messages_hold_no_control_characters_of_the_file(state, saved):
    for content in (
        {"\x1b[31m\n" * 99: torch.zeros(1)},
        {**state, "ecd0.\x1b]0;x\x07\n.bias": torch.zeros(2)},
        {"a\nb": state, "c\rd": raw(state)},
    ):
        with pytest.raises(CheckpointError) as caught:
            load_checkpoint(saved(content))
        assert str(caught.value).isprintable() and len(str(caught.value)) <= 300


def test_weights_that_share_one_storage_do_not_multiply_it(state, saved):
    ones = torch.zeros(200, 1 << 12)
    wide = {f"generator.style.{layer}.weight": ones for layer in range(1, 60)}
    with pytest.raises(CheckpointError, match="they share them"):
        load_checkpoint(saved({**state, **wide}))
