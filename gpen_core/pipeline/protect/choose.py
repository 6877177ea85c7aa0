"""Which steps a run takes, and in which order."""

from __future__ import annotations

from ..options import OFF, ProtectOptions
from .base import Protection, ProtectTools
from .content import KeepContent


def protections_for(options: ProtectOptions, tools: ProtectTools = ProtectTools()) -> tuple[Protection, ...]:
    """The steps that the options ask for; none with mode "off".

    Args:
        options: What is protected.
        tools: Networks that steps use.
    """
    if options.mode == OFF:
        return ()
    return (KeepContent(),)
