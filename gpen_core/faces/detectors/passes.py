"""Multi-pass detection: overview, tiles, close-ups and rotated copies of a frame."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...geometry import size_of
from ...polling import current_poll
from ...types import Face
from .base import FaceNetwork, check_frame
from .exposure import exposure_of
from .options import SMALLEST_SEEN, DetectOptions, Levels, smallest_face
from .overexposed import faces_by_softer_light, over_exposed_faces
from .shown import Shown
from .sightings import Sighting, clearest, matching, merge, roll_degrees, sightings_in, upright_turns
from .views import View, around, tiles, whole

OVERVIEW_SEES = 48.0  # faces this wide in the overview are its business: larger views only show fragments of them
MAX_ENLARGEMENT = 2.0
LOOK_SIDES = (112, 64)  # at which size a doubtful face is looked at again
LOOK_SEES = 0.5  # of that size: what is smaller is not the face that is looked at
MAX_LOOKS = 32  # bounds the work on a picture full of doubtful things
TRUSTED_ROLL = 50.0  # degrees; beyond it both networks place landmarks better in a turned view


class MultiPassDetector:
    """A FaceDetector for any FaceNetwork.

    1. An overview of the whole frame finds large faces, full-resolution tiles find small ones.
    2. Uncertain, small and sideways faces are checked again in upright close-ups.
    3. Unless a face is clearly upright, both steps are repeated on rotated copies of the frame.

    A badly exposed frame is stretched first (see ``exposure``); so is one in which nothing was found, where that helps. An
    over-exposed one is seen in several renderings.

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
        return self._detect(frame.float())

    @torch.inference_mode()
    def detect_stored(self, frame: Tensor) -> tuple[Face, ...]:
        """``detect`` in uint8 or uint16, as files have them: no more than needed is floating point at a time."""
        return self._detect(frame)

    def _detect(self, frame: Tensor) -> tuple[Face, ...]:
        if 0 in frame.shape:
            return ()
        weight = next(self.network.module.parameters(), None)
        shown = Shown(frame if weight is None else frame.to(weight.device))
        return tuple(Face(s.box, s.score, s.landmarks, size_of(frame)) for s in self._exposed_passes(shown))

    def _exposed_passes(self, frame: Shown) -> list[Sighting]:
        """The faces of a frame, however it is exposed; an ordinary frame is searched once."""
        exposure = exposure_of(frame)
        if exposure.is_poor:
            faces = self._merge(faces_by_softer_light(self, frame.changed(exposure.stretched)))
            return faces if faces or not exposure.cuts else self.search(frame)
        faces = self._merge(over_exposed_faces(self, frame, exposure)) if exposure.is_over else self.search(frame)
        if not faces and exposure.gains:
            faces = self.search(frame.changed(exposure.stretched))
        return faces

    def search(self, frame: Shown, seen: Sequence[Sighting] | None = None) -> list[Sighting]:
        """The faces of a frame as it is shown; ``seen`` is what an upright pass has shown, where there was one."""
        faces = self._confirm(frame, self.upright_pass(frame) if seen is None else seen)
        if not self.options.try_rotations or any(self._shows_which_way_is_up(frame, s) for s in faces):
            return faces
        turned = self._confirm(frame, self._rotated_pass(frame))
        if any(s.turns for s in turned):  # then upright faces are the exception, and must be as good
            faces = [s for s in faces if self._rotated_look(frame, s, turns=0)]
        return self._merge([*faces, *turned])

    def upright_pass(self, frame: Shown) -> list[Sighting]:
        """What looks like an upright face, however doubtful."""
        size, options = _size(frame), self.options
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

    def _rotated_pass(self, frame: Shown) -> list[Sighting]:
        size = _size(frame)
        return self._merge(
            [s for turns in (1, 3, 2) for s in self._see(frame, whole(size, self.options.max_side, turns))]
        )

    def _see(self, frame: Shown, view: View, smallest_seen: float = 0.0) -> list[Sighting]:
        """All candidates in one view that are large enough and centered inside the frame.

        ``smallest_seen``: smaller candidates, in pixels of the view, are not needed.
        """
        current_poll()()
        height, width = frame.shape[-2:]
        found = self.network.find(view.pixels(frame), self.levels.candidate, smallest=smallest_seen)
        inside = (s for s in sightings_in(view, found) if 0 <= s.center[0] < width and 0 <= s.center[1] < height)
        smallest = smallest_face(self.options, (height, width))
        return [s for s in inside if s.side >= smallest]

    def _merge(self, sightings: Sequence[Sighting]) -> list[Sighting]:
        return merge(sightings, self.options.nms_iou, self.levels.sure)

    def _confirm(self, frame: Shown, sightings: Sequence[Sighting]) -> list[Sighting]:
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

    def is_certain(self, sighting: Sighting) -> bool:
        """Whether it is an upright face beyond doubt."""
        return sighting.turns == 0 and sighting.score >= self.levels.certain and _is_upright(sighting)

    def _shows_which_way_is_up(self, frame: Shown, s: Sighting) -> bool:
        """Whether it is an upright face beyond doubt, so that none are looked for in rotated copies.

        Some patterns pass for certain at one size, at up to 0.996 where most faces are above 0.999, but not at others.
        """
        return self.is_certain(s) and (s.score >= self.levels.beyond or bool(self._rotated_look(frame, s, turns=0)))

    def _is_enough(self, s: Sighting) -> bool:
        """Whether it is a face even if no second look bears it out."""
        return s.turns == 0 and s.score >= self.levels.sure

    def _second_look(self, frame: Shown, first: Sighting) -> list[Sighting]:
        """The face as close views show it, upright if it lies; none when it stays doubtful."""
        turns = first.turns if _is_upright(first) else upright_turns(first.landmarks)
        looks = self._rotated_look(frame, first, turns) if turns else self._upright_look(frame, first)
        if looks:
            return [clearest(looks)]
        return [first] if self._is_enough(first) else []

    def _upright_look(self, frame: Shown, first: Sighting) -> list[Sighting]:
        """One good look will do: whatever is doubtful at one size is often plain at another."""
        looks: list[Sighting] = []
        for side in LOOK_SIDES:
            looks += [s for s in self.look(frame, first, side, turns=0) if s.score >= self.levels.accept]
            if any(s.score >= self.levels.sure for s in looks):
                break
        return looks

    def _rotated_look(self, frame: Shown, first: Sighting, turns: int) -> list[Sighting]:
        """The looks must be good on average: accidents look like a face at one size only."""
        looks = [first] if first.turns == turns else []
        views = len(looks) + len(LOOK_SIDES)
        for side in LOOK_SIDES:
            looks += self.look(frame, first, side, turns)[:1]
        return looks if sum(s.score for s in looks) >= views * self.levels.rotated else []

    def look(self, frame: Shown, first: Sighting, side: float, turns: int) -> list[Sighting]:
        """The same face as a closer view shows it, in which it is ``side`` pixels large; none where it does not."""
        size = _size(frame)
        view = around(first.box, size, side, turns)
        return matching(first, self._see(frame, view, LOOK_SEES * side))


def _size(frame: Shown) -> tuple[int, int]:
    return frame.shape[-2], frame.shape[-1]


def _is_upright(s: Sighting) -> bool:
    """Whether the face was about upright in the view it was seen in."""
    deviation = (roll_degrees(s.landmarks) + 90 * s.turns + 180) % 360 - 180
    return abs(deviation) <= TRUSTED_ROLL
