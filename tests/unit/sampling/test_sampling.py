"""Faces from random noise: the same seed gives the same picture, however it is asked for."""

import pytest
import torch

from gpen_core.checkpoints.load import GpenModel
from gpen_core.errors import ImageError, OptionError, RestorationError
from gpen_core.model import Gpen, GpenConfig
from gpen_core.pipeline import Hooks
from gpen_core.sampling import SampleOptions, contact_sheet, sample_faces, sampling_bytes
from gpen_core.sampling.draws import draw_styles, mean_style
from gpen_core.sampling.options import LARGEST_SEED
from gpen_core.tasks import TASKS


def real_model(output_size=32):
    """A small real network whose noise weights are not the zeros that it starts from: its features count."""
    torch.manual_seed(0)
    widths = (8, 8, 4, 4, 4)[: output_size.bit_length() - 2]
    config = GpenConfig(32, output_size, widths, style_dim=16, mapping_layers=2)
    network = Gpen(config).requires_grad_(False).eval()
    for name, value in network.named_parameters():
        if name.endswith("noise.weight"):
            value.fill_(0.7)
    return GpenModel(config, network, TASKS["restoration"], "small")


@pytest.fixture(scope="module")
def model():
    return real_model()


@pytest.fixture(scope="module")
def face():
    return torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(5))


def pictures(model, face=None, hooks=Hooks(), **options):
    return torch.stack(list(sample_faces(model, SampleOptions(**options), face=face, hooks=hooks)))


def far_apart(some, others):
    """By more than any rounding, over all pictures."""
    return (some - others).abs().mean((1, 2, 3)).min() > 0.01


def test_pictures_have_the_models_size_and_range(model):
    found = pictures(model, count=3)
    assert found.shape == (3, 3, 32, 32) and found.dtype == torch.float32
    assert found.min() >= 0 and found.max() <= 1 and found.std() > 0.05


def test_a_seed_is_a_picture_and_other_seeds_are_others(model):
    found, again = pictures(model, seed=7, count=4), pictures(model, seed=7, count=4)
    assert torch.equal(found, again)
    for shift in (1, 2, 3):
        assert far_apart(found, found.roll(shift, dims=0))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 64])
def test_neither_count_nor_batch_size_changes_a_picture(model, batch_size):
    found = pictures(model, seed=7, count=5, batch_size=batch_size)
    alone = torch.cat([pictures(model, seed=7 + index) for index in range(5)])
    torch.testing.assert_close(found, alone, atol=1e-5, rtol=0)


def test_the_random_state_of_the_caller_is_left_alone(model):
    before = torch.get_rng_state()
    pictures(model, count=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_after_the_largest_seed_comes_zero(model):
    found = pictures(model, seed=LARGEST_SEED, count=2)
    torch.testing.assert_close(found[1:], pictures(model, seed=0), atol=1e-5, rtol=0)


def test_an_untruncated_sample_is_what_the_published_way_of_drawing_gives(model):
    """By the network's own forward: z, then N(0, 1) for both layers of every level."""
    generator = torch.Generator().manual_seed(3)
    z = torch.randn(16, generator=generator)
    noise = [
        [torch.randn(1, width, 4 << level, 4 << level, generator=generator) for _ in range(2)]
        for level, width in enumerate(model.config.channels)
    ]
    with torch.no_grad():
        expected = model.module.generator(z[None], noise).add(1).div(2).clamp(0, 1)
    torch.testing.assert_close(pictures(model, seed=3, truncation=1.0), expected, atol=1e-6, rtol=0)


def test_no_truncation_leaves_w_and_full_truncation_leaves_nothing_of_the_seed(model):
    same_noise = {"noise_seed": 9, "count": 3, "batch_size": 1}
    mean = pictures(model, truncation=0.0, **same_noise)
    assert torch.equal(mean[0], mean[1]) and torch.equal(mean[0], mean[2])
    pairs = model.module.noise_features(torch.empty(1), _after_z(model, 9))
    expected = model.module.generator.synthesize(mean_style(model), pairs).add(1).div(2).clamp(0, 1)
    torch.testing.assert_close(mean[:1], expected, atol=1e-6, rtol=0)
    assert far_apart(pictures(model, truncation=1.0, **same_noise), mean)


def _after_z(model, seed):
    generator = torch.Generator().manual_seed(seed)
    torch.randn(model.config.style_dim, generator=generator)
    return generator


def test_truncation_brings_pictures_nearer_to_the_mean_face(model):
    shared = {"noise_seed": 9, "count": 4}
    mean = pictures(model, truncation=0.0, **shared)
    distances = [(pictures(model, truncation=psi, **shared) - mean).square().mean() for psi in (0.25, 0.5, 1.0)]
    assert 0 < distances[0] < distances[1] < distances[2]


def test_the_mean_style_is_that_of_the_population_and_always_the_same(model):
    mean = mean_style(model)
    assert torch.equal(mean, mean_style(model))
    w = draw_styles(model, range(1000, 5000))
    standard_error = w.std(0) / 4000**0.5 * 2**0.5  # both means are of about as many
    assert ((w.mean(0) - mean[0]).abs() < 5 * standard_error).all()
    assert (w.mean(0) - mean[0]).abs().max() > 0  # and not of the same ones


def test_a_strip_runs_in_even_steps_of_w_from_one_sample_to_the_other(model):
    strip = pictures(model, seed=4, to_seed=11, count=5, truncation=0.8, batch_size=2)
    torch.testing.assert_close(strip[:1], pictures(model, seed=4, truncation=0.8), atol=1e-5, rtol=0)
    last = pictures(model, seed=11, noise_seed=4, truncation=0.8)
    torch.testing.assert_close(strip[-1:], last, atol=1e-5, rtol=0)
    middle = draw_styles(model, [4, 11]).mean(0, keepdim=True)
    w = mean_style(model) + 0.8 * (middle - mean_style(model))
    pairs = model.module.noise_features(torch.empty(1), _after_z(model, 4))
    expected = model.module.generator.synthesize(w, pairs).add(1).div(2).clamp(0, 1)
    torch.testing.assert_close(strip[2:3], expected, atol=1e-5, rtol=0)
    steps = (strip[1:] - strip[:-1]).abs().mean((1, 2, 3))
    assert steps.max() < (strip[-1] - strip[0]).abs().mean() < 4.01 * steps.max()


def test_a_faces_features_stay_whatever_the_seed_and_seeds_still_differ(model, face):
    found = pictures(model, face, seed=1, count=2, truncation=1.0)
    assert far_apart(found, pictures(model, seed=1, count=2, truncation=1.0))
    assert far_apart(found[:1], found[1:])
    small = torch.nn.functional.interpolate(face[None], size=32, mode="bicubic", antialias=True).clamp(0, 1)
    _, features = model.module.encode(small * 2 - 1)
    w = draw_styles(model, [1])
    expected = model.module.generator.synthesize(w, [(map_, map_) for map_ in features]).add(1).div(2).clamp(0, 1)
    torch.testing.assert_close(found[:1], expected, atol=1e-5, rtol=0)


def test_the_structure_of_a_face_is_its_own(model, face):
    found, other = pictures(model, face, seed=1), pictures(model, face.flip(2), seed=1)
    assert far_apart(found, other)


def test_a_face_of_the_models_size_alpha_or_another_scale_is_taken(model, face):
    exact = torch.nn.functional.interpolate(face[None], size=32, mode="bicubic", antialias=True)[0].clamp(0, 1)
    rgba = torch.cat((face, torch.zeros(1, 40, 40)))
    for given in (exact, rgba):
        torch.testing.assert_close(pictures(model, given, seed=1), pictures(model, face, seed=1), atol=1e-6, rtol=0)


def test_a_task_whose_input_is_not_shifted_gets_its_features_from_it_as_it_is(model, face):
    """Segmentation colors go in as [0, 1]: what another model gets of a picture, this one gets of its shifted twin."""
    task = next(task for task in TASKS.values() if task.unshifted)
    unshifted = GpenModel(model.config, model.module, task, "unshifted")
    small = torch.nn.functional.interpolate(face[None], size=32, mode="bicubic", antialias=True)[0].clamp(0, 1)
    expected = pictures(model, (small + 1) / 2, seed=1)  # as [0, 1], and cut off there
    found = (pictures(unshifted, small, seed=1) + 1) / 2  # what it gives is not shifted either
    inside = (found > 0.5) & (found < 1)
    assert inside.float().mean() > 0.1
    torch.testing.assert_close(found[inside], expected[inside], atol=1e-5, rtol=0)
    assert far_apart(pictures(model, small, seed=1), expected)


def test_levels_above_the_faces_get_the_seeds_noise(face):
    """The upscaling variant: 32 px in, 64 out."""
    upscaler = real_model(64)
    found = pictures(upscaler, face, seed=1, to_seed=1, count=2)
    assert found.shape == (2, 3, 64, 64)
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=0)
    noisier = pictures(upscaler, face, seed=1, noise_seed=2)
    assert far_apart(found[:1], noisier)
    assert pictures(upscaler, seed=1).shape == (1, 3, 64, 64)


def test_a_network_without_features_samples_by_style_alone():
    """The ResNet family: adaptive instance normalization, nothing beside the style code."""
    pytest.importorskip("torchvision", reason="a ResNet encoder is torchvision's: pip install torchvision")
    torch.manual_seed(0)
    config = GpenConfig.resnet(32, narrow=1 / 64, style_dim=16, encoder_width=4)
    model = GpenModel(config, Gpen(config).requires_grad_(False).eval(), TASKS["restoration"], "plain")
    found = pictures(model, count=3, truncation=1.0)
    torch.testing.assert_close(found[1:], pictures(model, seed=1, count=2, truncation=1.0), atol=1e-5, rtol=0)
    assert far_apart(found, found.roll(1, dims=0))
    with pytest.raises(OptionError, match="plain takes no features from an image"):
        pictures(model, face=torch.rand(3, 32, 32))


def test_a_seed_is_the_same_picture_in_half_precision_up_to_its_rounding():
    half = real_model()
    half.module.to(torch.bfloat16)
    torch.testing.assert_close(pictures(half, seed=1), pictures(real_model(), seed=1), atol=0.06, rtol=0)


def test_progress_counts_every_picture_and_shows_it(model):
    seen = []
    found = pictures(model, count=3, batch_size=2, hooks=Hooks(progress=lambda *step: seen.append(step)))
    assert [step[:3] for step in seen] == [("sample", 1, 3), ("sample", 2, 3), ("sample", 3, 3)]
    assert all(torch.equal(step[3], picture) for step, picture in zip(seen, found))


def test_what_the_hook_raises_ends_the_run_before_the_next_batch(model):
    class Cancelled(Exception):
        pass

    done = []

    def cancel(stage, number, total, preview=None):
        done.append(number)
        if number == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        pictures(model, count=6, batch_size=2, hooks=Hooks(progress=cancel))
    assert done == [1, 2]


def test_when_memory_runs_out_smaller_batches_give_the_same_pictures(model, monkeypatch):
    expected = pictures(model, count=5)
    real, sizes = model.module.generator.synthesize, []

    def cramped(w, features):
        sizes.append(len(w))
        if len(w) > 2:
            raise MemoryError("no room")
        return real(w, features)

    monkeypatch.setattr(model.module.generator, "synthesize", cramped)
    torch.testing.assert_close(pictures(model, count=5), expected, atol=1e-5, rtol=0)
    assert sizes == [5, 2, 2, 1]


def test_no_memory_for_even_one_picture_is_said_so(model, monkeypatch):
    def no_room(w, features):
        raise MemoryError("no room")

    monkeypatch.setattr(model.module.generator, "synthesize", no_room)
    with pytest.raises(RestorationError, match="not enough memory for a picture of 32 px"):
        pictures(model, count=2)


def test_nan_is_an_error_and_no_picture():
    broken = real_model()
    broken.module.generator.to_rgb1.bias.fill_(float("nan"))
    with pytest.raises(RestorationError, match="small gave NaN"):
        pictures(broken)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count must be at least 1"),
        ({"seed": -1}, "seed must be from 0"),
        ({"noise_seed": LARGEST_SEED + 1}, "noise_seed must be from 0"),
        ({"truncation": 1.5}, "truncation must be from 0"),
        ({"truncation": float("nan")}, "truncation must be from 0"),
        ({"to_seed": 3}, "count of at least 2"),
        ({"batch_size": -1}, "batch_size must be at least 0"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(options, message):
    with pytest.raises(OptionError, match=message):
        SampleOptions(**options)


@pytest.mark.parametrize("shape", [(3, 40, 30), (1, 3, 32, 32), (1, 32, 32), (3, 0, 0)])
def test_a_face_that_is_no_square_picture_is_refused_at_once(model, shape):
    with pytest.raises(ImageError, match="aligned face must be"):
        sample_faces(model, SampleOptions(), face=torch.zeros(shape))  # nothing has been drawn from it yet


def test_memory_asked_for_grows_with_the_batch_and_not_beyond(model):
    one, two, many = (sampling_bytes(model, SampleOptions(count=count, batch_size=2)) for count in (1, 2, 99))
    features = 2 * 4 * sum(width * (4 << level) ** 2 for level, width in enumerate(model.config.channels))
    assert one > 3 * features and one < two == many


def test_a_contact_sheet_holds_every_picture_in_rows():
    tiles = [torch.full((3, 2, 3), number / 10) for number in range(5)]
    sheet = contact_sheet(tiles)
    assert sheet.shape == (3, 4, 9)
    torch.testing.assert_close(sheet[0, ::2, ::3], torch.tensor([[0, 0.1, 0.2], [0.3, 0.4, 1]]))
    assert torch.equal(contact_sheet(tiles, columns=5), torch.cat(tiles, dim=2))
    assert torch.equal(contact_sheet(tiles[:1], columns=5), tiles[0])
    with pytest.raises(ImageError, match="no pictures"):
        contact_sheet([])
