"""Build metrics by name. What is missing on this machine is reported, with how to install it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from ....errors import MissingWeightsError, OptionError
from ....faces.identity import find_embedder
from ....weights.find import find_file
from .base import Metric, MetricSet, SetMetric
from .fid import load_fid
from .fidelity import MS_SSIM, MS_SSIM_LEAST, PSNR, SSIM, WINDOW
from .finder import FaceFinder, mtcnn_finder
from .identity import IdentityDistance
from .landmarks import LandmarkDistance
from .lpips import load_lpips
from .niqe import PARAMETERS_FILE, Niqe, NiqeModel, read_niqe_model
from .niqe_features import BLOCK

_NIQE_SOURCE = "https://github.com/XPixelGroup/BasicSR/raw/master/basicsr/metrics/niqe_pris_params.npz"


@dataclass(frozen=True, eq=False)
class _Setup:
    """For pictures of ``size`` px; ``folders`` are where weights are looked for."""

    size: int
    folders: tuple[Path, ...]
    niqe: NiqeModel | None

    @cached_property
    def finder(self) -> FaceFinder:
        return mtcnn_finder(self.size)


def _ssim(setup: _Setup) -> Metric:
    _check_size(setup.size, WINDOW, "SSIM's window")
    return SSIM


def _ms_ssim(setup: _Setup) -> Metric:
    _check_size(setup.size, MS_SSIM_LEAST, "MS-SSIM's five scales")
    return MS_SSIM


def _niqe(setup: _Setup) -> Metric:
    _check_size(setup.size, 2 * BLOCK, "NIQE's blocks")
    if setup.niqe is not None:
        return Niqe(setup.niqe)
    path = find_file(PARAMETERS_FILE, setup.folders)
    if path is None:
        raise MissingWeightsError(
            f"NIQE's parameters, {PARAMETERS_FILE}, are in no folder of weights. Get them from {_NIQE_SOURCE}, or "
            "estimate them from a folder of pristine pictures (evaluate --niqe-fit FOLDER)."
        )
    return Niqe(read_niqe_model(path))


_OF_PICTURES: MappingProxyType[str, Callable[[_Setup], Metric]] = MappingProxyType(
    {
        "psnr": lambda setup: PSNR,
        "ssim": _ssim,
        "ms_ssim": _ms_ssim,
        "niqe": _niqe,
        "lpips": lambda setup: load_lpips(setup.folders),
        "identity": lambda setup: IdentityDistance(find_embedder(setup.folders), setup.finder),
        "landmarks": lambda setup: LandmarkDistance(setup.finder),
    }
)
_OF_SETS: MappingProxyType[str, Callable[[_Setup], SetMetric]] = MappingProxyType(
    {"fid": lambda setup: load_fid(setup.folders)}
)
METRICS = (*_OF_PICTURES, *_OF_SETS)


def build_metrics(
    names: Sequence[str], size: int, *, folders: Sequence[Path] = (), niqe: NiqeModel | None = None
) -> MetricSet:
    """The metrics of these names, for pictures of ``size`` px.

    Those whose weights or packages are not on this machine, or which need larger pictures, are in the result's
    ``absent`` with the reason. Raises OptionError for an unknown name, and CheckpointError for a file that is present
    but not what it should be.
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise OptionError(f"no metric is called '{unknown[0]}'. Known: {', '.join(METRICS)}.")
    setup = _Setup(size, tuple(folders), niqe)
    metrics: list[Metric] = []
    sets: list[SetMetric] = []
    absent: list[tuple[str, str]] = []
    for name in dict.fromkeys(names):
        try:
            if name in _OF_SETS:
                sets.append(_OF_SETS[name](setup))
            else:
                metrics.append(_OF_PICTURES[name](setup))
        except (MissingWeightsError, OptionError) as error:
            absent.append((name, str(error)))
    return MetricSet(tuple(metrics), tuple(sets), tuple(absent))


def _check_size(size: int, least: int, what: str) -> None:
    if size < least:
        raise OptionError(f"{what} needs pictures of {least} px at least; the model makes {size} px")
