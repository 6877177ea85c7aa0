"""Memory runs out in many words and in every stage: once is retried, twice is one clear error."""

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from gpen_core.engines.onnx_runtime import Ends, run
from gpen_core.errors import RestorationError
from gpen_core.out_of_memory import ran_out_of_memory
from gpen_core.pipeline.detect import detect_faces
from gpen_core.pipeline.hooks import Hooks, with_memory

WORDS = (
    "CUDA out of memory. Tried to allocate 2.00 GiB",
    "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
    "[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.",
    "could not create a primitive",
    "std::bad_alloc",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "MPS backend out of memory (MPS allocated: 1 GB)",
    "Invalid buffer size: 25.00 GB",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    "miopenStatusAllocFailed",
    "rocBLAS error: rocblas_status_memory_error",
    "CUSPARSE_STATUS_INSUFFICIENT_RESOURCES",
    "[GPU] CL_MEM_OBJECT_ALLOCATION_FAILURE",
    "bad_alloc",
    "std::bad_array_new_length",
    "virtual memory exhausted",
    "UR error: UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY",
    "Native API failed. Native API returns: -5 (PI_ERROR_OUT_OF_RESOURCES)",
    "Could not allocate tensor with 9 bytes. There is not enough GPU video memory available!",
    "bad allocation",
    "could not create a memory object",
    "CUDA error: cudaErrorMemoryAllocation",
    "BFCArena::AllocateRawInternal Available memory of 0 is smaller than requested bytes of 9",
    "Failed to allocate memory for requested buffer of size 9",
    "could not execute a primitive",
    "c10::OutOfMemoryError",
    "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
    "Unable to find a valid cuDNN algorithm to run convolution",
    "GET was unable to find an engine to execute this computation",
    'NVML_SUCCESS == r INTERNAL ASSERT FAILED at "CUDACachingAllocator.cpp":838',
    "unable to mmap 9 bytes from file: Cannot allocate memory (12)",
)


@pytest.mark.parametrize("words", WORDS)
def test_libraries_say_it_in_many_words(words):
    assert ran_out_of_memory(RuntimeError(words))


def test_an_error_of_the_system_says_it_by_its_number_or_where_it_has_none_in_words():
    assert ran_out_of_memory(OSError("The paging file is too small for this operation to complete. (os error 1455)"))
    assert ran_out_of_memory(OSError("Cannot allocate memory (os error 12)"))
    assert not ran_out_of_memory(FileNotFoundError(2, "No such file", "out of memory.png"))


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt("out of memory"),
        RuntimeError("sizes differ"),
        RuntimeError("Expected all tensors in the same memory format"),
        ValueError("out of memory"),
        OSError(errno.ENOSPC, "No space left on device"),
        SystemExit(),
    ],
)
def test_nothing_else_is_taken_for_it(error):
    assert not ran_out_of_memory(error)


def test_the_system_says_it_by_number():
    assert ran_out_of_memory(OSError(errno.ENOMEM, "whatever the language"))


def test_onnx_runtime_says_it_at_the_end_of_a_long_message():
    class Session:
        def get_inputs(self):
            return [SimpleNamespace(type="tensor(float)")]

        def run(self, *arguments):
            raise Exception("Non-zero status code. " * 40 + "Failed to allocate memory for requested buffer of size 9")

    with pytest.raises(MemoryError) as caught:
        run(Session(), Ends("in", "out", 8, 8), torch.zeros(1, 3, 8, 8))
    assert ran_out_of_memory(caught.value) and len(str(caught.value)) < 400


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


STUCK_THREAD = """
import resource, sys
import torch
from gpen_core.checkpoints.load import GpenModel
from gpen_core.engines import PlainEngine
from gpen_core.model import Gpen, GpenConfig
from gpen_core.pipeline.hooks import Hooks, with_memory
from gpen_core.pipeline.restore import in_batches
from gpen_core.tasks import TASKS

torch.set_num_threads(1)
torch.manual_seed(0)
config = GpenConfig(32, 32, (8, 8, 8, 8), style_dim=8, mapping_layers=1)
model = GpenModel(config, Gpen(config).requires_grad_(False).eval(), TASKS["restoration"], "tiny", PlainEngine("cpu"))
crops = torch.rand(3, 3, 32, 32)
image, weight = torch.rand(1, 64, 128, 128), torch.rand(64, 64, 3, 3)

def convolve():
    return torch.nn.functional.conv2d(image, weight, padding=1)

def used():
    return int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()

for room in range(96):  # of 64 KiB: enough for the result, but not for the code that computes it
    resource.setrlimit(resource.RLIMIT_AS, (used() + (room << 16), resource.RLIM_INFINITY))
    try:
        convolve()
    except RuntimeError as error:
        if "primitive" in str(error):
            break
else:
    sys.exit("never stuck")
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
try:
    convolve()
    sys.exit("never stuck")
except RuntimeError:
    print("stuck", flush=True)
found, batch = in_batches(model, crops, 3, Hooks(), "a face")
assert batch == 3 and found.shape == (3, 3, 32, 32), batch
assert with_memory(convolve, Hooks(), "a convolution").shape == (1, 64, 128, 128)
"""


def test_a_thread_in_which_onednn_once_failed_does_not_repeat_it_when_there_is_memory(repo_root, forks):
    pytest.importorskip("resource", reason="memory is limited by POSIX means")
    if not Path("/proc/self/statm").exists():
        pytest.skip("no /proc: the memory in use is not known")
    for _ in range(
        4
    ):  # C code that does not ask whether malloc failed ends the process, rarely, before it comes to this
        done = forks.run(STUCK_THREAD, folder=repo_root)
        if done.stdout or done.returncode >= 0:
            break
    else:
        pytest.skip(f"without memory the process ended each time (signal {-done.returncode}) before oneDNN was stuck")
    if "never stuck" in done.stderr:
        pytest.skip("this build of torch does not repeat oneDNN's failure")
    assert done.returncode == 0, done.stderr[-800:]
