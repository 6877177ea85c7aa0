"""Files by hand: what torch.save would not write."""

import io
import struct
import zipfile
from pathlib import Path

import pytest
import torch


def text(words):
    encoded = words.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def tensor_pickle(storage="torch FloatStorage", key="0", count=4, offset=0, shape=(4,), stride=(1,), rebuild="v2"):
    """The instructions that leave one tensor on the stack."""
    numbers = lambda values: b"(" + b"".join(map(number, values)) + b"t"  # noqa: E731
    storage = b"(" + text("storage") + b"c" + storage.replace(" ", "\n").encode() + b"\n" + text(key) + text("cpu")
    return (
        f"ctorch._utils\n_rebuild_tensor_{rebuild}\n".encode()
        + b"("
        + (storage + number(count) + b"tQ" + number(offset) + numbers(shape) + numbers(stride))
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )


def number(value):
    size = (value.bit_length() + 8) // 8
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


@pytest.fixture
def by_hand():
    class ByHand:
        text = staticmethod(text)
        number = staticmethod(number)
        tensor = staticmethod(tensor_pickle)

    return ByHand


@pytest.fixture
def zipped(tmp_path):
    """Instructions, and storages by key → a file as torch.save would lay it out."""

    def write(instructions, storages=None, name="m.pth", **options) -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", **options) as archive:
            archive.writestr("m/data.pkl", b"\x80\x02" + instructions + b".")
            for key, content in ({"0": bytes(16)} if storages is None else storages).items():
                archive.writestr(f"m/data/{key}", content)
        return path

    return write


@pytest.fixture
def saved_bytes():
    """torch.save into bytes."""

    def save(content, **options):
        buffer = io.BytesIO()
        torch.save(content, buffer, **options)
        return buffer.getvalue()

    return save
