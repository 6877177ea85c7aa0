"""Reading, describing, converting, finding and fetching weight files."""

from .catalog import PUBLISHED, TASKS, Task, WeightFile, published_named
from .convert import Description, convert, describe
from .download import download
from .infer import infer_config
from .load import GpenModel, load_checkpoint

__all__ = [
    "PUBLISHED",
    "TASKS",
    "Description",
    "GpenModel",
    "Task",
    "WeightFile",
    "convert",
    "describe",
    "download",
    "infer_config",
    "load_checkpoint",
    "published_named",
]
