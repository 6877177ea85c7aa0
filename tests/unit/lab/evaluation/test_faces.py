"""Folders of faces: what is chosen, what is skipped, and what is said."""

import numpy as np
import pytest
import torch
from PIL import Image

from gpen_core.errors import ImageError, OptionError
from gpen_core.imaging.files import load_picture
from gpen_core.lab.evaluation import open_faces, open_pairs, read_list
from gpen_core.lab.evaluation.samples import Sizes


def save(path, size=(32, 32), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    shade = 40 + sum(path.stem.encode()) % 150
    Image.fromarray(np.full((*size[::-1], 3), shade, np.uint8)).convert(mode).save(path)


def test_bad_files_are_skipped_and_counted_with_the_reason(folder):
    (folder / "corrupt.jpg").write_bytes(b"no picture")
    cut = (folder / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(cut[: len(cut) // 2])
    save(folder / "wide.png", (40, 30))
    save(folder / "gray.png", (32, 32), "L")
    (folder / "notes.txt").write_text("no picture, and none expected")
    faces = open_faces(folder)
    assert faces.names == ("0.png", "1.png", "2.png", "3.png", "4.png", "gray.png")
    assert (faces.gray, faces.smallest, len(faces)) == (1, 32, 6)
    reasons = {entry.name: entry.reason for entry in faces.skipped}
    assert set(reasons) == {"corrupt.jpg", "cut.png", "wide.png"}
    assert "not square (40×30)" in reasons["wide.png"] and "not an image file" in reasons["corrupt.jpg"]


def test_faces_are_read_anew_each_time_as_three_channels(folder):
    save(folder / "gray.png", (32, 32), "LA")
    faces = open_faces(folder)
    first, second = ([face.pixels for face in faces] for _ in range(2))
    assert all(torch.equal(a, b) and a.shape[0] == 3 for a, b in zip(first, second, strict=True))
    assert torch.equal(first[0], load_picture(folder / "0.png").pixels)


def test_a_limit_draws_by_its_seed(tmp_path):
    for number in range(20):
        save(tmp_path / "deep" / f"{number:02d}.png", (8, 8))
    drawn = [open_faces(tmp_path, limit=5, seed=seed).names for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2] and all(len(names) == 5 for names in drawn)
    assert drawn[0] == tuple(sorted(drawn[0])) and drawn[0][0].startswith("deep/")
    assert len(open_faces(tmp_path, limit=99)) == 20
    save(tmp_path / "deep" / "05.gif", (8, 8))  # a preview: the faces that are drawn stay the same
    assert open_faces(tmp_path, limit=5, seed=1).names == drawn[0] and len(open_faces(tmp_path)) == 20


def test_a_list_names_the_faces(folder, tmp_path):
    (tmp_path / "list.txt").write_text("3.png\n\n1.png\n3.png\n")
    names = read_list(tmp_path / "list.txt")
    assert open_faces(folder, names=names).names == ("1.png", "3.png")
    with pytest.raises(OptionError, match=r"has no picture 9\.png"):
        open_faces(folder, names=["1.png", "9.png"])
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(OptionError, match="an empty list"):
        read_list(tmp_path / "empty.txt")
    with pytest.raises(OptionError, match="cannot be read as a list"):
        read_list(tmp_path / "absent.txt")


def test_folders_without_faces_are_named(tmp_path):
    with pytest.raises(OptionError, match="no such folder"):
        open_faces(tmp_path / "absent")
    with pytest.raises(OptionError, match="no pictures"):
        open_faces(tmp_path)
    save(tmp_path / "wide.png", (40, 30))
    with pytest.raises(ImageError, match="none of 1 pictures can be used"):
        open_faces(tmp_path)
    with pytest.raises(OptionError, match="limit"):
        open_faces(tmp_path, limit=-1)


def test_pairs_are_matched_by_stem_whatever_the_extension(folder, tmp_path):
    for number in range(5):
        save(tmp_path / "low" / f"{number}.jpg", (16, 16))
    pairs = open_pairs(tmp_path / "low", folder)
    samples = list(pairs.samples(Sizes(64, 128)))
    assert [sample.name for sample in samples] == [f"{number}.png" for number in range(5)]
    assert {(s.low.shape[1], s.small.shape[1], s.target.shape[1]) for s in samples} == {(64, 16, 128)}
    shades = [float(sample.low.mean()) for sample in samples]
    assert shades == pytest.approx([float(load_picture(tmp_path / "low" / f"{n}.jpg").pixels.mean()) for n in range(5)])


def test_pairs_without_a_partner_are_an_error(folder, tmp_path):
    for name in ("0.jpg", "1.jpg", "2.jpg", "3.jpg"):
        save(tmp_path / "low" / name)
    with pytest.raises(OptionError, match=r"low has no partner for 4\.png"):
        open_pairs(tmp_path / "low", folder)
    save(tmp_path / "low" / "4.jpg")
    save(tmp_path / "low" / "5.jpg")
    with pytest.raises(OptionError, match=r"clean has no partner for 5\.jpg"):
        open_pairs(tmp_path / "low", folder)
    save(tmp_path / "low" / "4.png")
    with pytest.raises(OptionError, match="which is the partner"):
        open_pairs(tmp_path / "low", folder)


def test_a_pair_with_a_bad_half_is_skipped_and_counted(folder, tmp_path):
    for number in range(5):
        save(tmp_path / "low" / f"{number}.jpg")
    (tmp_path / "low" / "2.jpg").write_bytes(b"no picture")
    save(folder / "3.png", (20, 30))
    pairs = open_pairs(tmp_path / "low", folder)
    assert pairs.clean.names == ("0.png", "1.png", "4.png") and pairs.low.names == ("0.jpg", "1.jpg", "4.jpg")
    assert [entry.name for entry in (*pairs.low.skipped, *pairs.clean.skipped)] == ["2.jpg", "3.png"]
