"""Train GPEN: a configuration, a folder of aligned faces, and patience."""

from .config import TrainConfig
from .reading import config_text, preset_names, read_config
from .run import Places, Watch, train

__all__ = ["Places", "TrainConfig", "Watch", "config_text", "preset_names", "read_config", "train"]
