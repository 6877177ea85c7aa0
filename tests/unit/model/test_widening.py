"""A wider network begins where the narrow one is, and can use its new channels."""

from dataclasses import replace

import pytest
import torch

from gpen_core.errors import OptionError
from gpen_core.model import Gpen, GpenConfig
from gpen_core.model.widening import widen

NARROW = GpenConfig(32, 32, (8, 8, 6, 4), 16, 2)


def trained(config: GpenConfig) -> Gpen:
    """A network none of whose parameters is at its initial value."""
    torch.manual_seed(0)
    network = Gpen(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return network


@pytest.mark.parametrize("concatenate", [True, False])
@pytest.mark.parametrize("channels", [(8, 8, 6, 8), (8, 12, 9, 4), (10, 9, 8, 7), (8, 8, 6, 4)])
def test_a_widened_network_yields_what_the_narrow_one_does(channels, concatenate):
    narrow = trained(replace(NARROW, concatenate=concatenate))
    wide = widen(narrow, replace(narrow.config, channels=channels))
    assert wide.config.channels == channels
    pictures = torch.rand(2, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(wide(pictures), narrow(pictures), rtol=1e-5, atol=1e-5)


def test_every_new_channel_can_learn():
    """After one step of gradient descent no parameter that is new is still as it began, nor cut off."""
    wide = widen(trained(NARROW), replace(NARROW, channels=(8, 8, 6, 8)))
    optimizer = torch.optim.Adam(wide.parameters(), lr=0.01)
    pictures = torch.rand(2, 3, 32, 32) * 2 - 1
    for _ in range(2):  # what looks at new channels moves first, then the channels themselves
        optimizer.zero_grad()
        (wide(pictures) - pictures).abs().mean().backward()
        optimizer.step()
    stuck = [name for name, value in wide.named_parameters() if value.grad is None or not value.grad.any()]
    assert stuck == []


def test_a_narrower_or_another_network_is_refused():
    narrow = trained(NARROW)
    for other in (replace(NARROW, channels=(8, 8, 6, 2)), replace(NARROW, channels=(9, 9, 9, 9), style_dim=8)):
        with pytest.raises(OptionError, match="with wider channels"):
            widen(narrow, other)
