"""Which model `restore` takes."""

import torch

from gpen_core.cli import main
from gpen_core.commands import gpen
from gpen_core.imaging.files import load_picture


def restore(*arguments):
    return main(["restore", *map(str, arguments)])


NOTICE = f"using the small bundled model. For best quality, download GPEN-BFR-512 ({gpen('download GPEN-BFR-512')})"


def test_where_nothing_is_installed_the_bundled_model_restores_and_that_is_said_once(portrait, tmp_path, capsys):
    assert restore(portrait, "-o", tmp_path / "o.png", "--protect", "off") == 0
    said = capsys.readouterr()
    assert "(1 face, 512×512)" in said.out and said.err.count(NOTICE) == 1 and "non-commercial" in said.err
    assert not torch.equal(load_picture(tmp_path / "o.png").pixels, load_picture(portrait).pixels)
    assert restore(portrait, "-o", tmp_path / "chosen.png", "--model", "bundled", "--protect", "off") == 0
    assert "bundled small model" not in capsys.readouterr().err  # whoever chose it knows
    assert (tmp_path / "chosen.png").read_bytes() == (tmp_path / "o.png").read_bytes()


def test_a_published_model_that_was_asked_for_is_not_replaced_by_another(portrait, tmp_path, capsys):
    assert restore(portrait, "-o", tmp_path / "o.png", "--model", "GPEN-BFR-512") == 1
    said = capsys.readouterr().err
    for part in ("GPEN-BFR-512.pth", "download GPEN-BFR-512", "https://", "non-commercial", "choose 'bundled'"):
        assert part in said
    assert not (tmp_path / "o.png").exists()


def test_a_model_is_found_by_its_name_in_the_users_folder(portrait, published_name, tmp_path, capsys):
    for number, name in enumerate(("gpen-bfr-512", "GPEN-BFR-512.pth", None)):
        chosen = () if name is None else ("--model", name)
        assert restore(portrait, "-o", tmp_path / f"{number}.png", "--models", published_name.parent, *chosen) == 0
        said = capsys.readouterr().err
        assert "GPEN-BFR-512.pth: restoration, 64 px" in said and "bundled" not in said
    assert (
        restore(portrait, "-o", tmp_path / "o.png", "--models", published_name.parent, "--model", "gpen-bfr-1024") == 1
    )
    assert "GPEN-BFR-1024.pth is not installed" in capsys.readouterr().err
