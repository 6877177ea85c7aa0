"""What a GPEN model can be trained for. The weights don't tell; file metadata, options or the catalog do."""

from .base import Task
from .published import TASKS, check_task, gives_color

__all__ = ["TASKS", "Task", "check_task", "gives_color"]
