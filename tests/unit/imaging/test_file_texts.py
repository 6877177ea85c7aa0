"""Prompts, workflows, comments and other texts come through every format that can hold them."""

import re
import zlib

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imaging_harness.knowledge import (
    NAMES,
    PARAMETERS,
    PIXELS,
    PROMPT,
    WORKFLOW,
    chunks_of,
    converted,
    png_with,
    segments_of,
    texts_of,
)
from PIL import Image

from gpen_core.imaging.files import Known, Picture, Text, load_picture, save_picture


def text_chunks():
    return [
        (b"tEXt", b"prompt\0" + PROMPT.encode()),
        (b"iTXt", b"workflow\0\0\0\0\0" + WORKFLOW.encode()),
        (b"iTXt", b"parameters\0\1\0en\0\0" + zlib.compress(PARAMETERS.encode())),
        (b"zTXt", b"Description\0\0" + zlib.compress("Grüße".encode("latin-1"))),
        (b"tEXt", b"Author\0Anne"),
    ]


TEXTS = {"prompt": PROMPT, "workflow": WORKFLOW, "parameters": PARAMETERS, "Description": "Grüße", "Author": "Anne"}


@pytest.mark.parametrize("name", NAMES)
def test_prompts_workflows_and_texts_come_through_every_format_and_back(tmp_path, name):
    png_with(tmp_path / "source.png", *text_chunks())
    path, lost = converted(tmp_path, "source.png", f"there-{name}")
    assert texts_of(path) == TEXTS and not lost
    back, lost = converted(tmp_path, path.name, "back.png")
    assert texts_of(back) == TEXTS and not lost
    found = {}
    for kind, body in chunks_of(back):
        keyword, _, rest = body.partition(b"\0")
        if kind == b"tEXt":
            found[keyword.decode()] = rest.decode("latin-1")
        if kind == b"iTXt":
            found[keyword.decode()] = rest[2:].split(b"\0", 2)[2].decode()
    assert found == TEXTS


@pytest.mark.parametrize("length", [40_000, 70_000, 300_000])
def test_texts_that_are_too_long_for_a_jpegs_exif_come_through_in_its_xmp(tmp_path, length):
    texts = {
        "workflow": "w写" * (length // 4),
        "prompt": "p" * length,
        "parameters": f"{'é' * (length // 2)}\nSteps: 20",
    }
    save_picture(
        Picture(torch.zeros(3, 8, 8), known=Known(texts=tuple(Text(*one) for one in texts.items()))),
        tmp_path / "source.png",
    )
    path, lost = converted(tmp_path, "source.png", "there.jpg")
    assert not lost and texts_of(path) == texts
    back, lost = converted(tmp_path, "there.jpg", "back.png")
    assert not lost and texts_of(back) == texts


def test_other_tools_find_their_texts_in_webp_and_jpeg_files_where_they_look(tmp_path):
    png_with(tmp_path / "source.png", *text_chunks())
    for name in ("a.webp", "a.jpg"):
        path, _ = converted(tmp_path, "source.png", name)
        with Image.open(path) as image:
            exif = image.getexif()
            assert exif[0x0110] == f"prompt:{PROMPT}"
            assert exif[0x010F].encode("latin-1").decode() == f"workflow:{WORKFLOW}"
            comment = exif.get_ifd(0x8769)[0x9286]
        assert comment[:8] == b"UNICODE\0" and comment[8:].decode("utf-16-be") == PARAMETERS


def test_a_cameras_name_is_not_replaced_by_a_workflow(tmp_path):
    made = Image.Exif()
    made[0x010F], made[0x0110] = "Maker", "Model"
    png_with(tmp_path / "source.png", *text_chunks(), (b"eXIf", made.tobytes()[6:]))
    path, _ = converted(tmp_path, "source.png", "a.jpg")
    with Image.open(path) as image:
        assert (image.getexif()[0x010F], image.getexif()[0x0110]) == ("Maker", "Model")
    assert texts_of(path) == TEXTS


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.builds(
            Text,
            st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200),
        ),
        max_size=4,
        unique_by=lambda text: text.keyword,
    ),
    name=st.sampled_from(NAMES),
)
def test_any_text_comes_through_or_is_named(tmp_path, texts, name):
    lost = save_picture(Picture(PIXELS, known=Known(tuple(texts))), tmp_path / name)
    found = sorted((text.keyword, text.value) for text in load_picture(tmp_path / name).known.texts)
    kept = sorted((text.keyword, text.value) for text in texts if f"the text '{text.keyword}'" not in lost)
    assert found == kept
    for text in texts:
        if f"the text '{text.keyword}'" in lost:
            assert name != "a.png" and any(
                re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", t.value) for t in texts
            )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("comment", ["made by hand", "Grüße 写真"])
def test_a_jpegs_comment_comes_through(tmp_path, name, comment):
    Image.new("RGB", (24, 16)).save(tmp_path / "source.jpg", comment=comment.encode())
    path, lost = converted(tmp_path, "source.jpg", name)
    assert texts_of(path) == {"Comment": comment} and not lost
    back, _ = converted(tmp_path, name, "back.jpg")
    assert [body for marker, body in segments_of(back) if marker == 0xFE] == [comment.encode()]


def test_a_text_longer_than_pillow_allows_does_not_keep_a_picture_from_being_read(tmp_path):
    long = "x" * 3_000_000
    png_with(tmp_path / "source.png", (b"zTXt", b"workflow\0\0" + zlib.compress(long.encode())))
    assert texts_of(tmp_path / "source.png") == {"workflow": long}
    path, lost = converted(tmp_path, "source.png", "a.jpg")
    assert (texts_of(path) == {} and lost) or texts_of(path) == {"workflow": long}


def test_a_text_that_unpacks_to_gigabytes_is_left_out(tmp_path):
    bomb = zlib.compress(bytes(200_000_000), 9)
    png_with(tmp_path / "a.png", (b"zTXt", b"bomb\0\0" + bomb), (b"iCCP", b"x\0\0" + bomb))
    picture = load_picture(tmp_path / "a.png")
    assert picture.known.texts == () and picture.icc is None
