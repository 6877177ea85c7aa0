"""How much memory a worker takes, from what its engine says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from ..checkpoints import GpenModel

_MIB = 1 << 20
_PROCESS = 600 * _MIB  # Python, torch and Ray's own part of a worker, with MTCNN: an estimate
_PICTURE = 24_000_000 * 3 * 4 * 3  # a picture of 24 megapixels in float32: as read, in work, and as written


@dataclass(frozen=True)
class WorkerSize:
    """Bytes of a worker, by what they are for.

    Attributes:
        weights: Of the model.
        working: What its engine takes for a face, beside the weights.
        process: Everything else that is there before an image is.
        picture: What a large image takes.
    """

    weights: int
    working: int
    process: int = _PROCESS
    picture: int = _PICTURE

    @property
    def host(self) -> int:
        """All of it: main memory, of a worker without a GPU."""
        return self.weights + self.working + self.process + self.picture

    @property
    def device(self) -> int:
        """What a GPU must have free for a worker."""
        return self.weights + self.working


def worker_size(model: GpenModel) -> WorkerSize:
    """What a worker with this model takes, where it is and in its precision."""
    weights = sum(weight.numel() * weight.element_size() for weight in model.module.parameters())
    return WorkerSize(weights, model.engine.working_bytes(model.config, 1, model.dtype))
