"""Whether a frame still shows the face that was found in it."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from gpen_core.faces.appearance import appearance_of, likeness_to
from gpen_core.imaging.blur import gaussian_blur
from gpen_core.imaging.files import load_picture
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.pipeline.frames import notice_another_picture
from gpen_core.types import Face


@pytest.fixture
def frame(astronaut):
    return astronaut


@pytest.fixture
def face(frame, astronaut_face):
    return replace(astronaut_face, appearance=appearance_of(frame, astronaut_face))


PROCESSED = {
    "itself": lambda x: x,
    "darker": lambda x: x**2.2,
    "brighter": lambda x: x**0.4,
    "gray": lambda x: x.mean(0, keepdim=True).expand(3, -1, -1),
    "warm": lambda x: (x * torch.tensor([1.3, 1.0, 0.6])[:, None, None]).clamp(0, 1),
    "noisy": lambda x: (x + 0.15 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1),
    "blurred": lambda x: gaussian_blur(x, 3.0),
    "of few tones": lambda x: (x * 3).round() / 3,
    "clipped": lambda x: (x * 2.5).clamp(0, 1),
    "negative": lambda x: 1 - x,
    "lit from a side": lambda x: x * torch.linspace(0.2, 1, x.shape[-1]),
    "coarse": lambda x: F.interpolate(F.interpolate(x[None], scale_factor=1 / 8, mode="area"), size=x.shape[1:])[0],
    "retouched": lambda x: x * (1 - 0.6 * (torch.arange(x.shape[-2])[:, None] % 170 < 12)),
    "of one color": lambda x: x[2:].expand(3, -1, -1),
    "sharpened": lambda x: (x + 2 * (x - gaussian_blur(x, 2.0))).clamp(0, 1),
    "larger": lambda x: F.interpolate(x[None], scale_factor=2.0, mode="bilinear")[0],
    "smaller": lambda x: F.interpolate(x[None], scale_factor=0.5, mode="area")[0],
    "with alpha": lambda x: torch.cat((x, x[:1])),
}
OTHER = {
    "mirrored": lambda x: x.flip(-1),
    "upside down": lambda x: x.flip(-2),
    "moved": lambda x: x.roll(60, -1),
    "noise": lambda x: torch.rand(x.shape, generator=torch.Generator().manual_seed(0)),
    "black": torch.zeros_like,
}


@pytest.mark.parametrize("change", PROCESSED.values(), ids=PROCESSED)
def test_a_processed_copy_is_the_same_picture(frame, face, change):
    said = []
    copy = change(frame)
    assert likeness_to(copy, face) > 0.6
    notice_another_picture(copy[None], [face], said.append)
    assert said == []


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_another_picture_of_the_same_size_is_said(frame, face, change):
    said = []
    notice_another_picture(torch.stack([frame, change(frame)]), [face, replace(face, frame=1)], said.append)
    assert len(said) == 1 and said[0].startswith("Image 2 is not the one in which the faces were found")


def test_an_aligned_portrait_of_somebody_else_is_another_picture(faces):
    """All of them have eyes, nose and mouth at the same places: what is compared is what differs all the same."""
    portraits = [load_picture(path).pixels for path in sorted(faces.glob("*.jpg"))[:600:30]]
    box = (60.0, 50.0, 196.0, 225.0)
    face = Face(box, 0.9, ((100.0, 120.0), (156.0, 120.0), (128.0, 150.0), (105.0, 185.0), (151.0, 185.0)), (256, 256))
    found = [replace(face, appearance=appearance_of(portrait, face)) for portrait in portraits]
    said = []
    for number, remembered in enumerate(found):
        for other in portraits[:number] + portraits[number + 1 :]:
            notice_another_picture(other[None], [remembered], said.append)
        copy = resize_lanczos(resize_lanczos(portraits[number], (64, 64)), (512, 512)).pow(1.5)
        assert likeness_to(copy, remembered) > 0.7
    assert len(said) > 0.99 * len(found) * (len(found) - 1)


def test_what_nobody_remembered_or_nothing_shows_is_not_judged(frame, face):
    assert likeness_to(frame, replace(face, appearance=b"")) is None
    assert likeness_to(frame, replace(face, appearance=bytes(1024))) is None  # another version's
    flat = torch.zeros_like(frame)
    assert likeness_to(frame, replace(face, appearance=appearance_of(flat, face))) is None
    outside = replace(face, box=(-90.0, -90.0, -10.0, -10.0))
    assert appearance_of(frame, outside) == b"" and likeness_to(frame, outside) is None
