"""Pictures to compare, networks' files with seeded numbers, and the losses made of them."""

import math
from pathlib import Path

import torch
import torch.nn.functional as F

from gpen_core.lab.training.losses import LossConfig, build_picture_losses


def nowhere(name):
    return None


def pictures(count=1, size=64, seed=0):
    """Two batches [N, 3, S, S] in [-1, 1]: smooth targets, and the same with noise."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 8, 8, generator=random) * 2 - 1
    target = F.interpolate(coarse, (size, size), mode="bilinear")
    restored = target + 0.3 * torch.randn(target.shape, generator=random)
    return restored.clamp(-1, 1), target


def made(shapes, seed=0):
    """Weights of these shapes with sensible sizes: few numbers over and over, which is quick; float16 for small files."""
    numbers = torch.randn(65_521, generator=torch.Generator().manual_seed(seed))
    state = {}
    for key, shape in shapes.items():
        count = math.prod(shape)
        drawn = numbers.repeat(-(-count // len(numbers)))[:count].reshape(shape)
        if key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(1)
        elif key.endswith("running_var") or (len(shape) == 1 and key.endswith("weight")):
            state[key] = (0.5 + drawn.abs()).half()
        else:
            fan_in = max(1, math.prod(shape[1:]))
            state[key] = (drawn * (2 / fan_in) ** 0.5).half()
        numbers = numbers.roll(1)
    return state


def saved(path: Path, state) -> Path:
    torch.save(state, path)
    return path


def loss_of(kind, path=None, weights=None):
    config = LossConfig(kind, 1.0, str(path) if path else None, weights)
    return build_picture_losses([config], device="cpu", find=nowhere)[0]


def float64(content):
    return {key.removeprefix("module."): value.double() for key, value in content.items()}


def normalized(x):
    """[-1, 1] → ImageNet's normalization, in float64, written out."""
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return ((x.double() + 1) / 2 - mean.double()[:, None, None]) / deviation.double()[:, None, None]
