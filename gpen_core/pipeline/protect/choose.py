"""Which steps a run takes, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from ...faces.quality import load_quality
from ...modes import OFF
from ..hooks import Hooks
from ..options import ProtectOptions
from .base import Protection, ProtectTools
from .content import KeepContent
from .detail import KeepDetail
from .identity import KeepIdentity, SayUnmeasured
from .strength import MatchStrength


def protections_for(
    options: ProtectOptions, tools: ProtectTools = ProtectTools(), hooks: Hooks = Hooks(), asked: float = 1.0
) -> tuple[Protection, ...]:
    """The steps that the options ask for, in their order; none with mode "off" and no least similarity.

    Args:
        options: What is protected.
        tools: Networks that steps use.
        hooks: ``say`` hears what a user should know once, such as that a larger model would serve better.
        asked: The strength of the run, in [0, 1], where it is known already: likeness and notes are of what will be seen.

    Raises:
        MissingWeightsError: The estimator of quality, which comes with the package, is missing.
    """
    if options.mode == OFF and not options.min_similarity:
        return ()
    steps: list[Protection] = []
    if options.mode != OFF:  # strength first, since what is not taken need not be looked at
        steps = [MatchStrength(tools.quality or load_quality(), asked), KeepContent(), KeepDetail(hooks.say)]
    if tools.identity is not None:  # last, when it is known what is taken
        steps.append(KeepIdentity(tools.identity, options.min_similarity, asked))
    elif options.min_similarity > 0:
        steps.append(SayUnmeasured())
    return tuple(steps)


def has_floor(steps: Sequence[Protection]) -> bool:
    """Whether strengths are lowered until a face is like itself."""
    return any(isinstance(step, KeepIdentity) and step.floor > 0 for step in steps)
