"""Memory runs out in many words and in every stage: once is retried, twice is one clear error."""

import pytest
import torch

from gpen_core.errors import RestorationError
from gpen_core.pipeline.detect import detect_faces
from gpen_core.pipeline.hooks import Hooks, ran_out_of_memory, with_memory

WORDS = (
    "CUDA out of memory. Tried to allocate 2.00 GiB",
    "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
    "[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.",
    "could not create a primitive",
    "std::bad_alloc",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "MPS backend out of memory (MPS allocated: 1 GB)",
)


@pytest.mark.parametrize("words", WORDS)
def test_libraries_say_it_in_many_words(words):
    assert ran_out_of_memory(RuntimeError(words))


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt("out of memory"), RuntimeError("sizes differ"), ValueError("out of memory"), SystemExit()],
)
def test_nothing_else_is_taken_for_it(error):
    assert not ran_out_of_memory(error)


class Detector:
    """Finds nobody, after it has failed so many times."""

    def __init__(self, failures, error=RuntimeError("could not create a primitive")):
        self.failures, self.error, self.calls = failures, error, 0

    def detect(self, frame):
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return ()


def test_a_detector_gets_a_second_try_when_memory_was_freed():
    freed = []
    detector = Detector(1)
    assert detect_faces(torch.zeros(1, 3, 8, 16), detector, Hooks(free_memory=lambda: freed.append(1))) == ()
    assert detector.calls == 2 and freed == [1]


def test_a_detector_without_memory_names_the_picture():
    with pytest.raises(RestorationError, match=r"looking for faces in a picture of 16×8 px"):
        detect_faces(torch.zeros(1, 3, 8, 16), Detector(9))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("sizes differ")])
def test_other_errors_pass_at_once(error):
    detector = Detector(1, error)
    with pytest.raises(type(error)):
        with_memory(lambda: detector.detect(None), Hooks(), "this")
    assert detector.calls == 1
