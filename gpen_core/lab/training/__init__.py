"""Train GPEN: a configuration, a folder of aligned faces, and patience."""

from .config import TrainConfig
from .places import Places, Watch
from .reading import config_text, preset_names, read_config
from .rehearsal import rehearse
from .run import train

__all__ = [
    "Places",
    "TrainConfig",
    "Watch",
    "config_text",
    "preset_names",
    "read_config",
    "rehearse",
    "train",
]
