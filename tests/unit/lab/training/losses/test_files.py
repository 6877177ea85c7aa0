"""Where the networks' weights are looked for, and which files are refused."""

import pytest
import torch
from losses_harness.pictures import loss_of, pictures, saved

from gpen_core.errors import CheckpointError, MissingWeightsError
from gpen_core.lab.training.losses import (
    LOSS_KINDS,
    LossConfig,
    build_picture_losses,
    identity,
    mobilenet,
    perceptual,
    vgg,
)
from gpen_core.lab.training.losses.files import locate

ADDRESSES = {
    "mobilenet": "https://github.com/biubug6/Pytorch_Retinaface",
    "vgg19": "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    "identity": "https://github.com/xinntao/facexlib/releases/download/v0.1.0/recognition_arcface_ir_se50.pth",
    "lpips": "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    "lpips_vgg": "https://download.pytorch.org/models/vgg16-397923af.pth",
}


@pytest.mark.parametrize("kind", ADDRESSES)
def test_absent_weights_are_an_error_with_the_address(kind):
    assert set(ADDRESSES) == set(LOSS_KINDS) - {"l1", "l2", "smooth_l1", "psnr", "texture"}
    with pytest.raises(MissingWeightsError) as caught:
        loss_of(kind)
    assert ADDRESSES[kind] in str(caught.value) and f"'{kind}'" in str(caught.value)


def test_a_named_file_that_is_absent_is_an_error_that_names_it(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"mine\.pth.*vgg19-dcbb9e9d"):
        loss_of("vgg19", tmp_path / "mine.pth")


@pytest.mark.parametrize(
    "file", [mobilenet.FILE, vgg.FILE, identity.FILE, *perceptual.FILES.values()], ids=lambda file: file.names[0]
)
def test_files_are_found_by_each_of_their_names(tmp_path, file):
    for name in file.names:
        assert locate(file, LossConfig("x"), {name: tmp_path / name}.get) == tmp_path / name


def test_found_files_are_those_that_are_read(files):
    asked = {"vgg19-dcbb9e9d.pth": files["vgg19"]}
    (loss,) = build_picture_losses([LossConfig("vgg19")], device="cpu", find=asked.get)
    assert loss(*pictures()) == loss_of("vgg19", files["vgg19"])(*pictures())


@pytest.mark.parametrize("kind", ADDRESSES)
def test_another_networks_file_is_refused_by_name(kind, files):
    if "lpips" in kind:
        pytest.importorskip("lpips")
    other = files["mobilenet" if kind != "mobilenet" else "lpips"]
    with pytest.raises(CheckpointError, match=other.name):
        loss_of(kind, other)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda state: state.pop("stage2.3.4.bias"), "no 'stage2.3.4.bias'"),
        (lambda state: state.update(extra=torch.zeros(1)), "'extra' is not of"),
        (lambda state: state.update({"fc.bias": torch.zeros(7)}), r"'fc.bias' is \[7\]"),
        (lambda state: state["stage1.0.0.weight"].fill_(float("nan")), "NaN"),
    ],
)
def test_incomplete_strange_misshapen_or_damaged_weights_are_refused(tmp_path, files, spoil, message):
    state = {key[7:]: value for key, value in torch.load(files["mobilenet"])["state_dict"].items()}
    spoil(state)
    with pytest.raises(CheckpointError, match=message):
        loss_of("mobilenet", saved(tmp_path / "degraded.pth", state))


def test_files_of_old_pytorch_without_batch_counters_load(tmp_path, files):
    state = torch.load(files["mobilenet"])["state_dict"]
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    assert len(old) < len(state)
    same = loss_of("mobilenet", saved(tmp_path / "old.pth", old))
    assert same(*pictures()) == loss_of("mobilenet", files["mobilenet"])(*pictures())


@pytest.mark.parametrize("kind", ["mobilenet", "vgg19", "lpips"])
def test_every_number_comes_from_the_file(kind, files, losses):
    torch.manual_seed(12345)  # whatever the fixture had drawn with
    assert loss_of(kind, files[kind])(*pictures()) == losses[kind](*pictures())
