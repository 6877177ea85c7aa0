"""Is a file the model that the catalog says it is?"""

from __future__ import annotations

from pathlib import Path

from ..errors import CheckpointError
from ..weights.catalog import WeightFile
from .load import load_checkpoint


def verify(entry: WeightFile, path: Path) -> None:
    """Load ``path`` strictly; what ``weights.download`` asks where nobody publishes a checksum.

    Raises:
        CheckpointError: It is not a GPEN model, or one of another size than ``entry.size``. Entries of other kinds (all of
            which have a checksum) are not looked at.
    """
    if entry.kind != "gpen":
        return
    config = load_checkpoint(path).config
    if config.input_size != entry.size:
        raise CheckpointError(
            f"{path.name} is a {config.input_size} px model, not the {entry.size} px one it should be."
        )
