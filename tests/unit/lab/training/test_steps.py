"""What one step does: which losses, which gradients, and when it refuses."""

import copy
from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from gpen_core.errors import TrainingError
from gpen_core.lab.training import machine
from gpen_core.lab.training.ema import averaged, update_average
from gpen_core.lab.training.learner import check_finite, make_learner
from gpen_core.lab.training.losses import PathLength
from gpen_core.lab.training.losses.adversarial import path_lengths
from gpen_core.lab.training.losses.pixel import L1
from gpen_core.lab.training.machine import accelerator_for, emulated
from gpen_core.lab.training.randomness import Noise, Stream
from gpen_core.lab.training.samples import Batch
from gpen_core.lab.training.stages import PriorStage, RestoreStage
from gpen_core.lab.training.start import starting_networks
from gpen_core.lab.training.step import Stepper
from gpen_core.lab.training.terms import TermMaker
from gpen_core.model import Gpen, GpenConfig

CPU = torch.device("cpu")


def seeded(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def batch_of(count=4, size=16, out_size=16):
    return Batch(seeded(count, 3, size, size), seeded(count, 3, out_size, out_size, seed=1), tuple(range(7, 7 + count)))


def parts_of(config, losses=None):
    """A learner and a stepper as a run has them."""
    stage = PriorStage() if config.stage == "prior" else RestoreStage()
    losses = [L1(loss.weight) for loss in config.losses] if losses is None else losses
    stepper = Stepper(config, TermMaker(config, stage, losses, lambda mean: mean, CPU), accelerator_for(config))
    return make_learner(config, *starting_networks(config, ()), CPU), stepper


@dataclass(frozen=True)
class Named:
    name: str
    function: object
    weight: float = 1.0

    def __call__(self, restored, target):
        return self.function(restored)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda made: made.mean() * float("nan"), r"step 6: the loss 'strange' became nan"),
        (lambda made: made.square().mean() / 0, r"step 6: the loss 'strange' became inf"),
        # finite, but the slope of a root at 0 is not
        (lambda made: (made * 0).sum().sqrt(), r"step 6: the gradient of 'l1' \([\d.]+\), 'strange' \(0\) became nan"),
    ],
)
def test_what_is_no_number_stops_the_run_before_it_touches_a_weight(function, message, runs):
    learner, stepper = parts_of(runs.config("plain"), [L1(1.0), Named("strange", function)])
    before = copy.deepcopy(learner.network.state_dict())
    with pytest.raises(TrainingError, match=message):
        stepper(learner, batch_of(), 5, 1)
    assert runs.differing(dict(before), dict(learner.network.state_dict())) == []


def test_weights_that_are_no_numbers_are_named():
    network = nn.Linear(2, 2)
    check_finite([network], 3)
    network.bias.data[1] = float("inf")
    with pytest.raises(TrainingError, match="step 3: the weights 'bias'"):
        check_finite([network], 3)


def test_regularisers_come_at_their_intervals(runs):
    config = runs.config("adversarial", changes={"r1_every = 2": "r1_every = 3"})
    learner, stepper = parts_of(config)
    always = {"discriminator", "l1", "adversarial", "feature_matching"}
    lazy = [set(stepper(learner, batch_of(), step, 1)) - always for step in range(4)]
    assert lazy == [{"r1", "path_length"}, set(), {"path_length"}, {"r1"}]


@pytest.mark.parametrize("kind", ["patch", "prior"])
def test_parts_give_the_gradient_of_the_whole_batch(kind, runs):
    """With everything adversarial but the path length, which a part has to do for, and in the prior stage too, where noise
    is each sample's own. The batch's deviation, which StyleGAN2's discriminator looks at, is each part's: left out."""
    patch = {"channels = [8, 8, 8]\n[adversarial]": 'kind = "patch"\nsmallest = 16\nchannels = [4, 4]\n[adversarial]'}
    changes = {"path_every = 2": "path_length = 0.0"} | (patch if kind == "prior" else {})
    config = runs.config(kind, changes=changes)
    results = []
    for accumulate in (1, 4):
        learner, stepper = parts_of(config)
        values = [stepper(learner, batch_of(), step, accumulate) for step in range(2)]
        results.append((learner.state(), values))
    (whole, losses), (parts, same) = results
    for first, second in zip(losses, same):
        assert first == pytest.approx(second, rel=1e-3)
    runs.close(whole["g"], parts["g"])
    runs.close(whole["d"], parts["d"])


@pytest.mark.parametrize("kind", ["adversarial", "prior"])
def test_recomputing_activations_changes_no_result(kind, runs):
    """Through gradients of gradients too, of the discriminator (R1) and the generator (path length)."""
    states = []
    for on in (False, True):
        learner, stepper = parts_of(replace(runs.config(kind), checkpointing=on))
        assert learner.adversary.discriminator.checkpointing is on
        stepper(learner, batch_of(), 0, 1)
        states.append(learner.state())
    for part in ("g", "d"):
        runs.close(states[0][part], states[1][part], atol=1e-5)


def test_clipped_gradients_are_no_longer_than_allowed(runs):
    learner, stepper = parts_of(runs.config("plain", more="[optimizer]\nclip_norm = 1e-3\n"))
    stepper(learner, batch_of(), 0, 1)
    gradients = [value.grad for value in learner.network.parameters() if value.grad is not None]
    assert torch.stack([value.norm() for value in gradients]).norm().item() == pytest.approx(1e-3, rel=1e-3)


# --- the stages, and w for every layer ---


@pytest.mark.parametrize("output_size", [16, 32])
def test_restoring_layer_by_layer_is_restoring(output_size, runs):
    """Also where the levels above the encoder's are noise: then a sample's own, alone or among others."""
    torch.manual_seed(0)
    network = Gpen(GpenConfig(16, output_size, (8,) * (output_size.bit_length() - 2), 16, 2)).eval()
    for value in network.generator.parameters():
        if value.shape == (1,):
            nn.init.constant_(value, 0.5)
    batch, noise = batch_of(out_size=output_size), Noise(1, Stream.LATENTS)
    made, styles = RestoreStage().with_styles(network, batch, noise)
    assert styles.shape == (4, network.config.style_layers, 16)
    torch.testing.assert_close(RestoreStage().pictures(network, batch, noise), made)
    alone = Batch(batch.low[2:3], batch.target[2:3], batch.numbers[2:3])
    torch.testing.assert_close(RestoreStage().pictures(network, alone, noise), made[2:3], rtol=1e-4, atol=1e-4)


def test_path_lengths_are_the_root_mean_square_over_layers_and_gradients_add_up_to_those_of_one_w(runs):
    """Of one w for all layers the gradient is the sum of the layers' gradients: checked in float64."""
    torch.manual_seed(0)
    network = Gpen(GpenConfig(16, 16, (8, 8, 8), 16, 2)).double()
    batch = Batch(batch_of().low.double(), batch_of().target.double(), (0, 1, 2, 3))
    made, styles = RestoreStage().with_styles(network, batch, Noise(1, Stream.PATH))
    found = path_lengths(made, styles, torch.Generator().manual_seed(2))

    z, features = network.encode(batch.low)
    w = network.generator.style(z)
    one = network.generator.synthesize(w, [(feature, feature) for feature in features])
    directions = torch.randn(one.shape, generator=torch.Generator().manual_seed(2)).double() / 16
    (whole,) = torch.autograd.grad((one * directions).sum(), w)
    (layers,) = torch.autograd.grad((made * directions).sum(), styles)
    torch.testing.assert_close(layers.sum(1), whole)
    torch.testing.assert_close(found, layers.square().sum(2).mean(1).sqrt().float(), rtol=1e-4, atol=0)


def test_a_prior_sample_is_its_own_whoever_else_is_in_the_batch(runs):
    torch.manual_seed(0)
    network = Gpen(GpenConfig(16, 16, (8, 8, 8), 16, 2)).eval()
    batch, noise = batch_of(), Noise(1, Stream.LATENTS)
    made = PriorStage().pictures(network, batch, noise)
    torch.testing.assert_close(PriorStage().pictures(network, batch.parts(2)[1], noise), made[2:], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(made[0], made[1], atol=0.01)


def test_the_path_length_is_measured_on_a_part_of_the_batch(runs):
    config = runs.config("adversarial", changes={"path_every = 2": "path_shrink = 4"})
    learner, stepper = parts_of(config)
    path = learner.adversary.path
    stepper.terms.path_length(learner.network, path, batch_of())
    again = PathLength(0.01, shrink=1)
    stepper.terms.path_length(learner.network, again, batch_of().first(1))
    assert path.mean > 0 and torch.equal(path.mean, again.mean)


# --- the average ---


def test_after_its_half_life_the_average_is_half_way():
    network = nn.Linear(1, 1)
    average = averaged(network)
    before, after = average.weight.item(), average.weight.item() + 8
    network.weight.data.fill_(after)
    for step in range(250):  # of four pictures: one thousand
        update_average(average, network, 4, half_life=1.0, seen=1_000_000 + 4 * step)
    assert average.weight.item() == pytest.approx((before + after) / 2, rel=1e-4)


def test_early_on_the_average_follows_and_forgets_the_random_start():
    """Half of it goes with every tenth of the pictures seen so far: after twice as many, 2^-log1.1(2) of it is left or so."""
    network = nn.Linear(1, 1)
    network.weight.data.fill_(0.0)
    average = averaged(network)
    network.weight.data.fill_(1.0)
    left, seen = 1.0, 0
    for _ in range(50):
        seen += 4
        update_average(average, network, 4, half_life=10.0, seen=seen)
        left *= 0.5 ** (4 / (seen / 10))
    assert 1 - average.weight.item() == pytest.approx(left, abs=1e-6) and left < 1e-3


def test_buffers_are_taken_over_as_they_are():
    network = nn.BatchNorm1d(2)
    average = averaged(network)
    network.running_mean.fill_(3.0)
    update_average(average, network, 4, half_life=10.0, seen=4)
    assert average.running_mean.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("precision", "device", "native", "said"),
    [
        ("bf16", "cpu", False, True),
        ("bf16", "cpu", True, False),
        ("no", "cpu", False, False),
        ("bf16", "cuda", False, False),
    ],
)
def test_a_precision_that_the_cpu_must_emulate_is_spoken_of(precision, device, native, said, runs, monkeypatch):
    monkeypatch.setattr(machine, "_has_bfloat16", lambda: native)
    config = replace(runs.config("plain"), mixed_precision=precision)
    assert ("no instructions for it" in emulated(config, torch.device(device))) == said
