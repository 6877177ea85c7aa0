"""Damage anywhere: a file is read, or refused with one clear line, and nothing else happens.

By hand, with more of it: python tests/unit/weights/torch_file/test_damage.py 10000
"""

import io
import random
import struct
import sys
import tempfile
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

TESTS = 300


def originals():
    """Small files of each layout, by their names."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    content = {"g_ema": network.state_dict(), "step": 3, "optim": {"groups": [{"lr": 0.1, "params": [0, 1]}]}}
    files = {}
    for name, options in {
        "zip": {},
        "zip4": {"pickle_protocol": 4},
        "stream": {"_use_new_zipfile_serialization": False},
    }.items():
        buffer = io.BytesIO()
        torch.save(content, buffer, **options)
        files[name] = buffer.getvalue()
    files["safetensors"] = save(network.state_dict(), {"gpen.task": "restoration"})
    return files


def damaged(content, chance):
    """One of the ways in which files break, or are broken."""
    content = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 5, 20))):
        place, way = chance.randrange(len(content) or 1), chance.randrange(7)
        if way == 0:
            content[place : place + 1] = bytes([chance.randrange(256)])
        elif way == 1:
            content[place : place + 1] = bytes([content[place] ^ 1 << chance.randrange(8)]) if content else b""
        elif way == 2:
            del content[place : place + chance.randrange(1, 9)]
        elif way == 3:
            content[place:place] = chance.randbytes(chance.randrange(1, 9))
        elif way == 4:
            other = chance.randrange(len(content) or 1)
            content[place:place] = content[other : other + chance.randrange(1, 65)]
        elif way == 5:
            extreme = chance.choice((0, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, len(content)))
            content[place : place + 4] = struct.pack("<I", extreme)
        elif chance.random() < 0.1:
            del content[place:]
    return bytes(content)


def outcome(path):
    """ "read", or the error's first words."""
    from gpen_core.errors import CheckpointError
    from gpen_core.weights.reading import read_checkpoint

    try:
        content = read_checkpoint(path).content
    except CheckpointError as error:
        said = str(error)
        assert len(said) <= 300 and said.isprintable(), said
        return "refused"
    for value in content.values():  # what was read can be used
        if isinstance(value, torch.Tensor):
            value.float().sum()
    return "read"


def try_many(count, folder, seed=0):
    chance, files, seen = random.Random(seed), originals(), {"read": 0, "refused": 0}
    path = Path(folder) / "m.pth"
    slowest = 0.0
    for number in range(count):
        content = damaged(files[sorted(files)[number % len(files)]], chance)
        path.write_bytes(content)
        start = time.perf_counter()
        try:
            seen[outcome(path)] += 1
        except BaseException:
            (Path(tempfile.gettempdir()) / "broke_the_reader.pth").write_bytes(content)
            raise
        slowest = max(slowest, time.perf_counter() - start)
    return seen, slowest


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_files_are_read_or_refused(tmp_path, seed):
    seen, _ = try_many(TESTS, tmp_path, seed)
    assert seen["refused"] > TESTS // 4 and seen["read"] > TESTS // 20


def test_files_cut_short_anywhere_are_refused(tmp_path):
    for content in originals().values():
        for size in range(0, len(content) - 1, max(1, len(content) // 60)):
            (tmp_path / "m.pth").write_bytes(content[:size])
            assert outcome(tmp_path / "m.pth") == "refused"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[4]))
    with tempfile.TemporaryDirectory() as temporary:
        counts, longest = try_many(int(sys.argv[1]), temporary, int(time.time()))
    print(f"{counts}, the slowest took {longest:.3f} s")
