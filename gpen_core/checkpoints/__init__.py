"""Reading, describing, converting, finding and fetching weight files.

What only some callers need (``convert``, ``download``, ``store``) is imported from its own module.
"""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .catalog import PUBLISHED, TASKS, Task, WeightFile, published_named
    from .infer import infer_config
    from .load import GpenModel, load_checkpoint

__all__ = [
    "PUBLISHED",
    "TASKS",
    "GpenModel",
    "Task",
    "WeightFile",
    "infer_config",
    "load_checkpoint",
    "published_named",
]

__getattr__ = lazy_names(
    __name__,
    {
        "catalog": ("PUBLISHED", "TASKS", "Task", "WeightFile", "published_named"),
        "infer": ("infer_config",),
        "load": ("GpenModel", "load_checkpoint"),
    },
)
