"""The report of a run: what was done to each face, and nothing of a file name that a browser would run."""

import json
from pathlib import Path

import pytest
import torch

from gpen_core.cli import main
from gpen_core.cli.report import Entry, Report
from gpen_core.errors import OptionError
from gpen_core.types import FaceFacts


@pytest.fixture
def pair(astronaut):
    return astronaut, astronaut * 0.9


@pytest.fixture
def facts():
    return FaceFacts(97.0, 0.71, 0.4, None, 0.0, "tiny", 64, ("Fairly good <b>already</b>.",))


def entry(name, face, facts):
    return Entry(Path(name), Path("out.png"), (face,), (facts,), 0.5)


def test_names_and_notes_are_escaped_in_html(tmp_path, astronaut_face, facts, pair):
    report = Report(tmp_path / "report.html")
    report.add(entry("<script>alert(1)</script>.png", astronaut_face, facts), pair)
    report.add(Entry(Path("b.png"), Path("c.png"), error="<img src=x onerror=alert(1)>"))
    report.write("<i>model</i>")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for dangerous in ("<script", "<img src=x", "<i>", "<b>"):
        assert dangerous not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.png" in page
    assert page.count("data:image/jpeg;base64,") == 4  # the picture and the face, before and after
    assert "http" not in page  # nothing is fetched


def test_json_holds_every_fact(tmp_path, astronaut_face, facts, pair):
    report = Report(tmp_path / "report.json")
    report.add(entry("a.png", astronaut_face, facts), pair)
    report.write("tiny")
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (face,) = written["images"][0]["faces"]
    assert face["quality"] == 0.71 and face["strength"] == 0.4 and face["similarity"] is None
    assert face["notes"] == ["Fairly good <b>already</b>."] and face["box"] == [175.0, 64.0, 272.0, 188.0]


def test_a_name_that_is_no_text_is_written(tmp_path, astronaut_face, facts, pair):
    for suffix in ("json", "html"):
        report = Report(tmp_path / f"report.{suffix}")
        report.add(entry("a\udcff.png", astronaut_face, facts), pair)
        report.write("tiny")
        assert "a\\udcff.png" in (tmp_path / f"report.{suffix}").read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", ["json", "html"])
def test_faces_that_were_not_chosen_are_told_with_the_reason(tmp_path, checkpoint, portrait, suffix, capsys):
    report = tmp_path / f"report.{suffix}"
    code = main(
        ["restore", str(portrait), "-o", str(tmp_path / "out.png"), "--model", str(checkpoint), "--device", "cpu",
         "--detector", "mtcnn", "--faces", "7", "--scale", "2", "--report", str(report)]
    )  # fmt: skip
    text = report.read_text(encoding="utf-8")
    told = "the face is not chosen (not in the list of faces), image only resized (there is no face 7), 1024×1024"
    assert code == 0 and told in text and told in capsys.readouterr().out and "o face found" not in text
    if suffix == "json":
        (image,) = json.loads(text)["images"]
        (left_out,) = image["not_chosen"]
        assert image["faces"] == [] and left_out["why"] == "not in the list of faces" and left_out["score"] > 0.9
    else:
        assert "Not chosen: #1 (not in the list of faces)" in text


def test_inputs_that_are_not_there_are_in_the_report(tmp_path, checkpoint, portrait):
    report = tmp_path / "report.json"
    code = main(
        ["restore", str(portrait), str(tmp_path / "gone.png"), "-o", str(tmp_path / "out"), "--model", str(checkpoint),
         "--device", "cpu", "--detector", "mtcnn", "--report", str(report)]
    )  # fmt: skip
    gone, found = json.loads(report.read_text(encoding="utf-8"))["images"]
    assert code == 1 and gone["error"] == "no image found" and gone["target"] is None and len(found["faces"]) == 1


@pytest.mark.parametrize("suffix", ["json", "html"])
def test_a_clip_is_in_the_report(tmp_path, checkpoint, portrait, suffix):
    from PIL import Image

    with Image.open(portrait) as opened:
        frame = opened.convert("RGB").resize((256, 256))
    frame.save(tmp_path / "two.gif", save_all=True, append_images=[frame.rotate(2)], duration=100)
    report = tmp_path / f"report.{suffix}"
    main(
        ["restore", str(tmp_path / "two.gif"), "-o", str(tmp_path / "out.gif"), "--model", str(checkpoint), "--device", "cpu",
         "--detector", "mtcnn", "--faces", "7", "--report", str(report)]
    )  # fmt: skip
    text = report.read_text(encoding="utf-8")
    assert "two.gif" in text and "2 frames; no face found or chosen." in text
    if suffix == "json":
        (clip,) = json.loads(text)["images"]
        assert set(clip) == {"source", "target", "seconds", "result"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--report", "s3://bucket/report.json"],
            "'s3://bucket/report.json' is an address: name a file on this machine",
        ),
        (["--reference-similarity", "0.7"], "name a picture of the person"),
        (["--point", "0.2,0.3"], "--point is for --order nearest_to_point"),
        (["--point", "300,200", "--order", "nearest_to_point"], "from 0 to 1, such as 0.3,0.5, not 300,200"),
        (["--max-faces", "-1"], "the maximum number of faces must be at least 0"),
        (["--regions", "eyes=1,eyes=0"], "eyes is named twice, with 1 and 0"),
    ],
)
def test_options_that_would_go_unheard_are_refused(tmp_path, checkpoint, portrait, arguments, says, capsys):
    output = tmp_path / "out.png"
    try:
        code = main(["restore", str(portrait), "-o", str(output), "--model", str(checkpoint), *arguments])
    except SystemExit as stopped:  # wrong usage
        code = stopped.code
    assert code and says in capsys.readouterr().err and not output.exists()


def test_a_least_size_that_no_face_has_is_told(tmp_path, checkpoint, portrait, capsys):
    main(["restore", str(portrait), "-o", str(tmp_path / "out.png"), "--model", str(checkpoint), "--device", "cpu",
          "--detector", "mtcnn", "--min-face", "300"])  # fmt: skip
    assert "no face of 300 px or more found" in capsys.readouterr().out


def test_a_report_of_another_kind_is_refused_at_once(tmp_path):
    with pytest.raises(OptionError, match="html or a"):
        Report(tmp_path / "report.txt")


@pytest.mark.parametrize("suffix", ["json", "html"])
def test_a_run_writes_its_report_also_of_what_failed(tmp_path, checkpoint, portrait, suffix, capsys):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    report = tmp_path / f"report.{suffix}"
    code = main(
        ["restore", str(portrait), str(bad), "-o", str(tmp_path / "out"), "--model", str(checkpoint), "--device", "cpu",
         "--detector", "mtcnn", "--report", str(report)]
    )  # fmt: skip
    text = report.read_text(encoding="utf-8")
    assert code == 1 and "bad.png" in text and "astronaut.png" in text
    if suffix == "json":
        good, failed = json.loads(text)["images"]
        assert len(good["faces"]) == 1 and 0 <= good["faces"][0]["quality"] <= 1
        assert "error" in failed and "faces" not in failed


def test_protection_off_is_what_the_command_did_before(tmp_path, checkpoint, portrait, capsys):
    arguments = ["restore", str(portrait), "--model", str(checkpoint), "--device", "cpu", "--detector", "mtcnn"]
    assert main([*arguments, "-o", str(tmp_path / "off.png"), "--protect", "off"]) == 0
    assert main([*arguments, "-o", str(tmp_path / "auto.png")]) == 0
    from gpen_core.imaging.files import load_picture

    off, auto = (load_picture(tmp_path / f"{name}.png").pixels for name in ("off", "auto"))
    before = load_picture(portrait).pixels
    assert (off - before).abs().sum() > (auto - before).abs().sum()
    assert torch.equal(off[:, 400:], before[:, 400:])


def test_addresses_are_in_the_report_as_they_were_typed(tmp_path, checkpoint, portrait):
    report, gone = tmp_path / "report.json", "memory://bucket/gone.png"
    main(
        ["restore", str(portrait), gone, "-o", str(tmp_path / "out"), "--model", str(checkpoint), "--device", "cpu",
         "--detector", "mtcnn", "--report", str(report)]
    )  # fmt: skip
    assert json.loads(report.read_text(encoding="utf-8"))["images"][0]["source"] == gone
