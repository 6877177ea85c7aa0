"""Enlarge whole pictures with a network of another kind before faces are blended in. spandrel knows the networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..commands import pip_install
from ..errors import MissingWeightsError, RestorationError
from ..imaging.numbers import in_unit_range
from ..polling import polling
from ..weights.reading import read_checkpoint
from ..weights.regular import is_missing
from .afresh import afresh, is_stuck
from .hooks import Hooks
from .upscaler_file import network_in

DEFAULT_MIB = 1024  # of working memory, where nobody says otherwise
_OVERLAP = 32  # pixels to each side of a tile that are computed and thrown away: seams would show without
_LEAST = 32  # pixels: the side of the smallest tile, without its overlap
_PROBE = 48  # pixels: the side of what is run once to see what a pixel takes
_BESIDE = 2  # times the largest layer's input and output: skips and what is held until the end of a block
Span = tuple[int, int]


@dataclass(eq=False)
class Upscaler:
    """A network that enlarges pictures.

    Attributes:
        network: spandrel's descriptor of it.
        name: What messages call it.
        memory_mib: What a tile may take beside the weights, in MiB.
    """

    network: Any
    name: str
    memory_mib: int = DEFAULT_MIB
    _pixel_bytes: float = field(default=0.0, init=False, repr=False)

    @property
    def scale(self) -> int:
        """By how much pictures grow."""
        return int(self.network.scale)

    @torch.inference_mode()
    def __call__(self, frame: Tensor, hooks: Hooks = Hooks()) -> Tensor:
        """Enlarge one picture, in tiles where it needs more memory than allowed.

        Args:
            frame: [3 or more, H, W] RGB(…) in [0, 1], or of whole numbers as files have them. Channels after the third are left
                out.
            hooks: Polled at each tile; a tile that does not fit into memory is halved.

        Returns:
            [3, scale · H, scale · W] RGB float32 in [0, 1], on the CPU.

        Raises:
            RestorationError: Not even the smallest tile fits into memory.
        """
        side = self._tile_side()
        while True:
            try:
                return self._enlarged(frame[:3], side, hooks).clone()
            except Exception as error:
                if not hooks.is_out_of_memory(error):
                    raise
                if side <= _LEAST:
                    raise RestorationError(
                        f"not enough memory to enlarge the picture with {self.name}. Close other programs, or use the CPU."
                    ) from error
            side = max(_LEAST, min(side, max(frame.shape[-2:])) // 2)
            hooks.free_memory()  # outside the handler: the error holds on to the tensors it failed with

    def _enlarged(self, frame: Tensor, side: int, hooks: Hooks) -> Tensor:
        height, width = frame.shape[-2:]
        result = torch.empty(3, height * self.scale, width * self.scale)
        if not _may_be_tiled(self.network):
            side = max(height, width)
        for top, bottom in _spans(height, side):
            for left, right in _spans(width, side):
                hooks.poll()
                with polling(hooks.poll):
                    part = self._tile(frame, (top, bottom), (left, right), hooks)
                place = (slice(top * self.scale, bottom * self.scale), slice(left * self.scale, right * self.scale))
                result[:, place[0], place[1]] = part
        return result

    def _tile(self, frame: Tensor, rows: Span, columns: Span, hooks: Hooks) -> Tensor:
        """A part of the result, [3, h · scale, w · scale]."""
        height, width = frame.shape[-2:]
        top, bottom = max(0, rows[0] - _OVERLAP), min(height, rows[1] + _OVERLAP)
        left, right = max(0, columns[0] - _OVERLAP), min(width, columns[1] + _OVERLAP)
        tile = in_unit_range(frame[:, top:bottom, left:right])[None]
        made = _run_once_more_if_stuck(partial(self._run, tile), hooks)
        y, x = (rows[0] - top) * self.scale, (columns[0] - left) * self.scale
        part = made[0, :, y : y + (rows[1] - rows[0]) * self.scale, x : x + (columns[1] - columns[0]) * self.scale]
        if not bool(torch.isfinite(part).all()):
            raise RestorationError(f"{self.name} gave NaN or infinity: its weights are damaged, or are no upscaler's")
        return part

    def _run(self, tile: Tensor) -> Tensor:
        weight = next(self.network.model.parameters())
        made: Tensor = self.network(tile.to(weight.device, weight.dtype))
        return made.float().cpu()

    def _tile_side(self) -> int:
        """Of a tile without its overlap, in pixels, so that with it a tile takes what is allowed."""
        if not self._pixel_bytes:
            probe = torch.full((1, 3, _PROBE, _PROBE), 0.5)
            self._pixel_bytes = _bytes_of_a_pixel(self.network.model, partial(self._run, probe))
        affordable = math.sqrt((self.memory_mib << 20) / self._pixel_bytes)
        return max(_LEAST, int(affordable) - 2 * _OVERLAP)


def load_upscaler(path: str | Path, *, device: torch.device | str = "cpu", memory_mib: int = 0) -> Upscaler:
    """Load any upscaling network that spandrel knows: ESRGAN, RealESRGAN, SwinIR, DAT, HAT and others.

    Args:
        path: A ``.pth`` or ``.safetensors`` file. Nothing that is in it is run.
        device: Where it runs.
        memory_mib: What a tile may take beside the weights, in MiB; 0: 1024.

    Raises:
        MissingWeightsError: The file, or the Python package spandrel, is not on this machine.
        CheckpointError: The file is no network that enlarges color pictures.
    """
    path = Path(path)
    if is_missing(path):
        raise MissingWeightsError(
            f"{path}: no such file. Give the file of an upscaling network, such as RealESRGAN_x4plus.pth."
        )
    try:
        import spandrel  # noqa: F401 - what reads the network needs it
    except ImportError as error:
        raise MissingWeightsError(f"upscaling needs the Python package spandrel: {pip_install('spandrel')}") from error
    network = network_in(read_checkpoint(path).content, path.name)
    network.to(torch.device(device)).eval()
    network.model.requires_grad_(False)
    return Upscaler(network, path.name, memory_mib or DEFAULT_MIB)


def _may_be_tiled(network: Any) -> bool:
    return str(getattr(network.tiling, "name", "SUPPORTED")) == "SUPPORTED"


def _spans(length: int, side: int) -> Iterator[Span]:
    """Equal parts of a side, none longer than ``side``."""
    count = max(1, math.ceil(length / side))
    edges = [round(length * number / count) for number in range(count + 1)]
    return pairwise(edges)


def _bytes_of_a_pixel(module: nn.Module, run: Callable[[], Tensor]) -> float:
    """What a run takes for each pixel of its input: its largest layer, and what lies beside that."""
    largest = 0

    def seen(_: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        nonlocal largest
        tensors = [one for one in (*inputs, output) if isinstance(one, Tensor)]
        largest = max(largest, sum(one.numel() * one.element_size() for one in tensors))

    leaves = [part for part in module.modules() if not any(part.children())]
    handles = [part.register_forward_hook(seen) for part in leaves]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return max(1.0, _BESIDE * largest / _PROBE**2)


def _run_once_more_if_stuck(job: Callable[[], Tensor], hooks: Hooks) -> Tensor:
    """A thread whose library is stuck since memory ran out cannot run it again; another one can."""
    try:
        return job()
    except Exception as error:
        if not hooks.is_out_of_memory(error) or not is_stuck(error):
            raise
    return afresh(job)
