"""Train GPEN: a configuration, a folder of aligned faces, and patience."""

from .config import TrainConfig
from .preflight import dry_run
from .reading import config_text, preset_names, read_config
from .run import train
from .run_paths import Observer, RunPaths

__all__ = [
    "Observer",
    "RunPaths",
    "TrainConfig",
    "config_text",
    "dry_run",
    "preset_names",
    "read_config",
    "train",
]
