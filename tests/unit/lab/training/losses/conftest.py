"""Files of the networks that losses look through, and the losses."""

from pathlib import Path

import pytest
import torch
from losses_harness.pictures import loss_of, made, saved

from gpen_core.lab.training.losses import mobilenet


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """A loss that would download its weights fails here, also on machines that are online."""
    import socket

    def refuse(*arguments):
        raise AssertionError(f"a loss went to the network: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def files(tmp_path_factory) -> dict[str, Path]:
    """Every network's file in the real layout, holding seeded numbers: the published files may not be on this machine.

    They stand for the user's files, so that the loaders run for real; the losses' values mean nothing.
    """
    pytest.importorskip("facexlib")
    from facexlib.recognition.arcface_arch import Backbone
    from torchvision.models import alexnet, vgg16, vgg19

    with torch.device("meta"):
        networks = {
            "vgg19": vgg19().features,
            "lpips": alexnet().features,
            "lpips_vgg": vgg16().features,
            "identity": Backbone(50, 0.6, "ir_se"),
            "mobilenet": mobilenet._Classifier(),
        }
    folder = tmp_path_factory.mktemp("user_files")
    paths = {}
    for number, (kind, network) in enumerate(networks.items()):
        state = made({key: tuple(value.shape) for key, value in network.state_dict().items()}, seed=number)
        if kind in ("vgg19", "lpips", "lpips_vgg"):  # torchvision's whole files have a classifier too
            state = {f"features.{key}": value for key, value in state.items()}
            state["classifier.6.weight"] = torch.zeros(1)
        if kind == "mobilenet":
            state = {"epoch": 1, "state_dict": {f"module.{key}": value for key, value in state.items()}}
        paths[kind] = saved(folder / f"{kind}.pth", state)
    return paths


@pytest.fixture(scope="session")
def losses(files):
    """Each network's loss from the files above."""
    pytest.importorskip("lpips")
    return {kind: loss_of(kind, path) for kind, path in files.items()}
