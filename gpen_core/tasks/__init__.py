"""What a GPEN model can be trained for. The weights don't tell; file metadata, options or the catalog do."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names
from .names import TASK_NAMES

if TYPE_CHECKING:
    from .base import Task
    from .published import TASKS, check_task, gives_color

__all__ = ["TASKS", "TASK_NAMES", "Task", "check_task", "gives_color"]

__getattr__ = lazy_names(__name__, {"base": ("Task",), "published": ("TASKS", "check_task", "gives_color")})
