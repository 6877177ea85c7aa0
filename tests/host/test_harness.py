"""The harness itself, on a small pack of its own: what these show about it, the tests of our pack may rely on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from host_harness.host_process import HostProcess, Prompt
from host_harness.http_server import HttpServer
from PIL import Image

TINY_PACK = """
import comfy.model_management as mm
import comfy.utils
import torch
from comfy.model_patcher import ModelPatcher
from comfy_api.latest import ComfyExtension, io

from . import side

print("a pack may print: the protocol does not mind")


class Invert(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        inputs = [io.Image.Input("image"), io.Int.Input("steps", default=3, min=1, max=9), io.Boolean.Input("fail")]
        return io.Schema("Tiny_Invert", display_name="Tiny invert", inputs=inputs, outputs=[io.Image.Output()])

    @classmethod
    def execute(cls, image, steps, fail):
        bar = comfy.utils.ProgressBar(steps)
        for step in range(steps):
            mm.throw_exception_if_processing_interrupted()
            bar.update_absolute(step + 1, steps)
        if fail:
            raise ValueError("told to fail")
        return io.NodeOutput(1 - image)


class Load(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("Tiny_Load", outputs=[io.Custom("TINY_MODEL").Output()])

    @classmethod
    def execute(cls):
        model = torch.nn.Linear(8, 8)
        patcher = ModelPatcher(model, load_device=mm.get_torch_device(), offload_device=mm.unet_offload_device())
        mm.load_models_gpu([patcher], force_full_load=True)
        return io.NodeOutput(patcher)


class TinyExtension(ComfyExtension):
    async def get_node_list(self):
        return [Invert, Load]


async def comfy_entrypoint():
    return TinyExtension()
"""


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A custom node pack: a folder of two modules."""
    folder = tmp_path_factory.mktemp("packs") / "tiny_pack"
    folder.mkdir()
    (folder / "side.py").write_text("")
    (folder / "__init__.py").write_text(TINY_PACK)
    return folder


@pytest.fixture
def tiny_host(host: HostProcess, tiny_pack: Path, picture: Path) -> HostProcess:
    """The host with the tiny pack loaded and a picture among its inputs."""
    assert host.load_pack(host.base.link_pack(tiny_pack)).loaded
    host.base.place_input(picture)
    return host


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny PNG of one color."""
    file = tmp_path_factory.mktemp("pictures") / "color.png"
    Image.new("RGB", (16, 12), (10, 20, 30)).save(file)
    return file


def inverting(image: str, steps: int = 3, fail: bool = False) -> Prompt:
    """LoadImage → Tiny_Invert → SaveImage."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": image}},
        "2": {"class_type": "Tiny_Invert", "inputs": {"image": ["1", 0], "steps": steps, "fail": fail}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "inverted"}},
    }


def test_a_host_is_of_the_version_asked_for(host: HostProcess, comfy_version: str):
    assert host.versions["comfyui"] == comfy_version


def test_loading_reports_nodes_time_and_new_modules(tiny_host: HostProcess, tiny_pack: Path):
    report = tiny_host.load_pack(tiny_host.base.link_pack(tiny_pack))
    assert report.node_ids == ["Tiny_Invert", "Tiny_Load"]
    assert report.import_ms > 0
    assert [name for name in report.new_modules if name.endswith("side")]


def test_a_broken_pack_reports_its_traceback(host: HostProcess, tmp_path: Path):
    broken = tmp_path / "broken_pack.py"
    broken.write_text("raise RuntimeError('broken on purpose')")
    report = host.load_pack(broken)
    assert not report.loaded and report.node_ids == []
    assert "broken on purpose" in (report.traceback or "")


def test_a_schema_is_as_object_info_gives_it(tiny_host: HostProcess):
    info = tiny_host.object_info("Tiny_Invert")
    assert info["display_name"] == "Tiny invert"
    assert list(info["input"]["required"]) == ["image", "steps", "fail"]


def test_a_prompt_runs_and_its_second_run_is_cached(tiny_host: HostProcess):
    first, second = tiny_host.run(inverting("color.png")), tiny_host.run(inverting("color.png"))
    assert first.status == second.status == "success"
    assert first.executed == ["1", "2", "3"] and first.cached == []
    assert second.executed == [] and sorted(second.cached) == ["1", "2", "3"]
    assert [step["value"] for step in first.progress] == [1, 2, 3]
    saved = tiny_host.base.output_file(first.outputs["3"]["images"][0])
    assert Image.open(saved).getpixel((0, 0)) == (245, 235, 225)


def test_a_refused_prompt_reports_node_errors_and_runs_nothing(tiny_host: HostProcess):
    result = tiny_host.run(inverting("color.png", steps=99))
    assert result.status == "invalid" and result.executed == []
    assert result.node_errors["2"]["errors"][0]["type"] == "value_bigger_than_max"


def test_an_error_in_a_node_reaches_the_result(tiny_host: HostProcess):
    result = tiny_host.run(inverting("color.png", fail=True))
    assert result.status == "error" and result.error is not None
    assert (result.error["node_id"], result.error["exception_type"]) == ("2", "ValueError")
    assert "told to fail" in result.error["exception_message"]


def test_a_cancelled_run_stops_at_the_node_that_ran(tiny_host: HostProcess):
    result = tiny_host.run_and_cancel(inverting("color.png", steps=5), after=2)
    assert result.status == "interrupted" and result.error is not None
    assert result.error["node_id"] == "2" and len(result.progress) == 2
    assert tiny_host.run(inverting("color.png", steps=5)).status == "success"


def test_loaded_models_are_listed_with_the_place_of_their_weights(tiny_host: HostProcess):
    probe = {"class_type": "Probe_Save", "inputs": {"value": ["1", 0], "name": "model"}}
    result = tiny_host.run({"1": {"class_type": "Tiny_Load", "inputs": {}}, "2": probe})
    assert result.outputs["2"]["probe"][0]["type"] == "ModelPatcher"
    (model,) = tiny_host.loaded_models()
    assert model["model"] == "Linear" and model["on_load_device"]
    tiny_host.reset()
    assert tiny_host.loaded_models() == []


def test_probe_nodes_carry_tensors_exactly(host: HostProcess):
    image = np.random.default_rng(0).random((1, 4, 5, 3), dtype=np.float32)
    np.save(host.base.input / "exact.npy", image)
    prompt = {
        "1": {"class_type": "Probe_Load", "inputs": {"name": "exact"}},
        "2": {"class_type": "Probe_Save", "inputs": {"value": ["1", 0], "name": "exact"}},
    }
    seen = host.run(prompt).outputs["2"]["probe"][0]
    assert seen["shape"] == [1, 4, 5, 3]
    assert np.array_equal(np.load(host.base.output / seen["filename"]), image)


def test_placed_models_are_found(host: HostProcess, place_model: Callable[..., Path], picture: Path):
    place_model(picture, folder="upscale_models", name="model.pth")
    assert host.folder("upscale_models")["files"] == ["model.pth"]


def test_modules_tells_imported_from_absent(host: HostProcess):
    assert host.modules("nodes", "no_such_module") == ["nodes"]


def test_a_prompt_runs_over_http(start_server: Callable[..., HttpServer], tiny_pack: Path, picture: Path):
    server = start_server("0.30.0", {"tiny_pack": tiny_pack})
    image = server.upload_image(picture)
    done = server.run(inverting(image))
    assert done["status"]["status_str"] == "success"
    assert server.view(done["outputs"]["3"]["images"][0]).startswith(b"\x89PNG")
    assert server.object_info("Tiny_Invert")["python_module"] == "custom_nodes.tiny_pack"
