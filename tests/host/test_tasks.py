"""Colorizing, inpainting and label maps in real ComfyUI: what the nodes give is what the core gives, and what is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from host_harness.graphs import Prompt, load, node, probing
from host_harness.host_process import HostProcess, RunResult
from PIL import Image

from gpen_core import load_checkpoint
from gpen_core.faces.detectors import load_detector
from gpen_core.imaging.files import Picture, save_picture
from gpen_core.pipeline import RestoreOptions, Settings, restore_image
from gpen_core.pipeline.label_maps import drawn_map, legend
from gpen_core.tasks.labels import LABEL_COLORS, label_numbers

MODELS = {"color": "GPEN-Colorization-1024.pth", "fill": "GPEN-Inpainting-1024.pth", "map": "GPEN-Seg2face-512.pth"}
STROKE = np.s_[118:126, 190:262]  # of the astronaut's face


@pytest.fixture
def ready(
    pack_host: HostProcess, place_model: Callable[..., Path], checkpoint: Path, portrait: Path, tmp_path: Path
) -> HostProcess:
    """The host with our pack, the small model under each task's published name, and pictures for each task."""
    for name in MODELS.values():
        place_model(checkpoint, name=name)
    place_model(checkpoint)
    with Image.open(portrait) as opened:
        opened.convert("L").save(tmp_path / "gray.png")
        alpha = Image.new("L", opened.size, 255)  # as the mask editor saves it: what is painted is transparent
        alpha.paste(0, (190, 118, 262, 126))
        painted = opened.convert("RGB")
        painted.putalpha(alpha)
        painted.save(tmp_path / "painted.png")
    save_picture(Picture(drawn_map(256)), tmp_path / "map.png")
    for path in (portrait, tmp_path / "gray.png", tmp_path / "painted.png", tmp_path / "map.png"):
        pack_host.base.place_input(path)
    return pack_host


def read(host: HostProcess, result: RunResult, name: str) -> np.ndarray:
    assert result.status == "success", "\n".join((result.error or {}).get("traceback", [str(result.node_errors)]))
    return np.load(host.base.output / result.outputs[f"probe_{name}"]["probe"][0]["filename"])


def said(result: RunResult) -> str:
    return result.outputs["6"]["gpen_status"][0]


def error_of(host: HostProcess, prompt: Prompt) -> str:
    result = host.run(probing(prompt, picture=("6", 0)))
    assert result.status == "error" and result.error is not None
    return result.error["exception_message"]


def coloring(image: str = "gray.png", model: str = MODELS["color"], **changes: Any) -> Prompt:
    settings = {"area": "faces", "strength": 1.0, "softness": 0.35} | changes
    return load(image, model) | {
        "6": node("GPEN_Colorize", image=["1", 0], model=["2", 0], detector=["3", 0], **settings)
    }


def filling(image: str = "painted.png", model: str = MODELS["fill"], **changes: Any) -> Prompt:
    settings = {"area": "faces", "strength": 1.0} | changes
    made = node("GPEN_InpaintFaces", image=["1", 0], mask=["1", 1], model=["2", 0], detector=["3", 0], **settings)
    return load(image, model) | {"6": made}


def facing(image: str = "map.png", model: str = MODELS["map"]) -> Prompt:
    return load(image, model) | {"6": node("GPEN_FacesFromLabelMaps", label_maps=["1", 0], model=["2", 0])}


@pytest.mark.parametrize("area", ["faces", "whole picture"])
def test_a_gray_photograph_is_colored_as_the_core_does_it(ready: HostProcess, checkpoint: Path, area: str):
    result = ready.run(probing(coloring(area=area), given=("1", 0), picture=("6", 0), mask=("6", 1)))
    given = read(ready, result, "given")
    model = load_checkpoint(checkpoint, task="colorization")
    settings = Settings(restore=RestoreOptions(whole_picture=area != "faces"))
    frames = torch.from_numpy(given).movedim(-1, 1)
    expected = restore_image(frames, model, load_detector("mtcnn"), settings)
    picture = read(ready, result, "picture")
    np.testing.assert_allclose(picture, expected.frames.movedim(1, -1).numpy(), atol=2e-3)
    np.testing.assert_allclose(picture[0] @ [0.299, 0.587, 0.114], given[0, ..., 0], atol=1e-4)
    assert np.ptp(picture[0][64:188, 175:272], axis=-1).max() > 0.05
    assert said(result).startswith("1 face colorized." if area == "faces" else "Whole picture colorized.")


def test_a_color_photograph_is_told_what_will_happen(ready: HostProcess):
    assert "in color already" in said(ready.run(probing(coloring("astronaut.png"), picture=("6", 0))))


@pytest.mark.parametrize("area", ["faces", "whole picture"])
def test_what_was_painted_in_the_mask_editor_is_filled_and_nothing_else(ready: HostProcess, area: str):
    result = ready.run(probing(filling(area=area), given=("1", 0), picture=("6", 0), mask=("6", 1)))
    given, picture, mask = (read(ready, result, name)[0] for name in ("given", "picture", "mask"))
    painted = np.zeros((512, 512), bool)
    painted[STROKE] = True
    np.testing.assert_array_equal(picture[~painted], given[~painted])
    assert not mask[~painted].any() and mask[painted].min() > 0.5
    assert (picture != given).any(-1)[painted].mean() > 0.9 and "filled" in said(result)


def test_an_image_on_which_nothing_was_painted_comes_back_and_that_is_said(ready: HostProcess):
    result = ready.run(probing(filling("astronaut.png"), given=("1", 0), picture=("6", 0)))
    np.testing.assert_array_equal(read(ready, result, "picture"), read(ready, result, "given"))
    assert "The mask is empty" in said(result) and result.outputs["6"]["gpen_notice"] == [True]


def test_a_label_map_becomes_a_face_and_several_do_at_once(ready: HostProcess, checkpoint: Path):
    prompt = facing()
    prompt["8"] = node("ImageBatch", image1=["1", 0], image2=["1", 0])
    prompt["6"]["inputs"]["label_maps"] = ["8", 0]
    picture = read(ready, ready.run(probing(prompt, picture=("6", 0))), "picture")
    assert picture.shape == (2, 64, 64, 3)
    model = load_checkpoint(checkpoint, task="seg2face")
    wanted = restore_image(drawn_map(256)[None], model, None).frames.movedim(1, -1).numpy()
    np.testing.assert_allclose(picture, np.repeat(wanted, 2, 0), atol=2e-3)


def test_a_map_of_a_face_is_drawn_in_the_colors_of_its_legend(
    ready: HostProcess, place_model: Callable[..., Path], tmp_path: Path
):
    """A parser with random weights: which part is where is ParseNet's affair, colors and framing are ours."""
    parsenet = pytest.importorskip("facexlib.parsing.parsenet", reason="facexlib has the parser's network")
    torch.manual_seed(0)
    network = parsenet.ParseNet(in_size=512, out_size=512, parsing_ch=19)
    torch.save(network.state_dict(), tmp_path / "parsing_parsenet.pth")
    place_model(tmp_path / "parsing_parsenet.pth", folder="facedetection")
    prompt = load("astronaut.png")
    prompt["8"] = node("GPEN_LoadParser", parser_name="parsing_parsenet.pth")
    prompt["6"] = node("GPEN_LabelMap", image=["1", 0], parser=["8", 0], detector=["3", 0])
    del prompt["2"]
    result = ready.run(probing(prompt, maps=("6", 0), legend=("6", 1)))
    maps = read(ready, result, "maps")
    assert maps.shape == (1, 512, 512, 3)
    colors = {tuple(color) for color in np.unique((maps * 255).round().astype(int).reshape(-1, 3), axis=0).tolist()}
    assert colors <= set(LABEL_COLORS.values())
    np.testing.assert_allclose(read(ready, result, "legend")[0], legend().movedim(0, -1).numpy(), atol=1e-6)
    assert label_numbers(torch.from_numpy(maps[0]).movedim(-1, 0)).shape == (512, 512)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        (coloring(model="tiny.pth"), "choose GPEN-Colorization-1024"),
        (filling(model=MODELS["color"]), "choose GPEN-Inpainting-1024"),
        (facing(model=MODELS["fill"]), "choose GPEN-Seg2face-512"),
        (facing("gray.png"), "no label map"),
    ],
    ids=["no colorizer", "no filler", "no mapper", "no map"],
)
def test_the_wrong_model_or_picture_is_named(ready: HostProcess, prompt: Prompt, says: str):
    assert says in error_of(ready, prompt)


@pytest.mark.parametrize(
    "name", ["portrait", "contact sheet", "gray portrait", "scratched portrait", "label map", "covered portrait"]
)
def test_every_example_picture_is_there_with_a_mask_of_its_size(pack_host: HostProcess, name: str):
    prompt = {"1": node("GPEN_ExampleImage", picture=name)}
    result = pack_host.run(probing(prompt, picture=("1", 0), mask=("1", 1)))
    picture, mask = read(pack_host, result, "picture"), read(pack_host, result, "mask")
    assert picture.shape[:3] == mask.shape and bool(mask.any()) == (name in ("scratched portrait", "covered portrait"))
