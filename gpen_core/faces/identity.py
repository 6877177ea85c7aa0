"""Whether two faces are one person's, as a recognition network judges it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..commands import install_facexlib, pip_install
from ..errors import MissingWeightsError, OptionError
from ..types import Landmarks
from ..weights.published import PublishedFile, read_published

_ARCFACE_SHA256 = "a035c768259b98ab1ce0e646312f48b9e1e218197a0f80ac6765e88f8b6ddf28"
ARCFACE = PublishedFile(
    "facexlib's ArcFace (IR-SE50)",
    "https://github.com/xinntao/facexlib/releases/download/v0.1.0/recognition_arcface_ir_se50.pth",
    tuple((name, _ARCFACE_SHA256) for name in ("recognition_arcface_ir_se50.pth", "model_ir_se50.pth")),
)
DLIB_FILE = "dlib_face_recognition_resnet_model_v1.dat"
DLIB_PACKAGES = "dlib-bin face_recognition_models"
DLIB_CONVENTION = (
    "dlib's face recognition network: Euclidean distance of the descriptors; its maker takes faces closer than 0.6 for "
    "the same person's"
)

# Where ArcFace was trained to have the five points in its 112 px (InsightFace's alignment).
_ARCFACE_POINTS: Landmarks = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
# Where MTCNN's points lie in dlib's own 150 px chips: medians over 144 aligned faces that dlib's detector found.
_DLIB_POINTS: Landmarks = ((47.4, 45.5), (100.9, 45.2), (73.7, 76.7), (51.5, 104.4), (96.2, 104.2))


@dataclass(frozen=True)
class Embedder:
    """A recognition network.

    Attributes:
        side: Of the faces it takes, in pixels.
        points: Where the five landmarks lie in those.
        embed: Takes faces [N, 3, side, side] RGB in [0, 1] to vectors [N, D] float64.
        cosine: How distance is measured: 1 − cos, or Euclidean.
        convention: That, in words.
    """

    side: int
    points: Landmarks
    embed: Callable[[Tensor], Tensor]
    cosine: bool
    convention: str

    def distances(self, vectors: Tensor, others: Tensor) -> Tensor:
        """[N, D] twice → [N]."""
        if self.cosine:
            return (1 - torch.nn.functional.cosine_similarity(vectors, others)).clamp_min(0)
        return (vectors - others).norm(dim=1)

    def similarities(self, vectors: Tensor, others: Tensor) -> Tensor:
        """[N, D] twice → [N], 1 less the distance: 1 for the same face, about 0.4 at the least for one person's."""
        return 1 - self.distances(vectors, others)


def find_embedder(folders: Sequence[Path]) -> Embedder:
    """ArcFace where its file is present, else dlib's network where its packages are.

    Raises MissingWeightsError naming both, CheckpointError for a file under ArcFace's name that is another.
    """
    try:
        return arcface_embedder(read_published(ARCFACE, folders))
    except MissingWeightsError as error:
        if (path := _dlib_weights()) is not None:
            return dlib_embedder(path)
        raise MissingWeightsError(f"{error}; or install dlib's network: {pip_install(DLIB_PACKAGES)}") from error


def arcface_embedder(state: dict[str, Tensor]) -> Embedder:
    """facexlib's ArcFace with these weights."""
    try:
        from facexlib.recognition.arcface_arch import Backbone
    except ImportError as error:
        raise OptionError(f"ArcFace needs facexlib ({error}): {install_facexlib()}") from error
    with torch.device("meta"):
        network = Backbone(num_layers=50, drop_ratio=0.6, mode="ir_se")
    network.load_state_dict({key: value.float() for key, value in state.items()}, strict=True, assign=True)
    network.eval()

    @torch.no_grad()
    def embed(faces: Tensor) -> Tensor:
        vectors: Tensor = network(faces * 2 - 1)
        return vectors.double()

    return Embedder(112, _ARCFACE_POINTS, embed, True, "ArcFace (facexlib's IR-SE50): 1 − cosine of the embeddings")


def dlib_embedder(path: Path) -> Embedder:
    """dlib's face recognition network (King 2017), with the weights at ``path``."""
    import dlib

    network = dlib.face_recognition_model_v1(str(path))

    def embed(faces: Tensor) -> Tensor:
        pixels = faces.mul(255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
        vectors: Any = network.compute_face_descriptor(list(pixels))
        return torch.from_numpy(np.array(vectors, dtype=np.float64))

    return Embedder(150, _DLIB_POINTS, embed, False, DLIB_CONVENTION)


def _dlib_weights() -> Path | None:
    """The file in the package face_recognition_models, which is never imported: that would need pkg_resources."""
    spec = importlib.util.find_spec("face_recognition_models")
    if importlib.util.find_spec("dlib") is None or spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / "models" / DLIB_FILE
    return path if path.is_file() else None
