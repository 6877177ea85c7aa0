"""The whole pipeline on a GPU that any machine can pretend to have: nothing on a wrong device, no needless waiting."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from gpu_harness.pretend_cuda import OnGpu, PretendCuda

from gpen_core.checkpoints import GpenModel
from gpen_core.engines import PlainEngine
from gpen_core.faces.alignment import align_face
from gpen_core.faces.detectors import DetectOptions, MultiPassDetector, load_network
from gpen_core.faces.detectors.folding import fold_batch_norms
from gpen_core.faces.detectors.retinaface import RetinaFace, build_network
from gpen_core.faces.drawing import draw_faces, face_mask
from gpen_core.faces.parsing import FaceParser
from gpen_core.faces.regions import RegionOptions
from gpen_core.model import Gpen, GpenConfig
from gpen_core.pipeline import BlendOptions, Settings, restore_image
from gpen_core.pipeline.blend import blend_frame
from gpen_core.pipeline.protect.content import KeepContent
from gpen_core.pipeline.restore import restore_faces
from gpen_core.tasks import TASKS
from gpen_core.types import RestoredFace

CONFIGS = {
    "published": GpenConfig.published(64, narrow=1 / 16, style_dim=32, mapping_layers=2),
    "enlarges": GpenConfig(32, 64, (8, 8, 8, 8, 8), style_dim=16, mapping_layers=2),
    "resnet": GpenConfig.resnet(64, channels=(8, 8, 8, 8), encoder_width=4, style_dim=16),
}


class Halves(torch.nn.Module):
    """A parser's network that finds skin in the left half and background in the right."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1), requires_grad=False)

    def forward(self, pictures):
        logits = pictures.new_zeros(len(pictures), 19, *pictures.shape[2:])
        logits[:, 1, :, : pictures.shape[-1] // 2] = self.weight
        return logits, None


@pytest.fixture(params=CONFIGS)
def model(request):
    torch.manual_seed(0)
    network = Gpen(CONFIGS[request.param]).requires_grad_(False).eval()
    return GpenModel(network.config, network, TASKS["restoration"], "small", PlainEngine("cpu"))


def on_gpu(gpu: PretendCuda, model: GpenModel) -> GpenModel:
    return replace(model, module=gpu.module(copy.deepcopy(model.module)), engine=PlainEngine("cuda"))


def test_a_mixed_pair_of_devices_is_refused_as_a_gpu_would():
    with PretendCuda(), pytest.raises(RuntimeError, match="cuda:0 and cpu"):
        OnGpu(torch.ones(2)) + torch.ones(2)


def test_the_network_waits_for_nothing_and_a_batch_once(model):
    crops = torch.rand(2, 3, model.config.input_size, model.config.input_size)
    expected = model(crops)
    with PretendCuda() as gpu:
        moved = on_gpu(gpu, model)
        with torch.inference_mode():
            moved.module(OnGpu(crops * 2 - 1))
        assert gpu.waits == []
        restored = moved(OnGpu(crops))
        assert len(gpu.waits) == 1  # is every number a number?
        torch.testing.assert_close(restored.on_cpu, expected, atol=1e-5, rtol=0)


def test_faces_restored_on_a_gpu_are_the_same_and_stay_there(model, astronaut, astronaut_face):
    frames = astronaut[None]
    expected = next(restore_faces(frames, [astronaut_face], model))
    with PretendCuda() as gpu:
        face = next(restore_faces(OnGpu(frames), [astronaut_face], on_gpu(gpu, model)))
        assert isinstance(face.pixels, OnGpu) and isinstance(face.crop.pixels, OnGpu)
        torch.testing.assert_close(face.pixels.on_cpu, expected.pixels, atol=1e-5, rtol=0)


@pytest.mark.parametrize("parsed", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1.5, 0.4])
def test_a_whole_picture_restored_on_a_gpu_is_the_same_as_on_the_cpu(astronaut, scale, parsed):
    torch.manual_seed(0)
    network = Gpen(CONFIGS["published"]).requires_grad_(False).eval()
    model = GpenModel(network.config, network, TASKS["restoration"], "small", PlainEngine("cpu"))
    detector, settings = load_network("mtcnn"), Settings(blend=BlendOptions(scale=scale, color="mean_std"))
    parser = FaceParser(Halves()) if parsed else None
    frames = astronaut[None, :, :288, 80:400]
    expected = restore_image(frames, model, MultiPassDetector(detector, DetectOptions()), settings, parser=parser)
    assert len(expected.faces) == 1
    with PretendCuda() as gpu:
        gpu.module(detector.module)
        if parser is not None:
            gpu.module(parser.module)
        looking = MultiPassDetector(detector, DetectOptions())
        found = restore_image(OnGpu(frames), on_gpu(gpu, model), looking, settings, parser=parser)
        assert isinstance(found.frames, OnGpu) and isinstance(found.mask, OnGpu)
        torch.testing.assert_close(found.frames.on_cpu, expected.frames, atol=2e-3, rtol=0)
        torch.testing.assert_close(found.mask.on_cpu, expected.mask, atol=2e-2, rtol=0)
        assert draw_faces(OnGpu(frames), found.faces).device.type in ("cpu", "cuda")
        assert face_mask(OnGpu(frames), found.faces).device.type in ("cpu", "cuda")


@pytest.mark.parametrize("backbone", ["mobile0.25", "resnet50"])
def test_retinaface_finds_the_same_on_a_gpu_and_asks_it_once_for_each_of_its_three_results(astronaut, backbone):
    pytest.importorskip("facexlib", reason="RetinaFace's layers come from facexlib, which is not installed")
    torch.manual_seed(3)
    module = build_network(backbone).eval().requires_grad_(False)
    for head in (*module.BboxHead, *module.LandmarkHead):
        head.conv1x1.weight.mul_(1e-3)  # sizes are exponentials of it
    fold_batch_norms(module)  # as the loader does
    network = RetinaFace(module, backbone)
    expected = network.find(astronaut, 0.5)  # of random weights: hundreds of places that look like faces
    assert len(expected.boxes) > 10
    with PretendCuda() as gpu:
        gpu.module(network.module)
        found = network.find(OnGpu(astronaut), 0.5)
        assert gpu.waits == ["aten::_to_copy"] * 3
    assert abs(len(found.boxes) - len(expected.boxes)) <= 2  # scores next to each other may swap, and suppress another
    places, wanted = (torch.cat((each.boxes, each.landmarks.flatten(1)), 1) for each in (found, expected))
    apart = torch.cdist(places, wanted, compute_mode="donot_use_mm_for_euclid_dist")
    assert (apart.amin(1) < 0.05).float().mean() > 0.99


@pytest.mark.parametrize("parsed", [False, True])
@pytest.mark.parametrize("color", ["luminance", "wavelet"])
def test_regions_grain_and_what_is_kept_are_the_same_on_a_gpu(astronaut, astronaut_face, parsed, color):
    """Something green lies on the cheek; the restoration shows the face behind it."""
    clean = align_face(astronaut, astronaut_face, 256).pixels
    covered = astronaut.clone()
    covered[:, 118:140, 190:212] = torch.tensor([0.1, 0.7, 0.2])[:, None, None]
    mask = torch.zeros(1, 1, 256, 256)
    mask[..., 128:] = 1
    wish = RegionOptions({"eyes": 0.2, "skin": 0.9}, grow=2, mask=mask, mask_mode="subtract")
    options = BlendOptions(color=color, grain=0.8, regions=wish)
    parser = FaceParser(Halves()) if parsed else None

    def blended(canvas, pixels, region_options):
        face = RestoredFace(align_face(canvas, astronaut_face, 256), pixels)
        kept = KeepContent().protect(face, canvas)
        assert kept.facts.kept_back > 0.01
        return blend_frame(canvas, [kept], region_options, parser)

    expected, expected_mask = blended(covered, clean, options)
    with PretendCuda() as gpu:
        if parser is not None:
            gpu.module(parser.module)
        found, found_mask = blended(OnGpu(covered), OnGpu(clean), options)
        torch.testing.assert_close(found.on_cpu, expected, atol=1e-3, rtol=0)
        torch.testing.assert_close(found_mask.on_cpu, expected_mask, atol=1e-3, rtol=0)
