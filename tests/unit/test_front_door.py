"""What `import gpen_core` gives a Python program, with a tiny real model and a real photograph."""

import importlib.util
import inspect
import io
import logging
import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from imaging_harness.icc import cmyk_profile
from PIL import Image, PngImagePlugin
from pipeline_harness.known import KnownFaces

import gpen_core
from gpen_core import BlendOptions, ProtectOptions, RestoredFace, SelectOptions, Settings
from gpen_core.errors import CheckpointError, ImageError, MissingWeightsError, OptionError
from gpen_core.faces.identity import Embedder
from gpen_core.imaging.pictures import open_picture
from gpen_core.tasks import TASKS

needs_mtcnn = pytest.mark.skipif(importlib.util.find_spec("mtcnn") is None, reason="the mtcnn package is not installed")


@pytest.fixture(scope="module")
def photo(astronaut):
    return Image.fromarray((astronaut.movedim(0, -1) * 255).round().byte().numpy())


def test_everything_exported_is_there_and_documented():
    for name in gpen_core.__all__:
        assert inspect.getdoc(getattr(gpen_core, name)), name


@pytest.mark.parametrize(
    "name",
    [
        "load_model",
        "load_detector",
        "load_parser",
        "load_protect_tools",
        "load_reference",
        "restore",
        "restore_frames",
        "detect",
        "align",
        "blend",
    ],
)
def test_every_argument_and_every_error_of_the_front_door_is_documented(name):
    function = getattr(gpen_core, name)
    text = inspect.getdoc(function)
    assert "Args:" in text and "Raises:" in text
    for argument in inspect.signature(function).parameters:
        assert f"\n    {argument}: " in text, argument


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("RGB", "RGB"), ("RGBA", "RGBA"), ("L", "L"), ("LA", "LA"), ("1", "L"), ("P", "RGB"), ("CMYK", "RGB")],
)
def test_a_pil_image_comes_back_as_one(photo, tiny_model, known, mode, expected):
    given = photo.convert(mode)
    given.info["dpi"] = (300, 300)
    before = given.tobytes()
    result = gpen_core.restore(given, tiny_model, detector=known)
    assert isinstance(result, Image.Image) and result.mode == expected and result.size == photo.size
    assert result.info["dpi"] == (300, 300) and given.tobytes() == before
    changed = np.abs(np.asarray(result.convert("RGB"), int) - np.asarray(given.convert("RGB"), int)).max(-1) > 2
    rows, columns = np.nonzero(changed)
    assert changed.any() and rows.min() >= 40 and rows.max() < 220 and columns.min() >= 140 and columns.max() < 310


@pytest.mark.parametrize("mode", ["CMYK", "LAB"])
def test_a_pil_image_in_inks_comes_back_in_them_and_keeps_them_elsewhere(photo, tiny_model, known, mode):
    given = photo.convert(mode)
    if mode == "CMYK":
        given.info["icc_profile"] = cmyk_profile()
    result = gpen_core.restore(given, tiny_model, detector=known)
    assert result.mode == mode and result.info.get("icc_profile") == given.info.get("icc_profile")
    changed = (np.asarray(result) != np.asarray(given)).any(-1)
    rows, columns = np.nonzero(changed)
    assert changed.any() and rows.min() >= 40 and rows.max() < 220 and columns.min() >= 140 and columns.max() < 310


PIXELS = Embedder(
    16,
    ((5.0, 6.0), (11.0, 6.0), (8.0, 9.0), (5.5, 12.0), (10.5, 12.0)),
    lambda faces: faces.flatten(1).double() - 0.5,
    True,
    "the pixels themselves",
)


def test_only_the_faces_of_the_person_of_a_reference_are_restored(astronaut, astronaut_face, tiny_model):
    other = replace(astronaut_face, landmarks=tuple((x + 200, y + 250) for x, y in astronaut_face.landmarks))
    other = replace(other, box=(375.0, 314.0, 472.0, 438.0))
    reference = gpen_core.load_reference(astronaut, KnownFaces(astronaut_face), embedder=PIXELS)
    both = KnownFaces(astronaut_face, other)
    result = gpen_core.restore_frames(astronaut, tiny_model, detector=both, reference=reference)
    assert [face.box for face in result.faces] == [astronaut_face.box]
    picture = gpen_core.restore(astronaut, tiny_model, detector=both, reference=reference)
    assert torch.equal(picture, result.frames[0])
    with pytest.raises(OptionError, match="give one of both"):
        gpen_core.restore(astronaut, tiny_model, faces=result.faces, reference=reference)
    with pytest.raises(ImageError, match="no face was found in the reference"):
        gpen_core.load_reference(astronaut, KnownFaces(), embedder=PIXELS)


def test_what_a_pil_image_knows_stays_with_it(photo, tiny_model, known):
    file, exif, text = io.BytesIO(), Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x010F], exif[0x0112] = "Maker", 1
    exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003] = photo.size
    text.add_text("parameters", "a face, 写真")
    photo.save(file, "PNG", exif=exif, pnginfo=text, dpi=(300, 300))
    settings = gpen_core.Settings(blend=gpen_core.BlendOptions(scale=2))
    with Image.open(file) as given:
        result = gpen_core.restore(given, tiny_model, detector=known, settings=settings)
    assert result.info["parameters"] == "a face, 写真" and result.info["dpi"][0] == pytest.approx(300, abs=0.1)
    found = Image.Exif()
    found.load(result.info["exif"])
    assert found[0x010F] == "Maker"
    assert (found.get_ifd(0x8769)[0xA002], found.get_ifd(0x8769)[0xA003]) == result.size != photo.size


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_pil_image_of_other_colors_is_seen_in_srgb_and_keeps_its_own(photo, tiny_model, known, mode):
    file, given = io.BytesIO(), photo.convert(mode)
    given.save(file, "PNG")
    data = bytearray(file.getvalue())
    chunk = b"gAMA" + (100_000).to_bytes(4, "big")
    data[33:33] = (4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    opened = open_picture(Image.open(io.BytesIO(data)))
    light = np.asarray(given.convert("RGB")) / 255
    expected = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(opened.frames[0].movedim(0, -1).numpy() - expected).max() < 1e-4
    with Image.open(io.BytesIO(data)) as image:
        result = gpen_core.restore(image, tiny_model, detector=known)
    assert result.info["gamma"] == 1.0 and result.mode == mode
    assert np.array_equal(np.asarray(result)[:40], np.asarray(given)[:40])
    assert not np.array_equal(np.asarray(result), np.asarray(given))


def test_transparency_of_a_palette_is_kept(photo, tiny_model, known):
    given = photo.convert("P")
    given.info["transparency"] = 3
    result = gpen_core.restore(given, tiny_model, detector=known)
    assert result.mode == "RGBA"
    assert np.array_equal(np.asarray(result)[..., 3], np.asarray(given.convert("RGBA"))[..., 3])


def test_sixteen_bit_pictures_keep_their_depth(photo, tiny_model, known):
    deep = np.minimum(np.asarray(photo).astype(np.int64) * 257 + 3, 65535).astype(np.uint16)
    result = gpen_core.restore(deep, tiny_model, detector=known)
    assert result.dtype == np.uint16 and np.array_equal(result[:40], deep[:40])
    gray = Image.fromarray(deep[..., 0])
    assert gray.mode == "I;16"
    result = gpen_core.restore(gray, tiny_model, detector=known)
    assert result.mode == "I;16" and np.array_equal(np.asarray(result)[:40], deep[:40, :, 0])
    assert not np.array_equal(np.asarray(result), deep[..., 0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [None, 3, 4])
def test_what_is_opened_comes_back_the_same(dtype, channels):
    rng = np.random.default_rng(0)
    shape = (9, 7) if channels is None else (9, 7, channels)
    values = rng.random(shape)
    given = (values * np.iinfo(dtype).max).astype(dtype) if np.dtype(dtype).kind == "u" else values.astype(dtype)
    opened = open_picture(given)
    assert opened.frames.shape == (1, channels or 3, 9, 7) and opened.frames.dtype == torch.float32
    assert opened.frames.min() >= 0 and opened.frames.max() <= 1
    back = opened.back(opened.frames, torch.zeros(1, 1, *opened.frames.shape[2:]))
    assert back.dtype == given.dtype and back.shape == given.shape
    tolerance = 2**-11 if dtype == np.float16 else 1e-7
    assert np.array_equal(back, given) if np.dtype(dtype).kind == "u" else np.allclose(back, given, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
@pytest.mark.parametrize("batch", [None, 2])
def test_a_tensor_comes_back_as_one(astronaut, tiny_model, known, dtype, batch):
    given = astronaut.to(dtype) if batch is None else astronaut.expand(batch, -1, -1, -1).to(dtype)
    before = given.clone()
    result = gpen_core.restore(given, tiny_model, detector=known)
    assert result.dtype == dtype and result.shape == given.shape and torch.equal(given, before)
    faces = (result - given).abs().flatten(-3).amax(-1)
    assert (faces > 0.01).all()


def test_numpy_pil_and_tensor_are_restored_alike(photo, tiny_model, known):
    from_pil = np.asarray(gpen_core.restore(photo, tiny_model, detector=known))
    from_numpy = gpen_core.restore(np.asarray(photo), tiny_model, detector=known)
    tensor = torch.from_numpy(np.asarray(photo).copy()).movedim(-1, 0).float() / 255
    from_tensor = gpen_core.restore(tensor, tiny_model, detector=known).movedim(0, -1).mul(255).round().byte().numpy()
    assert np.array_equal(from_pil, from_numpy) and np.array_equal(from_pil, from_tensor)


def test_gray_turns_into_color_where_the_model_colorizes(photo, tiny_model, known):
    colorizer = replace(tiny_model, task=TASKS["colorization"])
    assert gpen_core.restore(photo.convert("L"), colorizer, detector=known).mode == "RGB"
    assert gpen_core.restore(np.asarray(photo.convert("L")), colorizer, detector=known).shape == (512, 512, 3)


@pytest.mark.parametrize("kind", ["PIL", "NumPy", "tensor", "batch"])
def test_masks_of_every_kind_say_what_is_filled(photo, tiny_model, known, kind):
    drawn = np.zeros((512, 512), np.uint8)
    drawn[118:126, 190:262] = 255
    tensor = torch.from_numpy(drawn).float() / 255
    mask = {"PIL": Image.fromarray(drawn), "NumPy": drawn, "tensor": tensor, "batch": tensor[None, None]}[kind]
    filler = replace(tiny_model, task=TASKS["inpainting"])
    for picture in (photo, photo.convert("L")):
        result = gpen_core.restore(picture, filler, detector=known, mask=mask)
        changed = np.asarray(result) != np.asarray(picture)
        changed = changed if changed.ndim == 2 else changed.any(-1)
        assert result.mode == picture.mode and not changed[drawn == 0].any() and changed[drawn > 0].mean() > 0.9


def test_what_is_no_mask_is_refused(photo, tiny_model, known):
    filler = replace(tiny_model, task=TASKS["inpainting"])
    for wrong in (np.zeros((4, 4, 3), np.uint8), torch.zeros(1, 3, 8, 8), "mask.png"):
        with pytest.raises(ImageError, match="a mask is a PIL image"):
            gpen_core.restore(photo, filler, detector=known, mask=wrong)


def test_no_face_returns_the_same_pixels_and_says_so(photo, astronaut, tiny_model, caplog):
    with caplog.at_level(logging.WARNING, "gpen_core"):
        result = gpen_core.restore(photo, tiny_model, detector=KnownFaces())
    assert np.array_equal(np.asarray(result), np.asarray(photo)) and "no face found by known" in caplog.text
    whole = gpen_core.restore_frames(astronaut, tiny_model, detector=KnownFaces())
    assert whole.faces == () and not whole.mask.any()


def test_restore_frames_says_which_faces_and_where(astronaut, tiny_model, known):
    frames = torch.stack((astronaut, astronaut))
    result = gpen_core.restore_frames(frames, tiny_model, detector=known)
    assert [(face.frame, face.id) for face in result.faces] == [(0, 1), (1, 2)]
    assert result.mask.shape == (2, 1, 512, 512) and result.mask[:, 0, 122, 226].min() > 0.9
    larger = gpen_core.restore_frames(
        frames, tiny_model, detector=known, settings=Settings(blend=BlendOptions(scale=0.5))
    )
    assert larger.frames.shape == (2, 3, 256, 256)


def test_faces_that_are_given_are_restored_and_nothing_is_detected(
    astronaut, astronaut_face, tiny_model, known, caplog
):
    frames = torch.stack((astronaut, astronaut))
    first, second = replace(astronaut_face, id=1), replace(astronaut_face, frame=1, id=2)
    given = gpen_core.restore_frames(frames, tiny_model, detector=KnownFaces(), faces=[second, first])
    found = gpen_core.restore_frames(frames, tiny_model, detector=known)
    assert torch.equal(given.frames, found.frames) and [face.id for face in given.faces] == [1, 2]
    with caplog.at_level(logging.WARNING, "gpen_core"):
        none = gpen_core.restore_frames(frames, tiny_model, faces=[])
    assert torch.equal(none.frames, frames) and none.faces == () and "no faces were given" in caplog.text
    small = Settings(select=SelectOptions(min_size=200))
    with caplog.at_level(logging.WARNING, "gpen_core"):
        none = gpen_core.restore_frames(frames, tiny_model, detector=known, settings=small)
    assert "none of 2 faces is chosen (97 px, below 200 px)" in caplog.text
    assert [choice.state for choice in none.selection.choices] == ["limits", "limits"]
    with pytest.raises(ImageError, match="from 6 images or more, but here are only 2"):
        gpen_core.restore_frames(frames, tiny_model, faces=[replace(astronaut_face, frame=5)])


@needs_mtcnn
def test_the_steps_one_by_one_give_what_restore_gives(photo, tiny_model):
    detector = gpen_core.load_detector("mtcnn")
    faces = gpen_core.detect(photo, detector)
    assert len(faces) == 1 and faces[0].id == 1
    crops = [gpen_core.align(photo, face, tiny_model) for face in faces]
    assert crops[0].pixels.shape == (3, 32, 32) and crops[0].template == "gpen"
    restored = [RestoredFace(crop, tiny_model(crop.pixels[None])[0], tiny_model.task.name) for crop in crops]
    stepped = gpen_core.blend(photo, restored)
    unprotected = Settings(protect=ProtectOptions("off"))
    whole = gpen_core.restore(photo, tiny_model, detector=detector, settings=unprotected)
    assert np.array_equal(np.asarray(stepped), np.asarray(whole))
    assert not np.array_equal(np.asarray(stepped), np.asarray(photo))


def test_align_takes_a_size_and_a_template(photo, astronaut_face, tiny_model):
    crop = gpen_core.align(photo, astronaut_face, 48, "ffhq")
    assert crop.pixels.shape == (3, 48, 48) and crop.template == "ffhq"
    ffhq = replace(tiny_model, task=TASKS["restoration-ffhq"])
    assert gpen_core.align(photo, astronaut_face, ffhq).template == "ffhq"
    with pytest.raises(OptionError, match="at least 1"):
        gpen_core.align(photo, astronaut_face, 0)
    with pytest.raises(OptionError, match="template"):
        gpen_core.align(photo, astronaut_face, 48, "arcface")
    for number, message in ((3, "from 4 images or more"), (-1, "image number -1; they count from 0")):
        with pytest.raises(ImageError, match=message):
            gpen_core.align(photo, replace(astronaut_face, frame=number), 48)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("photo.jpg", "PIL.Image.open"),
        (np.zeros((3, 64, 64), np.uint8), "Channels come last"),
        (np.zeros((64, 64, 2), np.uint8), r"\[64, 64, 2\]"),
        (np.zeros((0, 64, 3), np.uint8), "not empty"),
        (np.zeros((64, 64, 3), np.int32), "not int32"),
        (np.zeros((64, 64, 3), bool), "not bool"),
        (np.full((64, 64, 3), 200.0), "Divide it by 255"),
        (np.full((64, 64, 3), -0.9), r"\(picture \+ 1\) / 2"),
        (np.full((64, 64, 3), np.nan), "NaN"),
        (torch.full((3, 64, 64), 200.0), "Divide it by 255"),
        (torch.full((3, 64, 64), float("inf")), "infinity"),
        (torch.zeros(3, 64, 64, dtype=torch.uint8), "Divide bytes by 255"),
        (torch.zeros(1, 64, 64, 3), r"movedim\(-1, -3\)"),
        (torch.zeros(64, 64), r"\[64, 64\]"),
        (Image.new("F", (64, 64)), "mode 'F'"),
        (Image.new("I", (64, 64)), "mode 'I'"),
        (Image.new("RGB", (0, 8)), "empty: it has 0×8 pixels"),
        (torch.zeros(3, 64, 64).to_sparse(), "sparse"),
        (torch.zeros(3, 64, 64, device="meta"), "on meta"),
    ],
)
def test_wrong_input_is_one_clear_error(wrong, says, tiny_model, known):
    with pytest.raises(ImageError, match=says):
        gpen_core.restore(wrong, tiny_model, detector=known)
    with pytest.raises(ImageError, match=says):
        gpen_core.detect(wrong, known)
    with pytest.raises(ImageError, match=says):
        gpen_core.restore(wrong)  # before a model is looked for


def test_settings_and_precisions_that_are_none_are_errors_of_ours(astronaut, tiny_model, known, checkpoint):
    with pytest.raises(OptionError, match="the settings are the text 'x'"):
        gpen_core.restore(astronaut, tiny_model, detector=known, settings="x")
    for dtype, words in (("float16", "the text 'float16'"), (torch.int8, "torch.int8")):
        with pytest.raises(OptionError, match=words):
            gpen_core.load_model(checkpoint, dtype=dtype)


def test_names_that_others_wrote_stay_on_a_line_of_a_length():
    for load in (gpen_core.load_model, gpen_core.load_detector):
        with pytest.raises(MissingWeightsError) as caught:
            load("\x1b[31m\n" + "x" * 5000)
        assert str(caught.value).isprintable() and len(str(caught.value)) < 500


def test_a_pil_image_that_cannot_be_read_is_an_error_of_ours(portrait, tmp_path):
    (tmp_path / "cut.png").write_bytes(portrait.read_bytes()[:9000])
    closed = Image.open(portrait)
    closed.close()
    for image in (Image.open(tmp_path / "cut.png"), closed):
        with pytest.raises(ImageError, match="the PIL image cannot be read"):
            gpen_core.restore(image)


def test_arrays_of_another_byte_order_are_the_same_pictures(astronaut, tiny_model, known):
    pixels = np.ascontiguousarray(astronaut.movedim(0, -1).numpy() * 65535).astype(np.uint16)
    turned = gpen_core.restore(pixels.astype(">u2"), tiny_model, detector=known)
    assert turned.dtype == np.dtype(">u2")
    assert np.array_equal(turned, gpen_core.restore(pixels, tiny_model, detector=known))


def test_models_are_found_by_name_and_file_as_on_the_command_line(checkpoint, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("GPEN_MODELS", str(tmp_path))
    assert gpen_core.load_model(checkpoint).config.input_size == 64
    assert gpen_core.load_model("tiny", folders=[checkpoint.parent]).config.input_size == 64
    with caplog.at_level(logging.WARNING, "gpen_core"):
        assert gpen_core.load_model(dtype=torch.float16).config.input_size == 256
    assert "small bundled model" in caplog.text
    caplog.clear()
    assert gpen_core.load_model("bundled", device="auto", task="restoration").task.name == "restoration"
    assert caplog.text == ""
    with pytest.raises(MissingWeightsError, match=r"GPEN-BFR-512\.pth"):
        gpen_core.load_model("GPEN-BFR-512")
    with pytest.raises(OptionError, match="device 'quantum'"):
        gpen_core.load_model("bundled", device="quantum")


def test_a_parser_that_is_absent_says_where_to_get_it(tmp_path, checkpoint):
    with pytest.raises(MissingWeightsError, match=r"parsing_parsenet\.pth"):
        gpen_core.load_parser(folders=[tmp_path])
    with pytest.raises(MissingWeightsError, match="no such file"):
        gpen_core.load_parser(tmp_path / "none.pth")
    if importlib.util.find_spec("facexlib") is not None:
        with pytest.raises(CheckpointError, match="ParseNet"):
            gpen_core.load_parser(checkpoint)
