"""Work that asks whether it may go on, inside a network too."""

import pytest
import torch

from gpen_core.engines import PlainEngine, RowsEngine
from gpen_core.engines.rows import Blocking
from gpen_core.faces.detectors import MultiPassDetector, load_network
from gpen_core.model import Gpen, GpenConfig
from gpen_core.pipeline import Hooks, detect_faces
from gpen_core.polling import current_poll, go_on, polling

CONFIG = GpenConfig(64, 64, (8, 6, 8, 6, 4), style_dim=8, mapping_layers=2)
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


def test_a_detector_asks_before_every_view_of_a_picture():
    detector = MultiPassDetector(load_network("mtcnn"))
    frames, poll = torch.rand(1, 3, 96, 96), Counter()
    detect_faces(frames, detector, Hooks(poll=poll))
    assert poll.count >= 4  # the overview and three turned ones
    with pytest.raises(Cancelled):
        detect_faces(frames, detector, Hooks(poll=Counter(3)))
