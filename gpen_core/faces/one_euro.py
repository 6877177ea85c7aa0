"""The One Euro filter (Casiez, Roussel and Vogel 2012) with a bounded look-ahead, so that it does not lag.

A low pass of the first order whose cutoff rises with speed: what stands still is held, what moves is followed. Run forwards
alone, it lags behind what moves. Here it also runs backwards, from the last frame that is known, and what it says there comes
as much too early as the other comes too late: together they are on time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_LEAST_SPREAD = 4.0  # frames²: places nearer to each other tell no speed
_ALIKE = 8.0  # a detector's errors in so many successive frames are one: slopes are that much less certain


@dataclass(frozen=True)
class OneEuro:
    """Settings of the filter. Times are in frames, lengths in shares of the face's size.

    Attributes:
        least_cutoff: Cutoff frequency for what stands still, in cycles a frame.
        slope: By how much the cutoff rises with speed: cycles a frame for each share of the face's size a frame.
        speed_cutoff: Cutoff for the speed itself.
    """

    least_cutoff: float
    slope: float
    speed_cutoff: float

    def weights(self, at: Array, points: Array, size: float, ahead: int) -> Array:
        """How much each place counts in the filtered one at time 0.

        The paper's recursions are written out as weights, so that the place a run begins with counts no more than others. What
        is ahead fades out, so that none comes in at once.

        Args:
            at: [n], times, rising, with 0 among them.
            points: [n, D] in pixels.
            size: Of the face, in pixels.
            ahead: Frames after time 0 that are known.

        Returns:
            [n], not negative.
        """
        now = int(np.searchsorted(at, 0))
        before = self._toward(at[: now + 1], points[: now + 1], size)
        after = self._toward(-at[now:][::-1], points[now:][::-1], size)[::-1]
        fading = np.cos(math.pi / 2 * at[now:] / (ahead + 1)) ** 2
        return np.concatenate((before[:-1], after * fading))

    def _toward(self, at: Array, points: Array, size: float) -> Array:
        """[n], weights of a run that ends at the last place, whose own is 1."""
        decay = np.zeros(len(at))
        speed = np.zeros(points.shape[1])
        for number in range(1, len(at)):
            passed = float(at[number] - at[number - 1])
            seen = (points[number] - points[number - 1]) / passed
            speed = speed + _share(self.speed_cutoff, passed) * (seen - speed)
            # One cutoff for all coordinates: a face moves as a whole.
            fast = math.sqrt(float(np.mean(speed**2))) / size
            decay[number] = math.log1p(-_share(self.least_cutoff + self.slope * fast, passed))
        later = np.cumsum(decay[::-1])[::-1]
        return np.asarray(np.exp(np.append(later[1:], 0.0)))


def on_time(at: Array, places: Array, weights: Array) -> Array:
    """[D] at time 0: the mean of places [n, D], moved along their slope as far as that stands out from noise.

    A mean is late where less is known of what comes than of what was. A slope would mend that, but also bring in the noise of
    what stands still: it is shrunk (James and Stein 1961).
    """
    shares = weights / weights.sum()
    middle = float(shares @ at)
    apart = shares * (at - middle)
    spread = float(apart @ at)
    mean = shares @ places
    if spread < _LEAST_SPREAD:
        return mean
    slope = apart @ places / spread
    off = places - mean - np.outer(at - middle, slope)
    noise = float(shares @ np.mean(off**2, axis=1)) * float((apart**2).sum()) / spread**2
    taken = max(0.0, 1 - _ALIKE * noise / max(float(np.mean(slope**2)), 1e-12))
    return np.asarray(mean - taken * middle * slope)


def _share(cutoff: float, passed: float) -> float:
    """Of the new value in the running mean: α of the paper's equation 4."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff * passed))
