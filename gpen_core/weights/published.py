"""Weights of published networks that faces are compared with: the user's files, checked by their sums, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ..errors import CheckpointError, MissingWeightsError
from ..files import file_sha256
from .find import find_file
from .reading import read_checkpoint


@dataclass(frozen=True)
class PublishedFile:
    """A file of weights that is published elsewhere.

    Attributes:
        network: Whose weights, for messages.
        address: Where to get it.
        sums: Each name that it goes by, the usual one first, and the sha256; or the first digits only, as torch.hub writes
            them into names.
    """

    network: str
    address: str
    sums: tuple[tuple[str, str], ...]


def read_published(file: PublishedFile, folders: Iterable[Path]) -> dict[str, Tensor]:
    """The weights of ``file`` by name, from the first folder that has it.

    Raises MissingWeightsError with the address, and CheckpointError for other content under that name: figures of a
    network that is not the published one would look just as good.
    """
    places = tuple(folders)
    found = ((path, digits) for name, digits in file.sums if (path := find_file(name, places)) is not None)
    path, digits = next(found, (None, ""))
    if path is None:
        raise MissingWeightsError(
            f"the weights of {file.network}, {file.sums[0][0]}, are in no folder of weights. Get them from {file.address}"
        )
    if not file_sha256(path).startswith(digits):
        raise CheckpointError(
            f"{path.name}: not the published file: its sha256 does not begin with {digits[:16]}. "
            f"Download it again from {file.address}, or take it out of the folder."
        )
    content = read_checkpoint(path).content
    return {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
