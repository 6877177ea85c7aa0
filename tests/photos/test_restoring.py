"""The whole way on every kind of picture: in a suite of its own, since real photographs take their time."""

from gpen_core.cli import main
from gpen_core.imaging.files import load_picture


def test_every_test_photo_is_restored_in_its_own_size(photos, checkpoint, tmp_path, capsys):
    """2×2 pixels, strips, 16 bits, palettes, CMYK, alpha, EXIF orientation, groups, turned and cut faces."""
    assert main(["restore", str(photos), "-o", str(tmp_path), "--model", str(checkpoint)]) == 0
    lines = {line.split(" → ")[0].rpartition("/")[2]: line for line in capsys.readouterr().out.splitlines()}
    pictures = sorted(path for path in photos.iterdir() if path.suffix != ".md")
    assert sorted(lines) == [path.name for path in pictures]
    for path in pictures:
        assert load_picture(tmp_path / path.name).pixels.shape[1:] == load_picture(path).pixels.shape[1:]
    faceless = ("no_face", "cartoon", "wide_strip", "image_2x2")
    for name, line in lines.items():
        assert ("no face found" in line) == name.startswith(faceless), line
    assert "(29 faces" in lines["group_solvay_1927.png"] and "(32 faces" in lines["group_32_synthetic.jpg"]
