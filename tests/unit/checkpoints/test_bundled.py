"""The small model that comes with the package: what it is, who gets it, and what they are told."""

import json
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from gpen_core import load_checkpoint
from gpen_core.checkpoints.convert import describe
from gpen_core.errors import MissingWeightsError
from gpen_core.tasks import TASKS
from gpen_core.weights import find
from gpen_core.weights.catalog import BUNDLED, INCLUDED, PERCEPTUAL, PUBLISHED, entry_named, published_named
from gpen_core.weights.find import bundled_file, bundled_notice, is_bundled, resolve_model

NAMES = ["bundled", "Bundled", "gpen-bundled-256", "GPEN-bundled-256.safetensors"]


@pytest.mark.parametrize("entry", INCLUDED, ids=lambda entry: entry.name)
def test_it_is_a_published_network_of_256_px_and_3_to_5_million_parameters(entry):
    description = describe(bundled_file(entry))
    config = description.config
    assert (config.input_size, config.output_size, config.family) == (256, 256, "published")
    assert 3e6 <= description.parameters <= 5e6
    assert description.task is TASKS[entry.task] and description.task.template == "ffhq"
    assert entry.size == config.input_size


@pytest.mark.parametrize("entry", INCLUDED, ids=lambda entry: entry.name)
def test_it_is_a_small_file_of_float16(entry):
    assert bundled_file(entry).stat().st_size <= 10_000_000
    assert {value.dtype for value in load_file(bundled_file(entry)).values()} == {torch.float16}


def test_together_they_take_16_megabytes():
    assert sum(bundled_file(entry).stat().st_size for entry in INCLUDED) <= 16_000_000


def test_the_perceptual_one_has_the_encoder_of_the_other_and_a_decoder_of_its_own():
    plain, perceptual = (load_checkpoint(bundled_file(entry)).module.state_dict() for entry in INCLUDED)
    differing = {key for key, value in plain.items() if not value.equal(perceptual[key])}
    assert differing and all(key.startswith("generator.") for key in differing)


def test_the_perceptual_one_makes_more_texture(astronaut, astronaut_face):
    from gpen_core.faces.alignment import align_face

    crop = align_face(astronaut, astronaut_face, 256, "ffhq").pixels
    blurred = F.avg_pool2d(F.pad(crop[None], (2, 2, 2, 2), mode="reflect"), 5, 1)
    plain, perceptual = (load_checkpoint(bundled_file(entry))(blurred)[0] for entry in INCLUDED)
    found = [float((face[:, 1:] - face[:, :-1]).square().mean()) for face in (plain, perceptual)]
    assert found[1] > 1.1 * found[0]
    assert (plain - perceptual).abs().mean() < 0.03


@pytest.mark.parametrize("entry", INCLUDED, ids=lambda entry: entry.name)
def test_it_makes_finite_pictures_of_any_input(entry):
    model = load_checkpoint(bundled_file(entry))
    crops = torch.stack([torch.zeros(3, 256, 256), torch.ones(3, 256, 256), torch.rand(3, 256, 256)])
    with torch.no_grad():
        raw = model.module(crops * 2 - 1)
    assert torch.isfinite(raw).all() and raw.abs().max() < 10  # nominally in [-1, 1]


def test_it_gives_a_face_back_that_is_the_same_person_in_the_same_colors(astronaut, astronaut_face):
    """Not how well it restores, but that it was trained at all: random weights yield noise."""
    from gpen_core.faces.alignment import align_face

    model = load_checkpoint(bundled_file())
    crop = align_face(astronaut, astronaut_face, 256, model.task.template).pixels
    restored = model(crop[None])[0]
    assert (restored - crop).abs().mean() < 0.1
    together = torch.stack([restored.mean(0).flatten(), crop.mean(0).flatten()])
    assert torch.corrcoef(together)[0, 1] > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_it_is_found_by_its_names(tmp_path, name):
    assert entry_named(name) is BUNDLED and published_named(name) is None
    path = resolve_model(name, [tmp_path])
    assert path == bundled_file() and is_bundled(path)


@pytest.mark.parametrize(
    "name", ["bundled-perceptual", "Bundled-Perceptual", "gpen-bundled-256-perceptual.safetensors"]
)
def test_so_is_its_variant(tmp_path, name):
    assert entry_named(name) is PERCEPTUAL and published_named(name) is None
    path = resolve_model(name, [tmp_path])
    assert path == bundled_file(PERCEPTUAL) and is_bundled(path)


def test_it_is_what_there_is_where_nothing_else_is(tmp_path):
    assert is_bundled(resolve_model(None, [tmp_path, tmp_path / "absent"]))
    (tmp_path / "my_finetune.pth").touch()  # nobody knows what it is
    assert is_bundled(resolve_model(None, [tmp_path]))
    for name in ("GPEN-BFR-256.pth", "gpen-bfr-2048.pt"):  # each is preferred to those before it
        (tmp_path / name).touch()
        assert resolve_model(None, [tmp_path]) == tmp_path / name


def test_another_file_called_bundled_is_chosen_by_its_full_name_only(tmp_path):
    (tmp_path / "bundled.pth").touch()
    assert is_bundled(resolve_model("bundled", [tmp_path]))
    assert resolve_model("bundled.pth", [tmp_path]) == tmp_path / "bundled.pth"
    assert resolve_model(tmp_path / "bundled.pth", []) == tmp_path / "bundled.pth"


@pytest.mark.parametrize("entry", [entry for entry in PUBLISHED if entry.kind == "gpen"], ids=lambda entry: entry.name)
def test_no_published_model_is_replaced_by_it_but_its_absence_may_mention_it(tmp_path, entry):
    with pytest.raises(MissingWeightsError) as caught:
        resolve_model(entry.name, [tmp_path])
    said = str(caught.value)
    assert f"{entry.filename} is not installed" in said and entry.urls[0] in said
    assert ("choose 'bundled'" in said) == ("BFR" in entry.name)  # it colors and paints nothing


def test_an_unknown_name_is_told_the_known_ones(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"neither a file nor a known GPEN model.*GPEN-BFR-512.*bundled"):
        resolve_model("GPEN-9000", [tmp_path])


def test_the_notice_names_what_is_better_and_its_license(tmp_path):
    assert "GPEN-BFR-512" in bundled_notice() and "non-commercial" in bundled_notice()
    assert "-m gpen_core download GPEN-BFR-512" in bundled_notice()
    assert f'download GPEN-BFR-512 -o "{tmp_path}"' in bundled_notice([tmp_path])


def test_a_package_without_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(find, "ASSETS", tmp_path)
    for name in ("bundled", None):
        with pytest.raises(MissingWeightsError, match=r"gpen-bundled-256\.safetensors.*Reinstall the package"):
            resolve_model(name, [])


def test_an_installed_package_holds_it_and_the_training_presets(repo_root):
    """What setuptools would put into a wheel, asked of setuptools itself."""
    pytest.importorskip("setuptools", "77", reason="pyproject.toml asks for setuptools 77")
    code = """
import json
from setuptools.dist import Distribution
distribution = Distribution()
distribution.parse_config_files()
distribution.include_package_data = False  # what is named in pyproject.toml, whatever a build before has left here
command = distribution.get_command_obj("build_py")
command.ensure_finalized()
print(json.dumps([f"{folder}/{name}" for _, folder, _, names in command.data_files for name in names]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=repo_root, capture_output=True, text=True, check=True)
    packed = json.loads(done.stdout.splitlines()[-1])
    core = repo_root / "gpen_core"
    wanted = [*map(bundled_file, INCLUDED), *core.glob("assets/*.md"), *core.glob("lab/training/presets/*.toml")]
    assert len(wanted) > 2
    for path in wanted:
        assert any(name.endswith(path.relative_to(core).as_posix()) for name in packed), path
