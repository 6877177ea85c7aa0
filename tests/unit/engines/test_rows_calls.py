"""Calls of the fast path: what they see, what they leave, who may make them."""

import copy
import gc
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from engines_harness.fast import BLOCKINGS, CONFIGS, equal, fast_forward, network, pictures

from gpen_core.checkpoints.load import GpenModel
from gpen_core.engines import RowsEngine
from gpen_core.engines.rows import FastGpen
from gpen_core.errors import ImageError
from gpen_core.model import GpenConfig
from gpen_core.tasks import TASKS


def test_the_pictures_and_the_weights_stay_as_they_were():
    config = CONFIGS["restores"]
    made, given_pictures = network(config), pictures(config)
    before = {key: value.clone() for key, value in made.state_dict().items()}, given_pictures.clone()
    for blocking in BLOCKINGS.values():
        fast_forward(made, given_pictures, blocking=blocking)
    assert torch.equal(given_pictures, before[1])
    assert all(torch.equal(value, before[0][key]) for key, value in made.state_dict().items())


def test_weights_that_change_are_seen():
    config = CONFIGS["restores"]
    made, given_pictures = network(config), pictures(config)
    fast = FastGpen(made)
    fast(given_pictures)
    first = fast._prepared
    fast(given_pictures)
    assert fast._prepared is first
    made.generator.convs[1].conv.weight.mul_(1.5)
    made.ecd1[0][1].weight.add_(0.1)
    equal(fast(given_pictures), made(given_pictures))
    made.generator.convs[0].conv.blur.kernel.mul_(1.1)  # a buffer
    equal(fast(given_pictures), made(given_pictures))
    made.load_state_dict(network(config, seed=5).state_dict(), assign=True)
    equal(fast(given_pictures), made(given_pictures))
    made.ecd1[0][1].weight.data.add_(0.5)  # which PyTorch tells nobody of
    fast.forget()
    equal(fast(given_pictures), made(given_pictures))


def test_a_network_made_in_inference_mode_runs_in_and_outside_of_it():
    """As in ComfyUI, whose nodes run there."""
    config = CONFIGS["restores"]
    with torch.inference_mode():
        made = network(config)
        fast = FastGpen(made)
        expected = made(pictures(config))
        equal(fast(pictures(config)), expected)
        equal(fast(pictures(config)), expected)
    equal(fast(pictures(config)), expected)


def test_a_call_leaves_the_module_as_it_was_and_copies_take_nothing_along():
    config = CONFIGS["restores"]
    made = network(config)
    model = GpenModel(config, made, TASKS["restoration"], "tiny")
    before = {key: (value.data_ptr(), value.stride()) for key, value in made.state_dict().items()}
    small = len(pickle.dumps(model))
    crops = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    expected = model(crops)
    assert {key: (value.data_ptr(), value.stride()) for key, value in made.state_dict().items()} == before
    assert len(pickle.dumps(model)) < small + 1000
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(crops), expected)
        assert other.module is not made and other._network.network is other.module


@pytest.mark.parametrize("shape", [(1, 3, 128, 64), (1, 3, 64, 128), (1, 3, 32, 32), (1, 4, 64, 64), (3, 64, 64)])
def test_pictures_of_another_size_are_refused_not_cut(shape):
    config = CONFIGS["restores"]
    model = GpenModel(config, network(config), TASKS["restoration"], "tiny")
    for forward, error in ((model, ImageError), (model._network, ValueError)):
        with pytest.raises(error, match=r"must be \[N, 3, 64, 64\], not \["):
            forward(torch.rand(shape))


def test_threads_share_one_model():
    config = CONFIGS["restores"]
    fast, given_pictures = FastGpen(network(config)), pictures(config)
    expected = fast.network(given_pictures)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: fast(given_pictures), range(8)):
            equal(found, expected)


def test_nothing_of_a_run_is_held_when_it_is_over():
    """Maps in a reference cycle would stay until the garbage collector comes by: 160 MB a face at 2048 px."""
    config = CONFIGS["restores"]
    made, given_pictures = network(config), pictures(config)
    gc.collect()
    gc.disable()
    try:
        before = sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects())
        for blocking in BLOCKINGS.values():
            fast_forward(made, given_pictures, blocking=blocking)
        assert sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects()) == before
    finally:
        gc.enable()


def test_only_the_published_family_runs_by_rows_and_only_on_a_cpu():
    def runs(config, device="cpu"):
        return RowsEngine().can_run(config, torch.device(device), torch.float32)

    assert runs(CONFIGS["adds"]) and not runs(CONFIGS["adds"], "cuda")
    assert not runs(GpenConfig.resnet(32, channels=(4, 4, 4), encoder_width=4, style_dim=8))


def test_a_model_restores_by_the_fast_path_what_the_plain_one_makes():
    config = CONFIGS["restores"]
    made = network(config)
    crops = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    before = crops.clone()
    restored = GpenModel(config, made, TASKS["restoration"], "tiny")(crops)
    torch.testing.assert_close(restored, (made(crops * 2 - 1) / 2 + 0.5).clamp(0, 1), rtol=0, atol=1e-5)
    assert torch.equal(crops, before)
