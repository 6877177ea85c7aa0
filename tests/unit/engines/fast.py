"""Small networks of the published family, ways to cut them into rows, and the fast path through them."""

import torch

from gpen_core.engines.rows import Blocking, FastGpen
from gpen_core.model import Gpen, GpenConfig

ROWS_EVERYWHERE = Blocking(together=1, side=1, elements=1, made_twice=1)
CONFIGS = {
    "restores": GpenConfig(64, 64, (8, 6, 8, 6, 4), style_dim=8, mapping_layers=2),
    "adds": GpenConfig(64, 64, (8, 6, 8, 6, 4), style_dim=8, mapping_layers=2, concatenate=False),
    "enlarges": GpenConfig(16, 64, (8, 6, 8, 6, 4), style_dim=8, mapping_layers=1),
    "smallest": GpenConfig(8, 8, (4, 3), style_dim=4, mapping_layers=0),
}
BLOCKINGS = {
    "whole": Blocking(),
    "rows of large maps": Blocking(together=16, side=32, elements=1 << 10, made_twice=1 << 10),
    "one by one": Blocking(together=8),
    "rows everywhere": ROWS_EVERYWHERE,
    "nothing made twice": Blocking(side=8, elements=1 << 9),
}


def network(config, dtype=torch.float32, seed=0):
    """Random weights, and no parameter at its initial 0 or 1: a layer left out would be seen."""
    torch.manual_seed(seed)
    made = Gpen(config).eval().requires_grad_(False)
    for parameter in made.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.2)
    return made.to(dtype)


def pictures(config, count=2):
    size = config.input_size
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def fast_forward(made, given_pictures, noise=None, blocking=Blocking()):
    return FastGpen(made, blocking)(given_pictures, noise)


def equal(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5 * expected.abs().max().item())
