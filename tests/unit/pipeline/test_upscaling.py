"""Whole pictures enlarged by any network that spandrel knows, in tiles that fit a budget."""

from dataclasses import replace

import pytest
import torch

from gpen_core.cli import main
from gpen_core.errors import CheckpointError, MissingWeightsError, RestorationError
from gpen_core.imaging.files import load_picture
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.pipeline import Hooks
from gpen_core.pipeline.upscaling import load_upscaler

spandrel = pytest.importorskip("spandrel", reason="upscaling needs spandrel: pip install spandrel")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A small Real-ESRGAN (SRVGGNetCompact, ×2) with random weights, wrapped as its authors publish theirs."""
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("upscaler") / "compact_x2.pth"
    network = Compact(num_in_ch=3, num_out_ch=3, num_feat=12, num_conv=3, upscale=2)
    torch.save({"params_ema": network.state_dict()}, path)
    return path


@pytest.fixture(scope="module")
def upscaler(file):
    return load_upscaler(file)


def test_a_file_is_enlarged_by_its_own_scale(upscaler, astronaut):
    small = astronaut[:, 40:200, 150:330]
    large = upscaler(small)
    assert upscaler.scale == 2 and large.shape == (3, 320, 360) and large.min() >= 0 and large.max() <= 1
    torch.testing.assert_close(large, upscaler.network(small[None])[0], atol=1e-5, rtol=0)
    stored = (small * 255).round().byte()
    torch.testing.assert_close(upscaler(stored), large, atol=2e-2, rtol=0)


@pytest.mark.parametrize("mib", [1, 3, 1024])
def test_tiles_join_without_a_seam_and_are_as_many_as_the_budget_asks_for(file, astronaut, mib):
    tiled = load_upscaler(file, memory_mib=mib)
    sizes = []
    handle = tiled.network.model.register_forward_pre_hook(lambda _, inputs: sizes.append(tuple(inputs[0].shape[-2:])))
    picture = astronaut[:, :300, :257]
    result = tiled(picture)
    handle.remove()
    torch.testing.assert_close(result, tiled.network(picture[None])[0], atol=1e-5, rtol=0)
    tiles = sizes[1:]  # the first tells what a pixel takes
    assert (len(tiles) > 1) == (mib < 1024)
    if mib == 3:
        taken = max(
            2 * 24 * height * width * 4 for height, width in tiles
        )  # a layer of 12 channels, in and out, and as much
        assert taken <= max(mib << 20, 2 * 24 * 96 * 96 * 4)


def test_a_tile_that_does_not_fit_is_halved_and_in_the_end_named(file, astronaut):
    freed = []
    hooks = Hooks(free_memory=lambda: freed.append(1))
    upscaler = load_upscaler(file)
    upscaler(astronaut[:, :64, :64])
    limit = [200]

    def picky(_, inputs):
        if inputs[0].shape[-1] > limit[0]:
            raise torch.OutOfMemoryError("CUDA out of memory")

    handle = upscaler.network.model.register_forward_pre_hook(picky)
    result = upscaler(astronaut, hooks)
    assert freed and result.shape == (3, 1024, 1024)
    limit[0] = 8
    with pytest.raises(RestorationError, match=r"not enough memory to enlarge.*compact_x2"):
        upscaler(astronaut, hooks)
    handle.remove()


def test_a_run_can_be_canceled_between_tiles(file, astronaut):
    class Canceled(Exception):
        pass

    def poll():
        raise Canceled

    with pytest.raises(Canceled):
        load_upscaler(file)(astronaut, Hooks(poll=poll))


def under(prefix, state):
    return {f"{prefix}{key}": value for key, value in state.items()}


def raw(state):
    return {key: value + 1 for key, value in state.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: s,
        lambda s: {"state_dict": raw(s), "state_dict_ema": s, "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}}},
        lambda s: {"state_dict": under("net_g.", s) | under("net_d.", {"conv.weight": torch.ones(2)}), "epoch": 3},
        lambda s: {**under("module._orig_mod.", s), "n_averaged": torch.tensor(5)},
        lambda s: {"epoch": 3, "rng": torch.get_rng_state(), "models": [{"lr": 0.1}, s]},
        lambda s: {"last": s, "best": {key: value.clone() for key, value in s.items()}},
        lambda s: {"ema": under("online_model.", raw(s)) | under("ema_model.", s)},
    ],
)
def test_an_upscaler_is_found_in_whatever_wraps_it_its_average_first(file, tmp_path, wrap):
    state = torch.load(file, weights_only=True)["params_ema"]
    torch.save(wrap(state), tmp_path / "wrapped.pth")
    found = load_upscaler(tmp_path / "wrapped.pth").network.model.state_dict()
    assert all(torch.equal(found[key], state[key]) for key in state)


def test_two_different_upscalers_are_named(file, tmp_path):
    state = torch.load(file, weights_only=True)["params_ema"]
    torch.save({"fast": state, "good": raw(state)}, tmp_path / "two.pth")
    with pytest.raises(CheckpointError, match=r"two\.pth: holds 2 different networks: 'fast', 'good'\. Save the one"):
        load_upscaler(tmp_path / "two.pth")


def test_what_is_no_upscaler_is_named(tmp_path, checkpoint):
    with pytest.raises(MissingWeightsError, match="no such file"):
        load_upscaler(tmp_path / "none.pth")
    with pytest.raises(CheckpointError, match="no upscaling network that spandrel"):
        load_upscaler(checkpoint)
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(CheckpointError):
        load_upscaler(tmp_path / "text.pth")


def test_weights_that_are_no_numbers_are_named(file, astronaut):
    broken = load_upscaler(file)
    broken = replace(broken, network=broken.network)
    next(broken.network.model.parameters()).data.fill_(float("nan"))
    with pytest.raises(RestorationError, match="NaN"):
        broken(astronaut[:, :64, :64])


@pytest.mark.parametrize(("scale", "side"), [(None, 1024), (1.5, 768)])
def test_faces_are_pasted_into_the_enlarged_picture(file, checkpoint, portrait, astronaut, tmp_path, scale, side):
    target = tmp_path / "large.png"
    more = [] if scale is None else ["--scale", str(scale)]
    arguments = [portrait, "-o", target, "--model", checkpoint, "--upscaler", file, "--protect", "off", *more]
    assert main(["restore", *map(str, arguments)]) == 0
    found = load_picture(target).pixels
    background = resize_lanczos(load_upscaler(file)(astronaut), (side, side))
    assert found.shape == (3, side, side)
    torch.testing.assert_close(found[:, :60], background[:, :60], atol=1 / 255, rtol=0)
    face = (slice(None), slice(side * 64 // 512, side * 188 // 512), slice(side * 175 // 512, side * 272 // 512))
    assert (found[face] - background[face]).abs().mean() > 0.02


def test_two_backgrounds_are_one_too_many(file, checkpoint, portrait, tmp_path, capsys):
    arguments = [
        portrait,
        "-o",
        tmp_path / "o.png",
        "--model",
        checkpoint,
        "--upscaler",
        file,
        "--background",
        tmp_path,
    ]
    assert main(["restore", *map(str, arguments)]) != 0
    assert "choose one of them" in capsys.readouterr().err
