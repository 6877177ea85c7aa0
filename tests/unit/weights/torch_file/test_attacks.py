"""Files made by hand to take memory, to end the process, to wait for ever or to run code: each is one clear error at once."""

import os
import pickle
import socket
import struct
import zipfile
from pathlib import Path

import pytest
import torch

from gpen_core.errors import CheckpointError
from gpen_core.weights.reading import read_checkpoint

ROOT = Path(__file__).resolve().parents[4]
ROOM = 256 << 20  # bytes beyond what Python and torch take


def refused(path, message):
    with pytest.raises(CheckpointError, match=message) as caught:
        read_checkpoint(path)
    said = str(caught.value)
    assert len(said) <= 300 and said.isprintable()
    assert caught.type is CheckpointError


def refused_in_little_memory(forks, paths, ways="ways = [read_checkpoint]"):
    """In a process of its own, whose memory is limited: one that ends, or asks for more, is seen.

    ``ways`` to read may be several, of which the last one refuses each file, and none ends in anything else.
    """
    pytest.importorskip("resource", reason="memory is limited by POSIX means")
    if not Path("/proc/self/statm").exists():
        pytest.skip("no /proc: the memory in use is not known")
    code = f"""
import resource, sys, torch
from gpen_core.errors import CheckpointError
from gpen_core.weights.reading import read_checkpoint
{ways}
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {ROOM},) * 2)
for path in sys.argv[1:]:
    said = "read"
    for way in ways:
        try:
            way(path)
            said = "read"
        except CheckpointError as error:
            said = str(error)
    print(said, flush=True)
"""
    done = forks.run(code, *paths, folder=ROOT)
    assert done.returncode == 0, f"{done.stdout[-300:]} {done.stderr[-500:]}"
    said = done.stdout.splitlines()
    assert len(said) == len(paths) and "read" not in said, done.stdout


CALLS = {
    "a function of the system": b"cposix\nsystem\n(X\x07\x00\x00\x00touch xtR",
    "a function of Python": b"c__builtin__\neval\n(X\x01\x00\x00\x001tR",
    "by its name on the stack": b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R",
    "a method reached through dots": b"\x8c\x0fcollections.abc\x8c\x10Mapping.__init__\x93)R",
    "getattr": b"cbuiltins\ngetattr\n(X\x01\x00\x00\x00aX\x01\x00\x00\x00btR",
    "a new object": b"csubprocess\nPopen\n(X\x04\x00\x00\x00truet\x81",
    "a new object with names": b"csubprocess\nPopen\n)}\x92",
    "an import": b"cimportlib\nimport_module\n(X\x02\x00\x00\x00ostR",
    "torch's own functions": b"ctorch.hub\nload\n(X\x02\x00\x00\x00ostR",
    "a loader of files": b"ctorch.serialization\nload\n(X\x02\x00\x00\x00ostR",
    "a pickle in the pickle": b"c_pickle\nloads\n(C\x01.tR",
    "INST": b"(X\x04\x00\x00\x00trueios\nsystem\n",
    "OBJ": b"(cos\nsystem\nX\x04\x00\x00\x00trueo",
    "an extension": b"\x82\x01",
    "a buffer outside of the file": b"\x97",
}


@pytest.mark.parametrize("call", CALLS)
def test_what_would_run_code_is_refused_wherever_it_lies(zipped, by_hand, call):
    for instructions in (CALLS[call], b"}" + by_hand.text("a") + CALLS[call] + b"s", b"}q\0" + CALLS[call] + b"0h\0"):
        refused(zipped(instructions), "nothing of it was run|no checkpoint needs|broken")


def test_reduce_in_both_layouts(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    for layout in (True, False):
        torch.save({"a": Trap()}, tmp_path / "m.pth", _use_new_zipfile_serialization=layout)
        refused(tmp_path / "m.pth", "nothing of it was run")
    (tmp_path / "m.pth").write_bytes(pickle.dumps(Trap()))
    refused(tmp_path / "m.pth", "bare pickle")
    assert not (tmp_path / "ran").exists()


DEEP = 300_000
NESTED = {
    "tuples as a key": b"}" + b")" + b"\x85" * DEEP + b"Ns",
    "tuples": b")" + b"\x85" * DEEP,
    "lists": b"(" * DEEP,
    "lists in lists": b"]" * DEEP + b"a" * (DEEP - 1),
    "tables": b"}" * DEEP,
    "a list in itself": b"}" + b"X\x01\0\0\0a" + b"]q\0h\0as",
    "a table in itself": b"}q\0X\x01\0\0\0ah\0s",
    "more steps than any": b"}" + b"N0" * 500_001,
}


def test_nesting_does_not_end_the_process(zipped, forks):
    refused_in_little_memory(forks, [zipped(content, name=f"{kind}.pth") for kind, content in NESTED.items()])


BILLION = b"](K\x01e" + b"".join(b"q%c0](h%ch%ch%ch%ch%ch%ch%ch%ce" % (i, i, i, i, i, i, i, i, i) for i in range(40))
HUNGRY = {
    "bytearray": b"cbuiltins\nbytearray\n\x8a\x05\x00\x00\x00\xc0\x00\x85R",
    "encoding again and again": b"c_codecs\nencode\nq\0(X\x01\0\0\0aX\x06\0\0\0latin1tR"
    + b"q\1h\0h\1X\x09\0\0\0utf_16_le\x86R" * 9,
    "a text that is multiplied": b"coperator\nmul\n(X\x01\0\0\0a\x8a\x05\x00\x00\x00\xc0\x00tR",
    "an integer of a gigabyte": b"\x8b\xff\xff\xff\x3f",
    "a text of four gigabytes": b"X\xff\xff\xff\xff",
    "bytes beyond any size": b"\x8e" + b"\xff" * 8,
    "a written integer of any length": b"I" + b"9" * 1_000_000 + b"\n",
    "a written long integer": b"L" + b"9" * 1_000_000 + b"L\n",
    "a written text without an end": b"V" + b"a" * 3_000_000,
    "a written number that is none": b"Fone\n",
    "a written text with broken escapes": b"V\\u12\n",
    "a place in the memo that is no number": b"Np\xff\n",
}


def test_a_few_bytes_take_no_memory(zipped, forks):
    key = b"}X\x01\0\0\0a"
    refused_in_little_memory(
        forks, [zipped(key + content + b"s", name=f"{kind}.pth") for kind, content in HUNGRY.items()]
    )


WAYS = """
from pathlib import Path
from gpen_core import load_checkpoint
from gpen_core.faces.detectors.retinaface import load_retinaface
from gpen_core.faces.parsing import load_parser
ways = [read_checkpoint, load_checkpoint, lambda path: load_retinaface(Path(path)), lambda path: load_parser(Path(path))]
"""


def put(key, value):
    return b"X" + struct.pack("<I", len(key)) + key + value + b"s"


MANY = 20_000


def names(mark):
    return b"}" + b"".join(put(b"%06d.%s" % (number, mark), b"N") for number in range(MANY))


LARGE_BELOW = {
    "a long key, of many tables": b"}" + put(b"k" * 20_000, b"](" + b"}" * MANY + b"e"),
    "a long key in Python 2's words": b"}T" + struct.pack("<I", 20_000) + b"k" * 20_000 + b"](" + b"}" * MANY + b"es",
    "a long written key": b"}V" + b"k" * 20_000 + b"\n](" + b"}" * MANY + b"es",
    "a key of many texts": b"}(" + b"X\0\4\0\0" + b"k" * 1024 + b"q\0" + b"h\0" * MANY + b"t](" + b"}" * 5000 + b"es",
    "long keys within long keys": (b"}X\0\4\0\0" + b"k" * 1024) * 6 + b"](" + b"](}e" * MANY * 2 + b"e" + b"s" * 6,
    "many generators' names": names(b"ecd0.0"),
    "many detectors' names": names(b"body.stage1.0.0.weight"),
    "many parsers' names": names(b"cp.resnet.conv1.weight"),
    "many discriminators' names": names(b"final_conv.0.weight") + put(b"ecd0.0", b"N"),
    "an optimizer's name, again and again": b"}" + put(b"optim_" * 160 + b"\n.ecd0.0", b"N"),
}


def test_names_of_a_few_bytes_take_no_memory_whoever_looks_through_them(zipped, forks):
    paths = [zipped(content, name=f"{kind}.pth") for kind, content in LARGE_BELOW.items()]
    refused_in_little_memory(forks, paths, WAYS)


@pytest.mark.filterwarnings("error")
def test_an_unknown_escape_is_no_warning_that_is_raised(zipped):
    refused(zipped(b"}X\x01\0\0\0aS'\\d'\ns"), "an unknown escape")


def test_what_is_shared_many_times_is_read_once(zipped):
    content = read_checkpoint(zipped(b"}X\x01\0\0\0a" + BILLION + b"s")).content["a"]
    assert content[0] is content[7]  # 8 ** 40 paths, 41 lists


IMPOSSIBLE = {
    "a stride of 0": {"shape": (1 << 20, 1 << 20), "stride": (0, 0)},
    "a negative stride": {"offset": 3, "stride": (-1,)},
    "a negative offset": {"offset": -1},
    "a negative shape": {"shape": (-4,)},
    "more than is stored": {"shape": (5,)},
    "beyond the end by its offset": {"offset": 1},
    "beyond the end by its stride": {"shape": (2,), "stride": (4,)},
    "a product beyond 64 bits, of nothing": {"shape": (1 << 40, 1 << 40, 0), "stride": (0, 0, 0)},
    "numbers beyond 64 bits": {"shape": (1 << 70,)},
    "fewer strides than sides": {"shape": (2, 2)},
    "a hundred dimensions": {"shape": (1,) * 100, "stride": (1,) * 100},
    "a storage that claims more": {"count": 1 << 40},
    "a storage that claims less than nothing": {"count": -4},
    "a storage that is not there": {"key": "9"},
    "a storage elsewhere in the archive": {"key": "../data.pkl"},
    "bytes without a type": {"storage": "torch.storage UntypedStorage"},
    "a type that is no storage": {"storage": "torch float32", "count": 5},
    "another function": {"rebuild": "v9"},
}


@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_a_tensor_that_contradicts_its_storage(zipped, by_hand, kind):
    path = zipped(b"}" + by_hand.text("weight") + by_hand.tensor(**IMPOSSIBLE[kind]) + b"s")
    refused(path, "damaged|nothing of it was run")


def test_attributes_cannot_hide_methods(zipped, by_hand):
    path = zipped(b"ccollections\nOrderedDict\n)R}(" + by_hand.text("items") + by_hand.text("x") + b"ub")
    content = read_checkpoint(path).content
    assert content == {} and callable(content.items)


@pytest.mark.parametrize(
    "instructions",
    [
        b"ccollections\nOrderedDict\n}b",  # attributes for a class
        b"]}b",
        b"ccollections\nOrderedDict\n(]X\x01\0\0\0aatR",  # a table of texts
        b"}K\x01R",
        b"N)R",
        b"}(X\x01\0\0\0au",
        b"}(]Nu",  # a list as a key
        b"](K\x01s",
        b"0",
        b"1",
        b"h\x05",
        b"(X\x07\0\0\0storageQ",
        b"Q",
        b"",
        b"cx",
        b"c\xff\xfe\nx\n",
        b"X\x02\0\0\0\xff\xfe",
        b"ctorch\nSize\n(K\x01tR",
        b"ctorch._utils\n_rebuild_parameter\n)R",
        b"ctorch._tensor\n_rebuild_from_type_v2\n(NNNNtR",
        b"ctorch._tensor\n_rebuild_from_type_v2\n(ccollections\nOrderedDict\nctorch\nTensor\n)}tR",
    ],
)
def test_instructions_that_make_no_sense(zipped, instructions):
    refused(zipped(instructions), "damaged")


def rewritten(path, change):
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)
    return path


@pytest.fixture
def good(tmp_path):
    torch.save({"a": torch.ones(4), "b": torch.zeros(3)}, tmp_path / "m.pth")
    return tmp_path / "m.pth"


def test_a_size_in_the_directory_that_the_entry_contradicts(zipped, by_hand):
    path = zipped(b"}" + by_hand.text("a") + by_hand.tensor() + b"s")

    def shrink(content):
        place = content.rindex(b"PK\1\2")
        struct.pack_into("<2L", content, place + 20, 8, 8)

    refused(rewritten(path, shrink), "disagrees with its entries")


def test_a_name_in_the_directory_that_the_entry_contradicts(good):
    def rename(content):
        place = content.index(b"m/data/0", content.index(b"PK\1\2"))
        content[place : place + 8] = b"m/data/1"

    refused(rewritten(good, rename), "disagrees|same name")


def test_two_directories_that_disagree(good):
    def other_count(content):
        struct.pack_into("<2H", content, content.rindex(b"PK\5\6") + 8, 3, 3)

    refused(rewritten(good, other_count), "two directories disagree")


def test_a_second_end_behind_the_first(good):
    content = good.read_bytes()
    good.write_bytes(content + content[content.rindex(b"PK\6\6") :])
    refused(good, "not where the file ends|not in one piece")
    good.write_bytes(content + b"\0")
    refused(good, "no end")


def test_an_archive_before_the_archive(good):
    content = good.read_bytes()
    good.write_bytes(content + content)
    refused(good, "not where the file ends|not in one piece")


def test_entries_upon_each_other(zipped, by_hand):
    path = zipped(b"}" + by_hand.text("a") + by_hand.tensor() + b"s", {"0": bytes(16), "1": bytes(16)})

    def same_place(content):
        first = content.index(b"PK\1\2")
        second = content.index(b"PK\1\2", first + 1)
        content[second + 42 : second + 46] = content[first + 42 : first + 46]

    refused(rewritten(path, same_place), "disagrees|upon each other")


def test_an_entry_within_an_entry(tmp_path, zipped):
    inner = b"PK\3\4" + struct.pack("<5H3L2H", 20, 0, 0, 0, 33, 0, 4, 4, 8, 0) + b"m/data/1" + b"abcd"
    path = zipped(b"}", {"0": inner, "1": b"abcd"})

    def point_inside(content):
        place = content.rindex(b"PK\1\2")
        struct.pack_into("<L", content, place + 42, content.index(b"PK\3\4" + inner[4:8]))

    refused(rewritten(path, point_inside), "disagrees|upon each other")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_entries(zipped, compression):
    refused(zipped(b"}" + b"N0" * 1000, compression=compression), "would unpack")


def test_encrypted_entries(good):
    def encrypt(content):
        place = -1
        while (place := content.find(b"PK", place + 1)) >= 0:
            if content[place + 2 : place + 4] in (b"\1\2", b"\3\4"):
                content[place + (8 if content[place + 2] == 1 else 6)] |= 1

    refused(rewritten(good, encrypt), "encrypted")


def test_a_directory_of_millions_of_entries(good):
    def many(content):
        place = content.rindex(b"PK\6\6")
        struct.pack_into("<2Q", content, place + 24, 1 << 40, 1 << 40)
        struct.pack_into("<2H", content, content.rindex(b"PK\5\6") + 8, 0xFFFF, 0xFFFF)

    refused(rewritten(good, many), "more than any checkpoint")


def test_two_tables_of_contents_and_one_name_twice(tmp_path):
    path = tmp_path / "m.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("b/data.pkl", b"\x80\x02}.")
    refused(path, "two tables")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/data.pkl", b"\x80\x02N.")
    refused(path, "same name")


def test_a_stream_that_claims_storages_larger_than_itself(tmp_path):
    torch.save({"a": torch.ones(4)}, tmp_path / "m.pth", _use_new_zipfile_serialization=False)
    content = (tmp_path / "m.pth").read_bytes()
    (tmp_path / "m.pth").write_bytes(content[:-20] + b"\xff\xff\xff\xff\xff\xff\xff\x0f" + content[-12:])
    refused(tmp_path / "m.pth", "another size")
    (tmp_path / "m.pth").write_bytes(content[:-1])
    refused(tmp_path / "m.pth", "too few")


def test_only_regular_files_are_opened(tmp_path, monkeypatch):
    refused(tmp_path, "this is a folder")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo.pth")
        refused(tmp_path / "fifo.pth", "this is a FIFO")
        (tmp_path / "link.pth").symlink_to(tmp_path / "fifo.pth")
        refused(tmp_path / "link.pth", "this is a FIFO")
        refused(type(tmp_path)("/dev/zero"), "this is a device")
        monkeypatch.chdir(tmp_path)  # a socket's path must be short
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("s.pth")
            refused(tmp_path / "s.pth", "this is a socket")
    refused(tmp_path / "absent.pth", "No such file")
    refused(type(tmp_path)("a\0b"), "cannot be read")


def test_control_characters_of_a_file_do_not_reach_the_terminal(zipped, by_hand):
    refused(zipped(b"c\x1b[31mos\x07\nsystem\x1b[0m\n)R"), "it refers to")
    refused(zipped(b"}" + by_hand.text("\x1b[2J" * 250) + by_hand.tensor(shape=(9,)) + b"s"), "claims")


def safetensors(tmp_path, header, data=b""):
    header = header.encode() if isinstance(header, str) else header
    (tmp_path / "m.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
    return tmp_path / "m.safetensors"


ENTRY = '{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'


@pytest.mark.parametrize(
    "header",
    [
        '{"a": ' + ENTRY + ', "a": ' + ENTRY + "}",
        '{"a": {"dtype": "F32", "dtype": "F16", "shape": [1], "data_offsets": [0, 4]}}',
        '{"a": ' * 100_000,
        '{"a": ' + "[" * 100_000 + "}",
        "{" + " " * 100,
        '{"a": 3}',
        '{"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}',
        '{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}',
        '{"a": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 4]}}',
        '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}',
        '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 400]}}',
        '{"__metadata__": {"x": 3}}',
        '{"' + "k" * 1025 + '": ' + ENTRY + "}",
        b'{"\xff": 3}',
    ],
)
def test_a_safetensors_table_that_cannot_be(tmp_path, header):
    refused(safetensors(tmp_path, header, bytes(4)), "damaged")


def test_a_safetensors_table_larger_than_any(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", 5 << 20) + b"{" + b" " * (5 << 20))
    refused(path, "5,242,880 bytes")
    path.write_bytes(struct.pack("<Q", 1 << 31) + b"{}")
    refused(path, "would have")
