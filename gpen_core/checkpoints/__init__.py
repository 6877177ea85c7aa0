"""Reading, describing, converting and finding weight files."""

from .catalog import PUBLISHED, TASKS, Task, WeightFile, published_named
from .load import GpenModel, load_checkpoint

__all__ = ["PUBLISHED", "TASKS", "GpenModel", "Task", "WeightFile", "load_checkpoint", "published_named"]
