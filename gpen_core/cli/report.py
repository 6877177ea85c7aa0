"""What a run did to each face of each image, as JSON or as one web page with pictures before and after."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from ..errors import OptionError
from ..faces.alignment import align_face
from ..faces.selection import Choice
from ..files import written_whole
from ..geometry import size_of
from ..imaging.files import as_image
from ..imaging.lanczos import resize_lanczos
from ..types import Face, FaceFacts

FORMAT = 1
_SIDE, _FACE_SIDE = 640, 192  # px, of pictures and faces on the page
_STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:1320px;margin:2em auto;padding:0 1em}
section{border-top:1px solid #8884;margin:1.5em 0}h2{font-size:1.1em;overflow-wrap:anywhere}
.pair{display:flex;flex-wrap:wrap;gap:.6em}figure{margin:0}figcaption{font-size:85%;opacity:.75}img{max-width:100%;display:block}
table{border-collapse:collapse;margin:.8em 0}
td,th{padding:.3em .8em;text-align:left;border-bottom:1px solid #8884;vertical-align:top}
.failed{color:#c62828;font-weight:700}
""".strip()
_HEADS = ("face", "before", "after", "size", "quality", "strength taken", "similarity", "kept back", "notes")


@dataclass(frozen=True)
class Entry:
    """One image or clip: what was found in it and done, or the error that stopped it.

    Attributes:
        source: The file.
        target: Its result; None where the source is none that could have one.
        faces: Those that were worked on; of clips, none are listed.
        facts: What is known of each of them.
        seconds: What it took.
        error: Why there is no result; "" where there is one.
        text: What became of it, in words.
        left_out: Faces that were found and not chosen.
        moving: Whether it is a clip: its faces are not listed.
    """

    source: Path
    target: Path | None
    faces: tuple[Face, ...] = ()
    facts: tuple[FaceFacts, ...] = ()
    seconds: float = 0.0
    error: str = ""
    text: str = ""
    left_out: tuple[Choice, ...] = ()
    moving: bool = False


class Report:
    """Collects entries, and writes them at the end. Raises OptionError for a name that is neither .html nor .json."""

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in (".html", ".json"):
            raise OptionError(f"--report {path}: a report is an .html or a .json file")
        self.path = path
        self._entries: list[Entry] = []
        self._sections: list[str] = []

    def add(self, entry: Entry, pair: tuple[Tensor, Tensor] | None = None) -> None:
        """``pair``: the image before and after, [3, H, W] and [3, H', W'] RGB in [0, 1]; kept as small pictures only."""
        self._entries.append(entry)
        if self.path.suffix.lower() == ".html":
            self._sections.append(_section(entry, pair))

    def write(self, model: str) -> None:
        """Write the file, whole or not at all."""
        if self.path.suffix.lower() == ".html":
            text = _page(model, self._sections)
        else:
            plain = {"format": FORMAT, "model": model, "images": [_plain(entry) for entry in self._entries]}
            text = json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        with written_whole(self.path) as temporary:
            temporary.write_bytes(text.encode("utf-8", "backslashreplace"))  # names of files may be no text


def _plain(entry: Entry) -> dict[str, Any]:
    target = None if entry.target is None else str(entry.target)
    found = {"source": str(entry.source), "target": target, "seconds": round(entry.seconds, 3)}
    if entry.error:
        return {**found, "error": entry.error}
    if entry.moving:
        return {**found, "result": entry.text}
    faces = [
        {
            "id": face.id, "box": _edges(face), "score": round(face.score, 4),
            **{name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(facts).items()},
        }
        for face, facts in zip(entry.faces, entry.facts, strict=True)
    ]  # fmt: skip
    left_out = [
        {"id": choice.face.id, "box": _edges(choice.face), "score": round(choice.face.score, 4), "why": choice.why}
        for choice in entry.left_out
    ]
    return {**found, "result": entry.text, "faces": faces, "not_chosen": left_out}


def _edges(face: Face) -> list[float]:
    return [round(edge, 1) for edge in face.box]


def _page(model: str, sections: list[str]) -> str:
    title = f"Restored with {model}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n<h1>{escape(title)}</h1>\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def _section(entry: Entry, pair: tuple[Tensor, Tensor] | None) -> str:
    head = f"<section><h2>{escape(str(entry.source))}</h2>"
    if entry.error:
        return f'{head}<p class="failed">{escape(entry.error)}</p></section>'
    told = f"<p>{escape(entry.text)}; {entry.seconds:.1f} s → {escape(str(entry.target))}</p>{_others(entry)}"
    if pair is None:
        return f"{head}{told}</section>"  # a clip has no picture of its own
    before, after = pair
    side = min(_SIDE, max(size_of(after)))
    figures = (
        f'<figure><img alt="{name}" src="{_address(_fitted(shown, side))}"><figcaption>{name}</figcaption></figure>'
        for name, shown in (("before", before), ("after", after))
    )
    return (
        f'{head}{told}<div class="pair">{"".join(figures)}</div>'
        f"{_table(entry, before, after) if entry.faces else ''}</section>"
    )


def _others(entry: Entry) -> str:
    """The faces that were not chosen, and why."""
    told = (f"#{choice.face.id} ({escape(choice.why)})" for choice in entry.left_out)
    return f"<p>Not chosen: {', '.join(told)}</p>" if entry.left_out else ""


def _table(entry: Entry, before: Tensor, after: Tensor) -> str:
    head = "".join(f"<th>{name}</th>" for name in _HEADS)
    rows = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in _cells(face, facts, before, after)) + "</tr>"
        for face, facts in zip(entry.faces, entry.facts, strict=True)
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _cells(face: Face, facts: FaceFacts, before: Tensor, after: Tensor) -> Iterator[str]:
    yield f"#{face.id}"
    for shown in (before, after):
        crop = align_face(shown, face, _FACE_SIDE, "ffhq").pixels
        yield f'<img alt="" width="{_FACE_SIDE}" height="{_FACE_SIDE}" src="{_address(as_image(crop))}">'
    yield f"{facts.size:.0f} px"
    yield _number(facts.quality)
    yield f"{facts.strength:.0%}"
    yield _number(facts.similarity)
    yield f"{facts.kept_back:.0%}"
    yield escape(" ".join(facts.notes))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _fitted(picture: Tensor, side: int) -> Image.Image:
    height, width = size_of(picture)
    scale = side / max(height, width)
    return as_image(resize_lanczos(picture, (max(1, round(height * scale)), max(1, round(width * scale)))))


def _address(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, format="JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
