"""Configurations: what a file may say, and what a run could not be finished with."""

import math
from argparse import Namespace

import pytest

from gpen_core import load_checkpoint
from gpen_core.cli.train import _config
from gpen_core.errors import OptionError
from gpen_core.lab.degradation import RECIPES
from gpen_core.lab.training import config_text, preset_names, read_config
from gpen_core.lab.training.parts import PhaseConfig
from gpen_core.lab.training.schedule import place_of, rate_at, work_of
from gpen_core.model import DiscriminatorConfig, GpenConfig
from gpen_core.weights.find import bundled_file


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_configurations(name):
    config = read_config(config_text(name), name)
    assert config.steps > 0 and config.phases[-1].size == config.model.input_size


@pytest.mark.parametrize("name", ["bundled", "perceptual"])
def test_presets_of_the_bundled_models_are_of_their_network_and_hold_out_the_same_faces(name):
    config, bundled = (read_config(config_text(preset)) for preset in (name, "bundled"))
    assert load_checkpoint(bundled_file()).config == config.model
    assert (config.data.split_seed, config.data.held_out) == (bundled.data.split_seed, bundled.data.held_out)


def test_presets_are_the_recipes_they_are_named_after():
    """The figures that were published with GPEN, in the paper and in its code."""
    paper, released = (read_config(config_text(name)) for name in ("paper", "released"))
    rates = paper.optimizer
    assert rates.encoder / rates.decoder == pytest.approx(10) and rates.decoder / rates.discriminator == pytest.approx(
        10
    )
    assert (paper.adversarial.feature_matching, paper.losses[0].kind, paper.losses[0].weight) == (0.02, "l1", 1.0)
    assert [(loss.kind, loss.weight) for loss in released.losses] == [("smooth_l1", 1.0), ("identity", 1.0)]
    lazy = released.adversarial
    assert (lazy.r1, lazy.r1_every, lazy.path_length, lazy.path_every, lazy.path_shrink) == (10, 16, 2, 4, 2)
    assert released.optimizer.encoder == 0.002 and released.optimizer.betas == (0.0, 0.99)
    assert 0.5 ** (32 / (1000 * released.ema_half_life)) == pytest.approx(0.5 ** (32 / 10000))
    assert (paper.degradation, released.degradation) == (RECIPES["paper"], RECIPES["released"])


def test_shorthands_build_what_they_name(runs):
    text = runs.text("patch", changes={'kind = "patch"\nsmallest = 16': 'kind = "patch"\nsmallest = 16'})
    text += '[degradation]\nrecipe = "paper"\njpeg_quality = [30, 40]\n'
    config = read_config(text)
    assert config.degradation.jpeg_quality.high == 40 and config.degradation.downsample_size == 1024
    assert config.discriminator == DiscriminatorConfig(16, (4, 4), "patch", 16)
    short = read_config(
        '[model]\npublished = 64\nnarrow = 0.25\n[[losses]]\nkind = "l1"\n[[phases]]\nsize = 64\nsteps = 1\nbatch = 1'
    )
    assert short.model == GpenConfig.published(64, narrow=0.25)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 5", "sede = 5", r"configuration: unknown 'sede'\. Known: model, phases"),
        ("seed = 5", "seed = 5.5", r"configuration\.seed: int expected, not 5\.5"),
        ("seed = 5", "seed = true", r"configuration\.seed: int expected, not True"),
        ("seed = 5", "seed = -1", r"seed is a number of at least 0, not -1"),
        ("seed = 5", "seed =", r"not valid TOML"),
        ('stage = "restore"', 'stage = "prio"', r"stage is one of prior, restore, not 'prio'"),
        ("channels = [8, 8, 8]", 'channels = "many"', r"configuration\.model\.channels: a list was expected"),
        ("channels = [8, 8, 8]", 'channels = [8, "8", 8]', r"configuration\.model\.channels\[1\]: int expected"),
        ("channels = [8, 8, 8]", "channels = [8, 8]", r"configuration\.model: 2 channel counts given, 3 needed"),
        ("input_size = 16", "published = 16", r"configuration\.model: .*unexpected keyword argument 'channels'"),
        ("size = 16\nsteps = 6", "steps = 6", r"configuration\.phases\[0\]: 'size' is missing"),
        ("size = 16\nsteps = 6", "size = 8\nsteps = 6", r"the last phase is for 8 px, the model for 16"),
        ("batch = 4", "batch = 4\naccumulate = 3", r"a batch that accumulate divides, not 6 steps of 4 in 3 parts"),
        ('schedule = "cosine"', 'schedule = "linear"', r"schedule is one of constant, cosine"),
        ("warmup = 2", "warmup = -2", r"warmup is a number of at least 0, not -2"),
        ('kind = "l1"', 'kind = "l7"', r"the kind of a loss is one of l1, l2, .*, not 'l7'"),
        ('kind = "l1"', 'kind = "l1"\n[[losses]]\nkind = "l1"', r"the loss 'l1' is asked for twice"),
        ("held_out = 0.25", "held_out = 1.0", r"held_out is a share, 0 … below 1, not 1\.0"),
        ("keep = 2", "keep = 0", r"keep is a number of at least 1, not 0"),
        ("ema_half_life = 0.05", "ema_half_life = 0.0", r"ema_half_life is in thousands of pictures and above 0"),
        ("ema_half_life = 0.05", 'task = "seg2face"', r"task 'seg2face' takes pictures of another kind"),
        ("ema_half_life = 0.05", 'encoder_weights = "r.pth"', r"encoder_weights are a ResNet's; the model's encoder is 'fir'"),
        ("[data]", "[optimizer]\nencoder = nan\n[data]", r"encoder is a number of at least 0, not nan"),
        ("[data]", "[optimizer]\nbetas = [0.9]\n[data]", r"configuration\.optimizer\.betas: 2 values expected, not 1"),
        ("[data]", "[optimizer]\nbetas = [0.9, 1.0]\n[data]", r"betas\[1\] is a share"),
        ("[data]", "[degradation]\nblur_sigma = [1]\n[data]", r"blur_sigma: 2 values expected \(low, high\), not 1"),
        ("[data]", "[degradation]\nblur_sigma = [3, 1]\n[data]", r"degradation\.blur_sigma: a range runs from low to high"),
        ("[data]", '[degradation]\nrecipe = "mine"\n[data]', r"degradation\.recipe: one of released, paper, .* expected"),
        ("[data]", "[adversarial]\nweight = 1.0\n[data]", r"an adversarial loss needs a \[discriminator\]"),
        ("[data]", "[adversarial]\nfeature_matching = 1.0\n[data]", r"feature_matching needs a discriminator that learns"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(old, new, message, runs):
    with pytest.raises(OptionError, match=message):
        runs.config("plain", changes={old: new})


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("adversarial", {"r1_every = 2": "r1_every = 0"}, r"r1_every is a number of at least 1, not 0"),
        ("adversarial", {"r1_every = 2": "path_decay = 0.0"}, r"path_decay is above 0"),
        ("adversarial", {"size = 16\nchannels": "size = 32\nchannels"}, r"3 channel counts given, 4 needed"),
        ("patch", {'size = 16\nkind = "patch"': 'size = 32\nkind = "patch"'}, r"for 32 px, the model makes 16"),
        ("plain", {'[[losses]]\nkind = "l1"': ""}, r"nothing to learn from"),
        ("growing", {"seed = 5": "seed = 5\ncopy_input = true"}, r"copy_input is for a new network"),
        ("prior", {"seed = 5": "seed = 5\ncopy_input = true"}, r"copy_input is for a new network"),
        ("prior", {"weight = 1.0": "weight = 0.0"}, r"stage 'prior' learns from its discriminator alone"),
        ("prior", {"[[phases]]": '[[losses]]\nkind = "l1"\n[[phases]]'}, r"stage 'prior' makes faces of noise"),
        ("prior", {"weight = 1.0": "weight = 1.0\nfeature_matching = 1.0"}, r"stage 'prior' makes faces of noise"),
        ("growing", {"size = 16": "size = 8", "output_size = 32": "output_size = 64", "8, 8, 8, 8]": "8, 8, 8, 8, 8]"},
         r"a network that enlarges its input cannot grow"),
        ("growing", {"8, 8, 8, 8]": "8, 8, 8, 2]"}, r"2 channels at a size grown to cannot carry three colors"),
        ("growing", {"size = 16": "size = 64"}, r"a network grows by doubling: 32 px cannot follow 64"),
        ("growing", {"input_size = 32\noutput_size = 32\nchannels = [8, 8, 8, 8]":
                     "resnet = 32\nchannels = [8, 8, 8]\nencoder_width = 2"}, r"only networks of the published family grow"),
    ],
)  # fmt: skip
def test_a_run_that_could_not_be_finished_is_not_begun(kind, changes, message, runs):
    with pytest.raises(OptionError, match=message):
        runs.config(kind, changes=changes)


def test_an_unknown_preset_is_told_the_known_ones():
    with pytest.raises(OptionError, match=r"relased: no such file, nor a preset\. Presets: bundled, paper"):
        config_text("relased")


# --- the schedule ---


def test_the_time_left_goes_by_pixels(runs):
    config = runs.config("growing", steps=3)
    assert [work_of(config, step) for step in (0, 2, 3, 4, 6)] == [0, 2048, 3072, 3072 + 2048, 3072 + 3 * 2048]


def test_a_step_knows_its_phase_and_the_pictures_seen_before_it(runs):
    config = runs.config("growing", steps=3)
    places = [place_of(config, step) for step in range(7)]
    assert [(place.index, place.within, place.samples) for place in places] == [
        (0, 0, 0), (0, 1, 4), (0, 2, 8), (1, 0, 12), (1, 1, 14), (1, 2, 16), (1, 3, 18),
    ]  # fmt: skip


def test_rates_rise_over_the_warm_up_and_fall_along_half_a_cosine():
    phase = PhaseConfig(16, steps=12, batch=1, learning_rate=2.0, warmup=2, schedule="cosine", final=0.1)
    assert [rate_at(phase, step) for step in (0, 1, 2)] == [1.0, 2.0, 2.0]
    assert rate_at(phase, 7) == pytest.approx(2 * (0.1 + 0.9 * 0.5))
    assert rate_at(phase, 11) == pytest.approx(2 * (0.1 + 0.9 * (1 + math.cos(math.pi * 0.9)) / 2))
    constant = PhaseConfig(16, steps=12, batch=1, learning_rate=0.5)
    assert {rate_at(constant, step) for step in range(12)} == {0.5}


def test_the_bundled_preset_can_go_on_from_the_bundled_model():
    """It begins a new network as a copy of its input; one that is there needs no such beginning."""
    config = _config(Namespace(config="bundled", init_from="bundled"))
    assert config.init_from == "bundled" and not config.copy_input
    assert _config(Namespace(config="bundled", init_from=None)).copy_input
