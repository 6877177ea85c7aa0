"""What passes between nodes, with a short text for nodes that show anything as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from ...gpen_core.types import Face, FaceFacts, RestoredFace

Item = TypeVar("Item", covariant=True)
_MOST_LINES = 50


class Shown(Sequence[Item], Generic[Item]):
    """A sequence whose text is a heading and a line for each item. No tuple: those are shown as their parts' code."""

    def __init__(self, items: Iterable[Item], line: Callable[[Any], str]) -> None:
        self._items, self._line = tuple(items), line

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Item]: ...
    def __getitem__(self, place: int | slice) -> Item | Sequence[Item]:
        """An item, or several."""
        return self._items[place]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        """One after the other."""
        return iter(self._items)

    def __str__(self) -> str:
        """ "2 faces", then a line for each."""
        from ...gpen_core.pipeline.summary import counted

        lines = [f"{number}. {self._line(item)}" for number, item in enumerate(self._items[:_MOST_LINES], start=1)]
        more = [f"… and {len(self) - _MOST_LINES} more"] if len(self) > _MOST_LINES else []
        return "\n".join([counted(len(self)) if self._items else "no faces", *lines, *more])

    def __repr__(self) -> str:
        """As of a tuple: for whoever debugs."""
        return repr(self._items)


def shown_faces(faces: Iterable[Face]) -> Shown[Face]:
    """Faces as a node passes them on."""
    return Shown(faces, lambda face: _text(face, None))


def shown_restored(faces: Iterable[RestoredFace]) -> Shown[RestoredFace]:
    """Restored faces as a node passes them on."""
    return Shown(faces, lambda face: _text(face.crop.face, face.facts))


def shown_facts(facts: Iterable[tuple[Face, FaceFacts]]) -> Shown[tuple[Face, FaceFacts]]:
    """Faces and what is known of them, as a node passes them on."""
    return Shown(facts, lambda pair: _text(*pair))


def _text(face: Face, facts: FaceFacts | None) -> str:
    """ "image 1 at 120, 80: size 97 × 124 px, score 99 %"."""
    from ...gpen_core.pipeline.summary import fact_texts

    known = ", ".join(f"{name} {text}" for name, text in fact_texts(face, facts))
    return f"image {face.frame + 1} at {face.box[0]:.0f}, {face.box[1]:.0f}: {known}"
