"""What a run came to, in words for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..alike import gathered
from ..types import Face, FaceFacts

_UNTOUCHED = 0.005  # a strength below this changes no pixel of an 8-bit picture that anyone would see


def fact_texts(face: Face, facts: FaceFacts | None = None) -> tuple[tuple[str, str], ...]:
    """What is known of a face, as (name, text): size, score, quality, strength, similarity, model.

    Args:
        face: As detected.
        facts: What restoring it made known; None where it was not restored.

    Returns:
        What is not known is left out. Notes come last, under the name "note".
    """
    texts = [("size", f"{face.width:.0f} × {face.height:.0f} px"), ("score", _percent(face.score))]
    quality = face.quality if facts is None or facts.quality is None else facts.quality
    if quality is not None:
        texts.append(("quality", f"{quality:.2f}"))
    if facts is None:
        return tuple(texts)
    texts.append(("strength", f"{facts.strength:.2f}"))
    if facts.kept_back > 0:
        texts.append(("kept back", _percent(facts.kept_back)))
    if facts.similarity is not None:
        texts.append(("similarity", f"{facts.similarity:.2f}"))
    if facts.model:
        name = model_text(facts.model)
        texts.append(("model", f"{name} ({facts.model_size} px)" if facts.model_size else name))
    return (*texts, *(("note", note) for note in facts.notes))


def blended_at(facts: FaceFacts, strength: float) -> FaceFacts:
    """What is known of a face that is blended at a strength which was not known when it was restored.

    Args:
        facts: Those of ``RestoredFace``.
        strength: Asked for in blending, in [0, 1].

    Returns:
        The strength that is taken in the end. What was measured before is named as such.
    """
    taken = replace(facts, strength=facts.strength * strength)
    if facts.similarity is None or strength == 1:
        return taken
    note = f"The similarity was measured before blending, at strength {facts.strength:.2f}."
    return replace(taken, notes=(*facts.notes, note))


def run_text(facts: Sequence[FaceFacts], found: int | None = None) -> str:
    """How many faces were found, restored and kept, and why.

    Args:
        facts: Of the faces that were worked on.
        found: How many there were before some were chosen; None where all found were worked on.

    Returns:
        One or more sentences, such as "3 faces found, 2 restored, 1 kept as it was."
    """
    found = len(facts) if found is None else found
    if not found:
        return "No face found: nothing was restored."
    kept = sum(one.strength < _UNTOUCHED for one in facts)
    parts = [f"{counted(found)} found", f"{len(facts) - kept} restored"]
    if found > len(facts):
        parts.append(f"{found - len(facts)} not chosen")
    if kept:
        parts.append(f"{kept} kept as {'it was' if kept == 1 else 'they were'}")
    return " ".join([f"{', '.join(parts)}.", *notes_of(facts)])


def blended_text(facts: Sequence[FaceFacts], frames: int, size: tuple[int, int], strength: float = 1.0) -> str:
    """What was pasted into how many images of which (width, height), at which strength."""
    images = f"{frames} images" if frames > 1 else "the image"
    if not facts:
        return f"No face to blend: {images} came back at {size[0]}×{size[1]}."
    kept = sum(one.strength * strength < _UNTOUCHED for one in facts)
    back = f" {counted(kept)} kept as {'it was' if kept == 1 else 'they were'}." if kept else ""
    return f"{counted(len(facts) - kept)} blended into {images} at {size[0]}×{size[1]}.{back}"


def notes_of(facts: Sequence[FaceFacts]) -> list[str]:
    """The notes of all faces, each said once: "2 faces: Strength lowered to 0.4–0.6."."""
    told = gathered(note for one in facts for note in one.notes)
    return [f"{counted(count)}: {note}" if len(facts) > 1 else note for note, count in told]


def counted(number: int, what: str = "face") -> str:
    """A number of things in words: "1 face", "2 faces"."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def model_text(name: str) -> str:
    """What people call a model: the name of its file, without the ending."""
    return name.removesuffix(".pth").removesuffix(".safetensors")


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")
