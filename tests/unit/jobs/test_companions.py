"""Masks and backgrounds in a folder: each has its input's name."""

from pathlib import Path

import pytest
from PIL import Image

from gpen_core.errors import ImageError
from gpen_core.jobs import Companions


def put(folder, *names):
    for name in names:
        level = 0 if name.endswith(".gif") else 255
        Image.new("L", (8, 8), level).save(folder / name)


@pytest.mark.parametrize("source", ["in/p.jpg", "in/p.gif"])
def test_a_gif_is_a_companion_only_where_no_other_file_is(tmp_path, source):
    folder = Companions(mask=tmp_path, background=tmp_path)
    put(tmp_path, "p.gif")
    assert folder.mask_of(Path(source)).max() == 0
    put(tmp_path, "p.png")
    assert folder.mask_of(Path(source)).min() == 1 and folder.background_of(Path(source)).min() == 1
    put(tmp_path, "p.bmp")
    with pytest.raises(ImageError, match=r"there is several \(p\.bmp, p\.png\)"):
        folder.mask_of(Path(source))
