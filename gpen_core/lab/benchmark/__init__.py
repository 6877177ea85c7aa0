"""How fast a machine restores faces, and how far that is from what it could do."""

from .timing import Timing, alternately, time_alternately

__all__ = ["Timing", "alternately", "time_alternately"]
