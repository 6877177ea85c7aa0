"""Pictures that were degraded elsewhere, beside their originals: two folders, matched by the files' stems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import ImageError, OptionError
from .faces import FaceFiles, drawn, open_faces, picture_names, some
from .samples import Sample, Sizes, enlarged, fitted


@dataclass(frozen=True)
class PairedFiles:
    """``low`` and ``clean`` hold as many pictures, in the same order."""

    low: FaceFiles
    clean: FaceFiles

    def __len__(self) -> int:
        return len(self.low)

    def samples(self, sizes: Sizes) -> PairedSamples:
        return PairedSamples(self, sizes)


@dataclass(frozen=True)
class PairedSamples:
    """Samples of both; a degraded picture smaller than the network's input is enlarged as the recipe does it."""

    pairs: PairedFiles
    sizes: Sizes

    def __iter__(self) -> Iterator[Sample]:
        for low, clean in zip(self.pairs.low, self.pairs.clean, strict=True):
            small = low.pixels.float()
            seen = enlarged(small[None], self.sizes.input)[0].clamp(0, 1)
            yield Sample(clean.name, seen, small, fitted(clean.pixels, self.sizes.output))


def open_pairs(low: Path, clean: Path, *, limit: int = 0, seed: int = 0) -> PairedFiles:
    """Match the pictures of two folders by name, whatever the extension; of them ``limit``, drawn by ``seed``.

    A pair of which either picture cannot be read or is not square is skipped, and counted with the picture at fault.
    Raises OptionError where a picture has no partner, or two have the same stem.
    """
    degraded, original = _by_stem(low), _by_stem(clean)
    for names, others, folder in ((degraded, original, clean), (original, degraded, low)):
        alone = [names[stem] for stem in names if stem not in others]
        if alone:
            raise OptionError(f"{folder} has no partner for {some(alone)}: pairs have the same name in both folders")
    stems = drawn(sorted(degraded), limit, seed)
    low_files = open_faces(low, names=[degraded[stem] for stem in stems])
    clean_files = open_faces(clean, names=[original[stem] for stem in stems])
    usable = set(low_files.names), set(clean_files.names)
    good = [stem for stem in stems if degraded[stem] in usable[0] and original[stem] in usable[1]]
    if not good:
        raise ImageError(f"{low} and {clean}: of no pair both pictures can be used")
    return PairedFiles(
        replace(low_files, names=tuple(degraded[stem] for stem in good)),
        replace(clean_files, names=tuple(original[stem] for stem in good)),
    )


def _by_stem(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in picture_names(folder):
        stem = str(Path(name).with_suffix("").as_posix())
        if stem in found:
            raise OptionError(f"{folder}: '{found[stem]}' and '{name}' have the same name: which is the partner?")
        found[stem] = name
    return found
