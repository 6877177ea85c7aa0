"""What a file is that is no file of weights, by its first bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import CheckpointError

DOWNLOAD_AGAIN = "Download it again from its official source."
_ARCHIVES = (b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_OTHERS = (
    (b"GGUF", "a GGUF file, for language models"),
    (b"\x89HDF", "an HDF5 file (Keras)"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"%PDF", "a PDF document"),
)
_PAGE = re.compile(rb"<!doctype|<html|<\?xml|<head", re.IGNORECASE)
# "model-00001-of-00003", "model_2of5", "part 1 of 2"
_NUMBERED = re.compile(r"(?<!\d)(\d{1,6})[-_ .]?of[-_ .]?(\d{1,6})$", re.IGNORECASE)
_ONNX_THIRD = (b"\x12", b"B", b":")


def what_else(head: bytes) -> str:
    """Say what is often mistaken for a checkpoint, and what to do, in whole sentences.

    Args:
        head: A file's first few hundred bytes; none where it is empty.
    """
    if not head:
        return f"the file is empty. {DOWNLOAD_AGAIN}"
    if not head.strip(b"\0"):
        return f"the file begins with zeros only: the download was not finished. {DOWNLOAD_AGAIN}"
    if b"weight_map" in head or b'"total_size"' in head:
        return "this is the index of a model in several files, without its weights. GPEN models are one file."
    if (text := mistaken_text(head)) is not None:
        return f"this is {text}, not a weight file: the download went wrong. {DOWNLOAD_AGAIN}"
    if head[:1] == b"\x08" and (b"pytorch" in head or b"onnx" in head.lower() or head[2:3] in _ONNX_THIRD):
        return "this is an ONNX graph, not a PyTorch checkpoint. Get the .pth file of the same model instead."
    if head[:1] == b"\x80":
        return "this is a bare pickle, which can hold any code, and was not opened. Save it again with torch.save."
    if head[257:262] == b"ustar":
        return "this is a tar archive. Unpack it; if torch of 2016 wrote it, save it again with a newer one."
    return _by_its_mark(head)


@contextmanager
def split_models_named(path: Path, what: str) -> Iterator[None]:
    """Where a file that is refused in the block is one of several that a model was split into, say that instead.

    Args:
        path: The file. Only its name tells: a part is a valid file of some of the weights.
        what: The network that was looked for, with its article.

    Raises:
        CheckpointError: In the place of the block's.
    """
    try:
        yield
    except CheckpointError as error:
        found = _NUMBERED.search(path.stem)
        if found is None or int(found[1]) > int(found[2]) or int(found[2]) < 2:
            raise
        raise CheckpointError(
            f"{path.name}: by its name this is file {int(found[1])} of {int(found[2])} that a model was split into, and alone "
            f"it is not {what}. Get the model as one file, and choose that."
        ) from error


def mistaken_text(head: bytes) -> str | None:
    """The kind of text that servers send in a file's place; None for everything else."""
    text = head.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").lstrip()
    if _PAGE.match(text):
        return "a web page"
    if text.lower().startswith(b"version https://git-lfs"):
        return "a Git LFS pointer"
    return "JSON text" if text.startswith(b"{") else None


def _by_its_mark(head: bytes) -> str:
    if head.startswith(_ARCHIVES):
        return "this is a packed archive. Unpack it, and choose the file in it."
    if head.startswith(_PICTURES) or head[8:12] == b"WEBP":
        return "this is a picture, not a weight file. Choose the model's file."
    for mark, what in _OTHERS:
        if head.startswith(mark):
            return f"this is {what}, not a PyTorch checkpoint. Choose a .pth or .safetensors file."
    return f"this is neither a PyTorch checkpoint (.pth, .pt) nor a safetensors file. {DOWNLOAD_AGAIN}"
