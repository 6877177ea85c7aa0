"""A fresh ComfyUI without any model: the bundled one restores at once, and that is said."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from host_harness.graphs import probing, saving, whole
from host_harness.host_process import HostProcess
from PIL import Image, ImageFilter

FACE = np.s_[64:188, 175:272]  # of the astronaut


@pytest.fixture
def blurred(portrait: Path, tmp_path: Path) -> Path:
    """`astronaut.png`, out of focus: a sharp face would be left as it is."""
    path = tmp_path / portrait.name
    Image.open(portrait).filter(ImageFilter.GaussianBlur(2.5)).save(path)
    return path


@pytest.fixture
def fresh(pack_host: HostProcess, blurred: Path) -> HostProcess:
    """The host with our pack and the portrait, but no model."""
    pack_host.base.place_input(blurred)
    assert not list(pack_host.base.models.rglob("*.pth"))
    return pack_host


def choices(host: HostProcess) -> list[str]:
    options = host.object_info("GPEN_LoadModel")["input"]["required"]["model_name"]
    return options[0] if isinstance(options[0], list) else options[1]["options"]


def notices(host: HostProcess) -> int:
    return host.log.read_text(errors="replace").count("GPEN: using the small bundled model")


def default(host: HostProcess) -> str:
    """What the page puts into a new node: the widget's default, else the first of the list."""
    settings = host.object_info("GPEN_LoadModel")["input"]["required"]["model_name"][1]
    return settings.get("default", choices(host)[0])


def test_a_new_graph_restores_the_face_and_nothing_else(fresh: HostProcess, blurred: Path):
    assert default(fresh) == "bundled"
    before = notices(fresh)
    graph = probing(whole("astronaut.png", default(fresh), detector=None), picture=("6", 0), mask=("6", 1))
    result = fresh.run(graph)
    assert result.status == "success", result.error
    name = {key: result.outputs[f"probe_{key}"]["probe"][0]["filename"] for key in ("picture", "mask")}
    picture, mask = (np.load(fresh.base.output / name[key])[0] for key in ("picture", "mask"))
    given = np.asarray(Image.open(blurred), dtype=np.float32) / 255
    np.testing.assert_array_equal(picture[mask == 0], given[mask == 0])
    changed = np.abs(picture - given).max(axis=-1)
    assert changed[FACE].mean() > 0.01 and 0.01 < (mask > 0).mean() < 0.2
    assert changed[:20].max() == 0 and changed[260:].max() == 0
    said = fresh.log.read_text(errors="replace")
    told = notices(fresh)
    assert told > before  # more than once in one log, whose handlers ComfyUI sets up twice here
    assert fresh.run(graph).status == "success" and notices(fresh) == told  # loaded once, said once
    assert "For best quality, download GPEN-BFR-512" in said and "facerestore_models" in said
    assert [model["model"] for model in fresh.loaded_models()].count("Gpen") == 1


def test_its_variant_is_the_next_choice_and_makes_another_face(fresh: HostProcess):
    assert choices(fresh)[:2] == ["bundled", "bundled-perceptual"]
    found = []
    for name in choices(fresh)[:2]:
        result = fresh.run(probing(whole("astronaut.png", name, detector=None), picture=("6", 0)))
        assert result.status == "success", result.error
        probe = result.outputs["probe_picture"]["probe"][0]["filename"]
        found.append(np.load(fresh.base.output / probe)[0])
    assert 0.002 < np.abs(found[0] - found[1])[FACE].mean() < 0.05
    np.testing.assert_array_equal(found[0][:20], found[1][:20])


def test_it_stays_a_choice_but_not_the_default_beside_a_published_model(
    fresh: HostProcess, place_model: Callable[..., Path], checkpoint: Path, portrait: Path
):
    place_model(checkpoint, name="codeformer.pth")  # another pack's: no reason to fail by default
    assert default(fresh) == "bundled" and "codeformer.pth (not a GPEN model)" in choices(fresh)
    place_model(checkpoint, name="GPEN-BFR-256.pth")
    assert default(fresh) == "GPEN-BFR-256.pth" and choices(fresh).count("bundled") == 1
    before = notices(fresh)
    assert fresh.run(saving(whole("astronaut.png", "GPEN-BFR-256.pth"))).status == "success"
    assert notices(fresh) == before


def test_a_saved_workflow_that_names_an_absent_model_still_opens_and_is_told_both_ways_out(fresh: HostProcess):
    result = fresh.run(saving(whole("astronaut.png", "GPEN-BFR-512.pth")))
    assert result.status == "error" and result.error is not None and result.error["node_id"] == "2"
    told = result.error["exception_message"]
    assert "GPEN-BFR-512.pth is not installed" in told and "https://" in told and "choose 'bundled'" in told
