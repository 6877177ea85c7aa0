"""Which files a source can become: films stay films, and what holds several images needs a format that holds them."""

from __future__ import annotations

from pathlib import Path

from ..imaging.files import WRITABLE
from ..video.animated import ANIMATIONS, FILMS, is_animation
from ..video.files import WRITABLE_CLIPS, is_clip
from .places import Address

ONLY_ANIMATIONS = tuple(ending for ending in WRITABLE_CLIPS if ending in ANIMATIONS)  # no still picture is called so


def can_become(source: Path, ending: str) -> bool:
    """Whether a source's result may have an ending; of what lies at an address, as far as its name tells."""
    if is_film(source):
        return ending in FILMS
    is_named_moving = source.suffix.lower() in ONLY_ANIMATIONS
    if ending in FILMS:
        return is_named_moving
    if ending in ONLY_ANIMATIONS:
        return is_named_moving or is_animation(source)
    return ending in ANIMATIONS or (ending in WRITABLE and not is_animation(source))


def own_or_usual(source: Path) -> str:
    """The ending of a result of which nothing is said: a still GIF becomes a PNG file, as what cannot be written does."""
    own = source.suffix.lower()
    if is_film(source):
        return source.suffix if own in FILMS else ".mp4"
    if own in ONLY_ANIMATIONS:
        return source.suffix if isinstance(source, Address) or is_animation(source) else ".png"
    return source.suffix if own in WRITABLE else ".png"


def kind_of(source: Path) -> str:
    """What a source is and what its result must be called, for the error that refuses another name."""
    if is_film(source):
        return f"is a clip: name the result like one ({', '.join(FILMS)})"
    if is_animation(source):
        able = [*ANIMATIONS, *(FILMS if source.suffix.lower() in ONLY_ANIMATIONS else ())]
        return f"holds several images: name the result like a file that can, too ({', '.join(able)})"
    return f"is an image: name the result like one ({', '.join(WRITABLE)})"


def is_film(path: Path) -> bool:
    """Whether a file is a film by its name, and no picture file."""
    return is_clip(path) and path.suffix.lower() not in ANIMATIONS
