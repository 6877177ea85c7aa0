"""Multi-pass detection: overview, tiles, close-ups and rotated copies of a frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ImageError, OptionError
from ...geometry import size_of
from ...types import Face
from .base import FaceNetwork
from .exposure import Exposure
from .sightings import Sighting, clearest, matching, merge, roll_degrees, sightings_in, upright_turns
from .views import View, around, tiles, whole

SMALLEST_SEEN = 20.0  # width in view pixels from which both networks find faces reliably (measured on the test photos)
# Of the root of the area: a 24-megapixel photograph is searched for faces of 38 px, in a quarter of the time.
AUTOMATIC_SHARE = 130
OVERVIEW_SEES = 48.0  # faces this wide in the overview are its business: larger views only show fragments of them
LEAST_MIN_FACE = 4  # pixels; nothing smaller tells eyes from a mouth
MAX_ENLARGEMENT = 2.0
LOOK_SIDES = (112, 64)  # at which size a doubtful face is looked at again
LOOK_SEES = 0.5  # of that size: what is smaller is not the face that is looked at
MAX_LOOKS = 32  # bounds the work on a picture full of doubtful things
TRUSTED_ROLL = 50.0  # degrees; beyond it both networks place landmarks better in a turned view


@dataclass(frozen=True)
class DetectOptions:
    """Detection settings.

    Attributes:
        threshold: Minimum score of a face, in (0, 1); None = the network's default.
        min_face: Width of the smallest face to report, in pixels of the frame. Small values enlarge the frame, large ones
            save time. None = 20, or a 130th of the root of the area in frames over 7 megapixels.
        max_side: Long side of the frame in the first pass, in pixels.
        small_faces: Search again at full resolution, in tiles, if the first pass shrank the frame.
        tile_side: Side of these tiles, in pixels.
        try_rotations: Also search the frame rotated by 90, 180 and 270 degrees, unless a face is clearly upright.
        nms_iou: Boxes that overlap a better one by more than this (intersection over union) are dropped.

    Raises:
        OptionError: A value is out of range.
    """

    threshold: float | None = None
    min_face: float | None = None
    max_side: int = 640
    small_faces: bool = True
    tile_side: int = 1280
    try_rotations: bool = True
    nms_iou: float = 0.4

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise OptionError(f"threshold is {self.threshold}; it must be between 0 and 1, e.g. 0.85")
        if self.min_face is not None and not (math.isfinite(self.min_face) and self.min_face >= LEAST_MIN_FACE):
            raise OptionError(f"min_face is {self.min_face}; it must be at least {LEAST_MIN_FACE} pixels")
        if self.max_side < 128:
            raise OptionError(f"max_side is {self.max_side}; it must be at least 128 pixels, e.g. 640")
        if self.tile_side < 256:
            raise OptionError(f"tile_side is {self.tile_side}; it must be at least 256 pixels, e.g. 1280")
        if not 0 < self.nms_iou < 1:
            raise OptionError(f"nms_iou is {self.nms_iou}; it must be between 0 and 1, e.g. 0.4")


@dataclass(frozen=True)
class Levels:
    """Score thresholds of the passes.

    A rotated face needs a higher score, because rotated copies triple the chance of a false positive and rarely contain
    a face. Only an almost certain face skips the rotated passes, because upside-down faces are detected as upright, with
    eyes and mouth swapped, at scores up to 0.99 (measured on the test photos, rotated).
    """

    candidate: float  # worth a second look
    accept: float  # enough after a second look
    sure: float  # enough at first sight
    rotated: float  # enough on average over all close-ups of a rotated face
    certain: float  # the picture is upright

    @classmethod
    def of(cls, threshold: float) -> Levels:
        """The thresholds that follow from the minimum score of a face."""
        doubt = 1 - threshold
        return cls(0.75 * threshold, threshold, 1 - doubt / 2, 1 - doubt / 4, 1 - doubt / 32)


class MultiPassDetector:
    """A FaceDetector for any FaceNetwork.

    1. An overview of the whole frame finds large faces, full-resolution tiles find small ones.
    2. Uncertain, small and sideways faces are checked again in upright close-ups.
    3. Unless a face is clearly upright, both steps are repeated on rotated copies of the frame.

    A badly exposed frame is stretched first (see ``exposure``); so is one in which nothing was found, where that helps.

    Args:
        network: The detection network.
        options: Detection settings.
    """

    def __init__(self, network: FaceNetwork, options: DetectOptions | None = None) -> None:
        self.network = network
        self.options = options or DetectOptions()
        threshold = self.options.threshold
        self.levels = Levels.of(network.default_threshold if threshold is None else threshold)

    @property
    def name(self) -> str:
        """The network's name."""
        return self.network.name

    @torch.inference_mode()
    def detect(self, frame: Tensor) -> tuple[Face, ...]:
        """Detect faces.

        Args:
            frame: [3, H, W] RGB in [0, 1], any size and device.

        Returns:
            The faces, best first. Boxes may extend beyond the frame, but their centers are inside. Landmarks keep their
            roles on rotated faces: the "left eye" is the one on the left once the face is upright.

        Raises:
            ImageError: The frame is not a finite floating-point [3, H, W] tensor.
        """
        check_frame(frame)
        if 0 in frame.shape:
            return ()
        weight = next(self.network.module.parameters(), None)
        frame = frame.to(frame.device if weight is None else weight.device, torch.float32)
        return tuple(Face(s.box, s.score, s.landmarks, size_of(frame)) for s in self._exposed_passes(frame))

    def _exposed_passes(self, frame: Tensor) -> list[Sighting]:
        """The faces of a frame, however it is exposed; an ordinary frame is searched once."""
        exposure = Exposure.of(frame)
        if exposure.is_poor:
            faces = self._search(exposure.stretched(frame))
            return faces if faces or not exposure.cuts else self._search(frame)
        faces = self._search(frame)
        if exposure.is_clipped:
            faces = self._merge([*faces, *self._search(exposure.least_clipped(frame))])
        if not faces and exposure.gains:
            faces = self._search(exposure.stretched(frame))
        return faces

    def _search(self, frame: Tensor) -> list[Sighting]:
        faces = self._confirm(frame, self._upright_pass(frame))
        if self.options.try_rotations and not any(self._is_certainly_upright(s) for s in faces):
            faces = self._merge([*faces, *self._confirm(frame, self._rotated_pass(frame))])
        return faces

    def _upright_pass(self, frame: Tensor) -> list[Sighting]:
        size, options = size_of(frame), self.options
        overview = whole(size, options.max_side)
        seen = self._see(frame, overview)
        scale = min(SMALLEST_SEEN / smallest_face(options, size), MAX_ENLARGEMENT)
        if options.small_faces and scale > 1.25 * overview.scale:
            largest = OVERVIEW_SEES / overview.scale
            for tile in tiles(size, scale, options.tile_side, overlap=largest):
                x0, y0, x1, y1 = tile.core
                for s in self._see(frame, tile.view):
                    x, y = s.center
                    if s.side <= largest and x0 <= x < x1 and y0 <= y < y1:
                        seen.append(s)
        return self._merge(seen)

    def _rotated_pass(self, frame: Tensor) -> list[Sighting]:
        size = size_of(frame)
        return self._merge(
            [s for turns in (1, 3, 2) for s in self._see(frame, whole(size, self.options.max_side, turns))]
        )

    def _see(self, frame: Tensor, view: View, smallest_seen: float = 0.0) -> list[Sighting]:
        """All candidates in one view that are large enough and centered inside the frame.

        ``smallest_seen``: smaller candidates, in pixels of the view, are not needed.
        """
        height, width = frame.shape[-2:]
        found = self.network.find(view.pixels(frame), self.levels.candidate, smallest=smallest_seen)
        inside = (s for s in sightings_in(view, found) if 0 <= s.center[0] < width and 0 <= s.center[1] < height)
        smallest = smallest_face(self.options, (height, width))
        return [s for s in inside if s.side >= smallest]

    def _merge(self, sightings: Sequence[Sighting]) -> list[Sighting]:
        return merge(sightings, self.options.nms_iou, self.levels.sure)

    def _confirm(self, frame: Tensor, sightings: Sequence[Sighting]) -> list[Sighting]:
        """Faces that are sure at first sight or confirmed by a second look, best first."""
        confirmed: list[Sighting] = []
        looks = 0
        for sighting in sightings:
            if self._is_settled(sighting):
                confirmed.append(sighting)
            elif looks < MAX_LOOKS:
                looks += 1
                confirmed += self._second_look(frame, sighting)
            elif self._is_enough(sighting):
                confirmed.append(sighting)
        return self._merge(confirmed)

    def _is_settled(self, s: Sighting) -> bool:
        clear = s.side_seen >= OVERVIEW_SEES or s.side < 1.5 * s.side_seen
        return self._is_enough(s) and clear and _is_upright(s)

    def _is_certainly_upright(self, s: Sighting) -> bool:
        return s.turns == 0 and s.score >= self.levels.certain and _is_upright(s)

    def _is_enough(self, s: Sighting) -> bool:
        """Whether it is a face even if no second look bears it out."""
        return s.turns == 0 and s.score >= self.levels.sure

    def _second_look(self, frame: Tensor, first: Sighting) -> list[Sighting]:
        """The face as close views show it, upright if it lies; none when it stays doubtful."""
        turns = first.turns if _is_upright(first) else upright_turns(first.landmarks)
        looks = self._rotated_look(frame, first, turns) if turns else self._upright_look(frame, first)
        if looks:
            return [clearest(looks)]
        return [first] if self._is_enough(first) else []

    def _upright_look(self, frame: Tensor, first: Sighting) -> list[Sighting]:
        """One good look will do: whatever is doubtful at one size is often plain at another."""
        looks: list[Sighting] = []
        for side in LOOK_SIDES:
            looks += [s for s in self._look(frame, first, side, turns=0) if s.score >= self.levels.accept]
            if any(s.score >= self.levels.sure for s in looks):
                break
        return looks

    def _rotated_look(self, frame: Tensor, first: Sighting, turns: int) -> list[Sighting]:
        """The looks must be good on average: accidents look like a face at one size only."""
        looks = [first] if first.turns == turns else []
        views = len(looks) + len(LOOK_SIDES)
        for side in LOOK_SIDES:
            looks += self._look(frame, first, side, turns)[:1]
        return looks if sum(s.score for s in looks) >= views * self.levels.rotated else []

    def _look(self, frame: Tensor, first: Sighting, side: float, turns: int) -> list[Sighting]:
        size = size_of(frame)
        view = around(first.box, size, side, turns)
        return matching(first, self._see(frame, view, LOOK_SEES * side))


def smallest_face(options: DetectOptions, frame_size: tuple[int, int]) -> float:
    """The smallest face to report in a frame of (height, width), in pixels: as set, or automatic."""
    automatic = max(SMALLEST_SEEN, math.sqrt(frame_size[0] * frame_size[1]) / AUTOMATIC_SHARE)
    return automatic if options.min_face is None else options.min_face


def check_frame(frame: Tensor) -> None:
    """Raise ImageError unless ``frame`` is a finite floating-point [3, H, W] tensor."""
    if not isinstance(frame, Tensor) or frame.ndim != 3 or frame.shape[0] != 3:
        shape = tuple(frame.shape) if isinstance(frame, Tensor) else type(frame).__name__
        raise ImageError(f"a frame must be a tensor [3, H, W] of RGB in [0, 1], not {shape}")
    if not frame.is_floating_point():
        raise ImageError(
            f"a frame must be floating-point RGB in [0, 1], not {frame.dtype}. Divide 8-bit values by 255."
        )
    # A sum is finite only if all of it is, and takes a tenth of the time of looking at each.
    if not bool(torch.isfinite(frame.sum())) and not bool(torch.isfinite(frame).all()):
        raise ImageError("the frame contains NaN or infinity. Check the step that produced it")


def _is_upright(s: Sighting) -> bool:
    """Whether the face was about upright in the view it was seen in."""
    deviation = (roll_degrees(s.landmarks) + 90 * s.turns + 180) % 360 - 180
    return abs(deviation) <= TRUSTED_ROLL
