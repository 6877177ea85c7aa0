"""A file describes itself."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpen_core.checkpoints.infer import check_state, infer_config
from gpen_core.errors import CheckpointError
from gpen_core.model import Gpen, GpenConfig


@st.composite
def configs(draw):
    levels = draw(st.integers(2, 10))
    return GpenConfig(
        input_size=4 << draw(st.integers(1, levels - 1)),
        output_size=4 << (levels - 1),
        channels=tuple(draw(st.lists(st.integers(1, 600), min_size=levels, max_size=levels))),
        style_dim=draw(st.integers(1, 700)),
        mapping_layers=draw(st.integers(0, 12)),
        concatenate=draw(st.booleans()),
    )


def state_of(config):
    with torch.device("meta"):
        return Gpen(config).state_dict()


@settings(max_examples=60)
@given(configs())
def test_the_configuration_is_read_off_the_state_dict(config):
    state = state_of(config)
    assert infer_config(state) == config
    check_state(state, config)


CONFIG = GpenConfig(32, 64, (6, 5, 4, 3, 2), style_dim=7, mapping_layers=3)


@pytest.mark.parametrize("key", sorted(state_of(CONFIG)))
def test_each_missing_key_is_named(key):
    state = dict(state_of(CONFIG))
    del state[key]
    with pytest.raises(CheckpointError, match=key.replace(".", r"\.")):
        check_state(state, infer_config(state))


@pytest.mark.parametrize("key", sorted(state_of(CONFIG)))
def test_each_wrong_shape_is_named(key):
    state = dict(state_of(CONFIG))
    state[key] = torch.empty([side + 1 for side in state[key].shape], device="meta")
    with pytest.raises(CheckpointError, match=rf"'{key}' is \[".replace(".", r"\.")):
        check_state(state, infer_config(state))


def test_an_unknown_key_is_named():
    state = {**state_of(CONFIG), "generator.extra": torch.empty(1)}
    with pytest.raises(CheckpointError, match=r"unknown 'generator\.extra'"):
        check_state(state, CONFIG)


@pytest.mark.parametrize("keep", ["generator.style", "ecd0", "generator.to_rgbs", "final_linear"])
def test_too_little_to_tell_is_an_error_not_a_guess(keep):
    state = {key: value for key, value in state_of(CONFIG).items() if key.startswith(keep)}
    with pytest.raises(CheckpointError):
        infer_config(state)
