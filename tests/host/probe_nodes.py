"""A custom node pack for the tests alone: exact tensors into and out of a workflow (PNG files round to 8 bits)."""

from json import loads
from pathlib import Path

import folder_paths
import numpy as np
import torch
from comfy_api.latest import ComfyExtension, io


class ProbeLoad(io.ComfyNode):
    """`input/<name>.npy` → IMAGE, as float32."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema("Probe_Load", inputs=[io.String.Input("name")], outputs=[io.Image.Output()])

    @classmethod
    def execute(cls, name: str) -> io.NodeOutput:
        return io.NodeOutput(torch.from_numpy(np.load(Path(folder_paths.get_input_directory(), f"{name}.npy"))).float())


class ProbeMake(io.ComfyNode):
    """JSON → what other packs and ComfyUI's own nodes hand on: boxes, landmarks."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema("Probe_Make", inputs=[io.String.Input("json")], outputs=[io.AnyType.Output()])

    @classmethod
    def execute(cls, json: str) -> io.NodeOutput:
        return io.NodeOutput(loads(json))


class ProbeSave(io.ComfyNode):
    """Anything → `ui.probe`: {type, device, dtype, shape, file} of a tensor, {type, repr, attributes} of the rest."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        inputs = [io.AnyType.Input("value"), io.String.Input("name")]
        return io.Schema("Probe_Save", inputs=inputs, is_output_node=True)

    @classmethod
    def execute(cls, value: object, name: str) -> io.NodeOutput:
        if not isinstance(value, torch.Tensor):
            attributes = sorted(key for key in dir(value) if not key.startswith("_"))
            return _seen(type=type(value).__name__, repr=repr(value), attributes=attributes)
        file = Path(folder_paths.get_output_directory(), f"{name}.npy")
        np.save(file, value.detach().float().cpu().numpy())
        place = {"device": str(value.device), "dtype": str(value.dtype), "shape": list(value.shape)}
        return _seen(type="Tensor", **place, filename=file.name)


class ProbeBatches(io.ComfyNode):
    """Bears the name of Video Helper Suite's meta-batch manager, which runs a workflow once for each batch of a clip."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema("VHS_BatchManager", inputs=[io.Int.Input("frames_per_batch")], is_output_node=True)

    @classmethod
    def execute(cls, frames_per_batch: int) -> io.NodeOutput:
        return _seen(frames=frames_per_batch)


def _seen(**facts: object) -> io.NodeOutput:
    return io.NodeOutput(ui={"probe": [facts]})


class ProbeExtension(ComfyExtension):
    """All probe nodes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [ProbeLoad, ProbeMake, ProbeSave, ProbeBatches]


async def comfy_entrypoint() -> ProbeExtension:
    return ProbeExtension()
