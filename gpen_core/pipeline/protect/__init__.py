"""restore → protect → blend: what of a restoration may be taken."""

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .base import Protection, ProtectTools, protect_faces
    from .choose import protections_for
    from .tools import load_protect_tools

__all__ = ["ProtectTools", "Protection", "load_protect_tools", "protect_faces", "protections_for"]

__getattr__ = lazy_names(
    __name__,
    {
        "base": ("Protection", "ProtectTools", "protect_faces"),
        "choose": ("protections_for",),
        "tools": ("load_protect_tools",),
    },
)
