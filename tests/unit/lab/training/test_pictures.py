"""Folders of pictures: what can be used, what is held out, and which sample is which."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from gpen_core.errors import ImageError, OptionError, TrainingError
from gpen_core.lab.degradation import RECIPES, DegradationRecipe, Weighted
from gpen_core.lab.training.augmentation import AugmentationConfig
from gpen_core.lab.training.folder import FaceFolder, groups_of, read_face, scan, scan_all
from gpen_core.lab.training.pictures import pictures_of
from gpen_core.lab.training.run_paths import RunPaths
from gpen_core.lab.training.samples import FaceSamples, batches, in_order
from gpen_core.lab.training.split import Split, split


def picture(path, size=(48, 48), mode="RGB", seed=0):
    """Random blots, like no other seed's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blots = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    Image.fromarray(blots).resize(size, Image.Resampling.BICUBIC).convert(mode).save(path)
    return path


def folder_of(root, count=20):
    for number in range(count):
        picture(root / f"{number:02d}.png", seed=number)
    return scan(root, 48)


# --- what can be used ---


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OptionError, match=r"nowhere: no such folder\. Give a folder of aligned, square faces"):
        scan(tmp_path / "nowhere", 16)


def test_an_empty_folder_says_which_files_it_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see")
    with pytest.raises(OptionError, match=r"no pictures \(\.png, \.jpg, .*\) in this folder or below it"):
        scan(tmp_path, 16)


def test_pictures_that_cannot_be_used_are_named_with_the_reason(tmp_path):
    picture(tmp_path / "good.png")
    picture(tmp_path / "wide.png", (64, 48))
    picture(tmp_path / "small.jpg", (20, 20))
    (tmp_path / "none.webp").write_bytes(b"no picture at all")
    picture(tmp_path / ".hidden.png")
    folder = scan(tmp_path, 48)
    assert folder.names == ("good.png",)
    report = folder.report()
    assert "3 left out" in report and "hidden" not in report
    assert "wide.png: not square (64×48): align and crop the face first" in report
    assert "small.jpg: too small (20 px, 48 needed)" in report
    assert "none.webp: unreadable" in report


def test_where_all_are_of_no_use_the_error_says_why(tmp_path):
    for number in range(5):
        picture(tmp_path / f"{number}.png", (32, 32))
    with pytest.raises(OptionError, match=r"none of 5 pictures can be used: 0\.png: too small .* … \(5 too small\)"):
        scan(tmp_path, 48)


def test_a_network_that_enlarges_needs_pictures_of_its_output(runs, tmp_path):
    picture(tmp_path / "faces" / "one.png", (24, 24))
    config = runs.config("plain", output_size=32)
    with pytest.raises(OptionError, match=r"too small \(24 px, 32 needed\)"):
        pictures_of(config, RunPaths(tmp_path / "faces", tmp_path / "run"), print)


def test_gray_pictures_are_used_and_counted_also_those_that_are_stored_in_color(runs, tmp_path):
    for number in range(6):
        picture(tmp_path / "faces" / f"{number}.png", seed=number)
    picture(tmp_path / "faces" / "gray.png", mode="L", seed=10)
    stored = picture(tmp_path / "faces" / "stored.jpg", mode="L", seed=11)
    Image.open(stored).convert("RGB").save(stored)
    lines = []
    pictures_of(runs.config("plain"), RunPaths(tmp_path / "faces", tmp_path / "run"), lines.append)
    assert "2 are gray: a network that sees many learns to make gray faces" in lines[0]


def test_the_seed_of_the_split_outlives_that_of_the_run(runs, tmp_path):
    folder_of(tmp_path / "faces")

    def held_out(seed, more=""):
        config = runs.config("plain", changes={"seed = 5": f"seed = {seed}", "workers = 0": f"workers = 0\n{more}"})
        return pictures_of(config, RunPaths(tmp_path / "faces", tmp_path / "run"), lambda text: None).held_out

    assert held_out(1) != held_out(2)
    assert held_out(2, "split_seed = 1") == held_out(7, "split_seed = 1") == held_out(1)
    with pytest.raises(OptionError, match="split_seed is a number of at least 0"):
        held_out(1, "split_seed = -1")


def test_a_corrupt_picture_is_found_when_some_are_held_out(runs, tmp_path):
    names = folder_of(tmp_path / "faces").names
    runs.damage(tmp_path / "faces" / "07.png")
    lines = []
    parts = pictures_of(runs.config("plain"), RunPaths(tmp_path / "faces", tmp_path / "run"), lines.append)
    assert "1 left out as unreadable: 07.png" in lines[0]
    assert sorted((*parts.train, *parts.held_out, "07.png")) == list(names)


def test_where_everything_is_held_out_there_is_nothing_to_train_on(runs, tmp_path):
    picture(tmp_path / "faces" / "one.png")
    with pytest.raises(OptionError, match=r"nothing is left to train on: 1 pictures are held out.*data\.held_out"):
        pictures_of(runs.config("plain"), RunPaths(tmp_path / "faces", tmp_path / "run"), print)


def test_sixteen_bits_of_gray_keep_their_brightness(tmp_path):
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    face = read_face(tmp_path / "deep.png", 64)
    np.testing.assert_allclose(face, np.repeat(ramp[:, :, None] / 65535, 3, axis=2), atol=1e-6)


def test_a_picture_is_read_upright(tmp_path):
    image = Image.open(picture(tmp_path / "plain.png"))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° to the right
    image.save(tmp_path / "turned.png", exif=exif)
    expected = np.rot90(read_face(tmp_path / "plain.png", 48), -1)
    np.testing.assert_array_equal(read_face(tmp_path / "turned.png", 48), expected)


def test_larger_pictures_are_shrunk_by_area(tmp_path):
    path = picture(tmp_path / "face.png")
    expected = np.asarray(Image.open(path), np.float64).reshape(24, 2, 24, 2, 3).mean((1, 3)) / 255
    np.testing.assert_allclose(read_face(path, 24), expected, atol=1e-6)


# --- what is held out ---


def test_whole_groups_are_held_out(tmp_path):
    folder = folder_of(tmp_path)
    entries = [{"file": name, "src": f"film {number // 4}"} for number, name in enumerate(folder.names)]
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    parts = split(folder, 0.3, "src", seed=1)
    groups = {entry["file"]: entry["src"] for entry in entries}
    assert len(parts.held_out) == 8, "two groups of four: the first leaves a third of 20 unfilled"
    assert not {groups[name] for name in parts.train} & {groups[name] for name in parts.held_out}
    assert sorted(parts.train + parts.held_out) == list(folder.names)
    assert split(folder, 0.3, "src", seed=1) == parts
    assert split(folder, 0.3, "src", seed=2).fingerprint != parts.fingerprint


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, r"manifest\.json: no list of tables with 'file' and 'src' can be read from it.*data\.group_by"),
        ("{]", "no list of tables"),
        ('[{"file": "00.png"}]', "no list of tables with 'file' and 'src'"),
        ('[{"file": "00.png", "src": "a"}]', r"does not name 01\.png.*without a group they cannot be held out safely"),
    ],
)
def test_a_manifest_that_does_not_say_the_groups_is_refused(manifest, message, tmp_path):
    folder = folder_of(tmp_path, 3)
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(OptionError, match=message):
        groups_of(folder, "src")


def test_near_duplicates_of_held_out_pictures_are_neither_trained_on_nor_held_out(tmp_path):
    """The same picture brighter, as JPEG, cut a little tighter, and mirrored."""
    folder = folder_of(tmp_path)
    held_out = split(folder, 0.05, "", seed=3).held_out
    (name,) = held_out
    with Image.open(tmp_path / name) as original:
        original.point(lambda value: value // 2 + 100).save(tmp_path / "brighter.png")
        original.save(tmp_path / "lossy.jpg", quality=40)
        original.crop((1, 1, 47, 47)).resize((48, 48)).save(tmp_path / "tighter.png")
        original.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "mirrored.png")
    copies = ("brighter.png", "lossy.jpg", "mirrored.png", "tighter.png")
    again = FaceFolder(folder.root, folder.names + copies, (), 0)
    entries = [{"file": one, "src": one if one == name else "rest"} for one in again.names]
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    parts = next(parts for seed in range(99) if (parts := split(again, 0.01, "src", seed)).held_out == held_out)
    assert parts.dropped == copies
    assert parts.train == tuple(one for one in folder.names if one != name)


def test_nothing_is_looked_at_where_nothing_is_held_out(runs, tmp_path):
    folder = folder_of(tmp_path, 3)
    runs.damage(tmp_path / "01.png")
    assert split(folder, 0.0, "no key", seed=0) == Split(folder.names, ())


# --- several folders ---


def two_folders(tmp_path):
    """One with a manifest, one without; their pictures differ."""
    made, real = folder_of(tmp_path / "made"), tmp_path / "more" / "real"
    entries = [{"file": name, "src": f"film {number // 4}"} for number, name in enumerate(made.names)]
    (tmp_path / "made" / "manifest.json").write_text(json.dumps(entries))
    for number in range(10):
        picture(real / f"{number}.png", seed=100 + number)
    return tmp_path / "made", real


def test_several_folders_are_one_whose_names_begin_where_they_part(tmp_path):
    made, real = two_folders(tmp_path)
    folder = scan_all((made, real), 48)
    assert folder.root == tmp_path and len(folder.names) == 30
    assert {folder.part_of(name) for name in folder.names} == {"made", "more/real"}
    assert all((folder.root / name).is_file() for name in folder.names)
    assert scan_all((made,), 48) == scan(made, 48)


def test_what_one_folder_holds_out_does_not_change_with_what_it_is_joined_to(tmp_path):
    made, real = two_folders(tmp_path)
    alone = split(scan(made, 48), 0.3, "src", seed=1)
    both = split(scan_all((made, real), 48), 0.3, "src", seed=1)
    assert [name for name in both.held_out if name.startswith("made/")] == [f"made/{name}" for name in alone.held_out]
    assert sum(name.startswith("more/real/") for name in both.held_out) == 3


def test_a_near_duplicate_in_another_folder_is_dropped(tmp_path):
    made, real = two_folders(tmp_path)
    held_out = split(scan_all((made, real), 48), 0.3, "src", seed=1).held_out
    copied = next(name for name in held_out if name.startswith("made/"))
    (real / "copy.png").write_bytes((tmp_path / copied).read_bytes())
    parts = split(scan_all((made, real), 48), 0.3, "src", seed=1)
    assert copied in parts.held_out
    assert "more/real/copy.png" in (*parts.dropped, *parts.held_out)


def test_a_folder_inside_another_is_refused(tmp_path):
    folder_of(tmp_path / "all")
    folder_of(tmp_path / "all" / "some")
    with pytest.raises(OptionError, match="would count twice"):
        scan_all((tmp_path / "all", tmp_path / "all" / "some"), 48)
    with pytest.raises(OptionError, match="inside"):
        RunPaths(tmp_path / "a", tmp_path / "b" / "run", more_data=(tmp_path / "b",))


# --- which sample is which ---


def samples_of(root, names, **settings):
    settings = {"size": 16, "out_size": 16, "read_size": 32, "seed": 4} | settings
    return FaceSamples(root, names, DegradationRecipe(), **settings)


def test_a_sample_is_the_same_whenever_and_by_whomever_it_is_asked_for(tmp_path):
    folder = folder_of(tmp_path, 5)
    samples = samples_of(tmp_path, folder.names)
    first = [samples[position] for position in range(12)]
    other = samples_of(tmp_path, folder.names)
    for position in (11, 3, 7):
        assert torch.equal(other[position].low, first[position].low)
        assert torch.equal(other[position].target, first[position].target)
    assert not torch.equal(first[0].low, first[5].low), "degraded anew each time"


def test_each_turn_shows_every_picture_once_in_an_order_of_its_own(tmp_path):
    folder = folder_of(tmp_path, 8)
    samples = samples_of(tmp_path, folder.names)
    turns = [[samples._name(turn * 8 + index) for index in range(8)] for turn in range(3)]
    assert all(sorted(turn) == list(folder.names) for turn in turns)
    assert turns[0] != turns[1] != turns[2]


def test_a_growing_network_sees_what_the_full_grown_one_will_see_shrunk(tmp_path):
    folder = folder_of(tmp_path, 2)
    small = samples_of(tmp_path, folder.names)[1]
    large = samples_of(tmp_path, folder.names, size=32, out_size=32)[1]
    for name in ("low", "target"):
        halved = torch.nn.functional.avg_pool2d(getattr(large, name), 2)
        torch.testing.assert_close(getattr(small, name), halved, rtol=0, atol=1e-5)


def test_a_picture_that_cannot_be_read_is_replaced_by_the_next_one_and_named(runs, tmp_path):
    folder = folder_of(tmp_path, 3)
    runs.damage(tmp_path / "01.png")
    samples = samples_of(tmp_path, folder.names, shuffle=False, seed=0)
    assert samples[1].corrupt == ("01.png",) and samples[0].corrupt == samples[2].corrupt == ()
    with pytest.raises(ImageError, match=r"01\.png: cannot be read"):
        read_face(tmp_path / "01.png", 16)
    for name in ("00.png", "02.png"):
        (tmp_path / name).unlink()
    with pytest.raises(TrainingError, match="not one of 3 pictures can be read any more"):
        samples[0]


def test_batches_begin_at_any_sample_and_know_their_numbers(tmp_path):
    folder = folder_of(tmp_path, 5)
    samples = samples_of(tmp_path, folder.names)
    found = list(batches(samples, first=6, count=2, batch=3))
    assert [batch.numbers for batch in found] == [(6, 7, 8), (9, 10, 11)]
    assert torch.equal(found[1].low[2], samples[11].low)
    assert [len(batch.numbers) for batch in in_order(samples, 2)] == [2, 2, 1]


def test_a_mix_is_drawn_by_the_sample_and_augmentation_changes_target_and_degraded_alike(tmp_path):
    folder = folder_of(tmp_path, 5)
    mix = (Weighted(1.0, RECIPES["none"]), Weighted(1.0, RECIPES["half"]))
    samples = samples_of(tmp_path, folder.names, mix=mix, augmentation=AugmentationConfig(exposure=0.5, rotation=10.0))
    plain = samples_of(tmp_path, folder.names, mix=mix)
    found = [samples[position] for position in range(20)]
    untouched = [torch.equal(sample.low, sample.target) for sample in found]
    assert 3 < sum(untouched) < 17, "of two recipes as likely"
    assert all(torch.equal(samples[position].low, found[position].low) for position in (3, 17))
    assert not any(torch.equal(plain[position].target, found[position].target) for position in range(20))
