"""How threads of this process wait for each other. For programs that own their process only: a host decides for itself."""

from __future__ import annotations

from collections.abc import MutableMapping

_POLICY, _SPINS = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"


def wait_briefly(environment: MutableMapping[str, str]) -> None:
    """Have the threads of GCC's OpenMP, which torch brings along on Linux, sleep soon when they wait, unless
    ``environment`` says something about it already.

    As they are, they wait actively for milliseconds at the end of each operation: on a machine that others use too, they
    burn the time that the one they wait for would need. Must be called before torch is imported: OpenMP reads it as it is
    loaded.
    """
    if _POLICY not in environment:
        environment.setdefault(_SPINS, "1000")  # some microseconds
