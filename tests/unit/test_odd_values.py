"""Values of another kind than asked for, at the front door and in settings: one clear error each."""

import dataclasses
import math

import numpy as np
import pytest
import torch

import gpen_core
from gpen_core import BlendOptions, Settings
from gpen_core.errors import GpenError, OptionError
from gpen_core.faces.track_options import TrackOptions
from gpen_core.pipeline.clip.options import VideoOptions
from gpen_core.sampling import SampleOptions

ODD = [
    5,
    "text",
    b"x",
    [],
    {},
    (),
    object(),
    math.nan,
    np.zeros((4, 4)),
    torch.zeros(0),
    torch.zeros(2, 2, device="meta"),
    True,
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_helpers_models_and_devices_of_another_kind_are_errors_of_ours(astronaut, tiny_model, known, checkpoint, odd):
    for name in ("parser", "reference", "tools", "settings", "detector", "model"):
        given = {"model": tiny_model, "detector": known} | {name: odd}
        with pytest.raises(GpenError) as caught:
            gpen_core.restore(astronaut, **given)
        assert len(str(caught.value)) <= 300 and "\n" not in str(caught.value), name
    with pytest.raises(GpenError):
        tiny_model(odd)
    with pytest.raises(GpenError):
        gpen_core.load_model(checkpoint, device=odd)


OPTIONS = (
    "BlendOptions", "RestoreOptions", "ProtectOptions", "DetectOptions", "SelectOptions", "RegionOptions", "SampleOptions",
    "VideoOptions", "TrackOptions",
)  # fmt: skip
# What each takes beside numbers and texts, which are asked for by their annotations.
NUMBERS = {"int": int, "int | None": int, "float": float, "float | None": float, "str": str}


def options_of(name):
    """A class of settings: of the front door, or of the pipeline."""
    return {"VideoOptions": VideoOptions, "TrackOptions": TrackOptions, "SampleOptions": SampleOptions}.get(
        name
    ) or getattr(gpen_core, name)


def check_refused(kind, **given):
    with pytest.raises(OptionError) as caught:
        kind(**given)
    assert len(str(caught.value)) <= 300 and "\n" not in str(caught.value), given


@pytest.mark.parametrize("odd", [*ODD, None], ids=lambda odd: type(odd).__name__)
@pytest.mark.parametrize("options", OPTIONS)
def test_settings_of_another_kind_are_errors_of_ours(options, odd):
    kind = options_of(options)
    for field in dataclasses.fields(kind):
        wanted = NUMBERS.get(field.type)
        fits = wanted is None or (isinstance(odd, wanted) and odd is not True)
        fits |= wanted is float and isinstance(odd, int | float) and odd is not True
        fits |= wanted is str and isinstance(odd, str) and field.name == "indices"
        if not fits and not (odd is None and "None" in field.type):
            check_refused(kind, **{field.name: odd})


@pytest.mark.parametrize("options", OPTIONS)
def test_whole_numbers_are_whole_and_may_be_of_numpy(options):
    kind = options_of(options)
    for field in dataclasses.fields(kind):
        if field.type == "int":
            for odd in (2.0, 2.5, 512.0, math.nan, math.inf, np.float32(2)):
                check_refused(kind, **{field.name: odd})
            value = field.default
            assert getattr(kind(**{field.name: np.int64(value)}), field.name) == value


@pytest.mark.parametrize("odd", [value for value in (*ODD, None)], ids=lambda odd: type(odd).__name__)
def test_settings_within_settings_are_of_their_kind(odd):
    check_refused(VideoOptions, track=odd)


def test_seeds_of_numpy_and_of_any_size_are_seeds(astronaut, tiny_model, known):
    def grainy(seed):
        settings = Settings(blend=BlendOptions(grain=1.0, grain_seed=seed))
        return gpen_core.restore(astronaut, tiny_model, detector=known, settings=settings)

    assert torch.equal(grainy(np.int64(7)), grainy(7)) and torch.equal(grainy(2**64 + 7), grainy(7))
    assert SampleOptions(np.int64(7), 2).samples == SampleOptions(7, 2).samples
