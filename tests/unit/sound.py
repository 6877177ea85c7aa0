"""A tone for clips that tests make."""

from fractions import Fraction
from typing import Any

import numpy as np

RATE = 44100  # samples a second


def mux_tone(output: Any, stream: Any, seconds: float) -> None:
    """Encode and write a tone of 440 Hz.

    Args:
        output: PyAV's container, open for writing, after its pictures.
        stream: An audio stream of it, of ``RATE`` and one channel.
        seconds: Its length.
    """
    import av

    tone = np.sin(2 * np.pi * 440 * np.arange(round(RATE * seconds)) / RATE).astype(np.float32)
    for start in range(0, len(tone), 1024):
        part = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="fltp", layout="mono")
        part.sample_rate, part.pts, part.time_base = RATE, start, Fraction(1, RATE)
        output.mux(stream.encode(part))
    output.mux(stream.encode(None))
