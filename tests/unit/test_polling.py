"""Work that asks whether it may go on, inside a network too."""

import sys
from threading import Event

import pytest
import torch
from pipeline_harness.known import KnownFaces

from gpen_core.engines import PlainEngine, RowsEngine
from gpen_core.engines.rows import Blocking
from gpen_core.faces.detectors import MultiPassDetector, load_network
from gpen_core.faces.selection import SelectOptions
from gpen_core.imaging.files import Picture, save_picture
from gpen_core.model import Gpen, GpenConfig
from gpen_core.pipeline import BlendOptions, Hooks, Settings, detect_faces, restore_image
from gpen_core.polling import current_poll, go_on, interruptible, polling

CONFIG = GpenConfig(64, 64, (8, 6, 8, 6, 4), style_dim=8, mapping_layers=2)
STAGES = {"detect": ["find_faces"], "rate": ["rate_faces"], "protect": ["protect_face"], "blend": ["blend_each"]}
ENGINES = {"plain": PlainEngine("cpu"), "rows": RowsEngine(Blocking(together=16, side=32, elements=1 << 10))}


class Cancelled(BaseException):
    """As ComfyUI's own: no Exception, lest a node catches it."""


class Counter:
    """Counts, and cancels at ``last``."""

    def __init__(self, last: int | None = None) -> None:
        self.count, self.last = 0, last

    def __call__(self) -> None:
        self.count += 1
        if self.last is not None and self.count >= self.last:
            raise Cancelled


@pytest.fixture(params=[1, 2])
def threads(request, torch_threads):
    torch_threads(request.param)
    return request.param


@pytest.fixture(params=ENGINES.values(), ids=ENGINES)
def network(request):
    torch.manual_seed(0)
    return request.param.bind(Gpen(CONFIG).eval())


def test_a_network_asks_at_every_level_and_goes_on_with_the_same_numbers(network, threads):
    pictures = torch.rand(1, 3, 64, 64)
    expected, poll = network(pictures), Counter()
    with polling(poll):
        assert torch.equal(network(pictures), expected)
    assert poll.count > 2 * CONFIG.levels
    asked = poll.count
    network(pictures)
    assert poll.count == asked and current_poll() is go_on  # only within


def test_a_network_stops_in_the_middle_and_works_the_next_time(network, threads):
    pictures = torch.rand(1, 3, 64, 64)
    expected = network(pictures)
    for last in (1, 2, CONFIG.levels):
        poll = Counter(last)
        with pytest.raises(Cancelled), polling(poll):
            network(pictures)
        assert poll.count < last + threads  # nothing was begun after it but what another thread was about to begin
        assert torch.equal(network(pictures), expected)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_an_encoder_stops_in_the_middle_and_writes_the_same_the_next_time(name, threads, tmp_path):
    picture = Picture(torch.rand(3, 1200, 1600, generator=torch.Generator().manual_seed(0)))
    save_picture(picture, tmp_path / f"whole-{name}")
    with pytest.raises(Cancelled), polling(Counter(1)):
        save_picture(picture, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [f"whole-{name}"]
    poll = Counter()
    with polling(poll):
        save_picture(picture, tmp_path / name)
    assert poll.count >= 1
    assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()


def test_a_call_that_cannot_ask_is_left_alone_when_the_answer_is_no():
    began, end, ended = Event(), Event(), Event()

    def call():
        began.set()
        end.wait()
        ended.set()

    with pytest.raises(Cancelled), polling(Counter(2)):
        interruptible(call)
    assert began.wait(10) and not ended.is_set()
    end.set()
    assert ended.wait(10) and interruptible(lambda: 7) == 7
    with pytest.raises(KeyError):
        interruptible(lambda: {}["nothing"])


def test_whoever_is_asked_goes_on_being_asked_inside_work_that_nobody_polls():
    poll = Counter()
    with polling(poll), polling(go_on):
        current_poll()()
    assert poll.count == 1


@pytest.mark.parametrize("stage", ["detect", "rate", "protect", "blend"])
def test_every_stage_of_a_job_asks(stage, astronaut, astronaut_face, tiny_model):
    """Cancelled wherever it asks, and the next run is the same to the bit."""
    frames = astronaut[None]
    settings = Settings(blend=BlendOptions(scale=1.5), select=SelectOptions(min_quality=0.0001))
    asked, inside = [], STAGES[stage]

    def poll():
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_name not in inside:
            frame = frame.f_back
        asked.append(frame is not None)

    detector = MultiPassDetector(load_network("mtcnn")) if stage == "detect" else KnownFaces(astronaut_face)
    whole = restore_image(frames, tiny_model, detector, settings, hooks=Hooks(poll=poll))
    assert sum(asked) >= 2, stage
    last = [number for number, here in enumerate(asked) if here][sum(asked) // 2] + 1
    with pytest.raises(Cancelled):
        restore_image(frames, tiny_model, detector, settings, hooks=Hooks(poll=Counter(last)))
    again = restore_image(frames, tiny_model, detector, settings)
    assert torch.equal(again.frames, whole.frames) and torch.equal(again.mask, whole.mask)


def test_a_detector_asks_before_every_view_of_a_picture():
    detector = MultiPassDetector(load_network("mtcnn"))
    frames, poll = torch.rand(1, 3, 96, 96), Counter()
    detect_faces(frames, detector, Hooks(poll=poll))
    assert poll.count >= 4  # the overview and three turned ones
    with pytest.raises(Cancelled):
        detect_faces(frames, detector, Hooks(poll=Counter(3)))
