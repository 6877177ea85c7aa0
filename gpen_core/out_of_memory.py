"""By which errors torch, and the libraries below and beside it, say that memory is used up."""

from __future__ import annotations

import errno
import re

import torch

# What RuntimeErrors say, in lower case and with spaces for underscores.
_WORDS = re.compile(
    "|".join(
        (
            r"out of (?:\w+ ){0,2}memory",  # CUDA, MPS, HIP, XPU ("out of device memory")
            r"can(?:'|no)t allocate memory",  # torch and glibc on Linux
            r"not enough (?:\w+ ){0,2}memory",  # torch on Windows, DirectML ("not enough GPU video memory")
            r"insufficient (?:memory|resources)",  # the latter cuSPARSE's
            r"could not (?:create|execute) a (?:primitive|memory)",  # oneDNN, which doesn't say why
            r"outofmemory",  # names of types, such as c10::OutOfMemoryError
            r"(?:cublas|cudnn) status not initialized",  # whose handles are made when they are first used
            r"unable to find (?:a valid cudnn algorithm|an engine)",  # each that cuDNN tried took too much
            r"nvml success == r internal assert failed",  # CUDA's allocator, asking why it got nothing
            r"bad alloc|bad array new length",  # C++, on Linux and on Windows
            r"alloc(?:ation)? ?fail",  # cuDNN's, cuBLAS's, cuSPARSE's and MIOpen's; OpenCL's
            r"status memory error|memory exhausted",  # rocBLAS; of many programs
            r"paging file is too small",  # Windows
            r"failed to allocate|(?:unable|could not) (?:to )?allocate|memory ?allocation",
            r"smaller than requested bytes",  # ONNX Runtime's arena
            r"invalid buffer size",  # MPS, of a tensor larger than it can hold
            r"out of resources|resource exhausted",  # SYCL (XPU); XLA
        )
    )
)
_PAGING_FILE_TOO_SMALL = 1455  # Windows' number


def says_out_of_memory(text: str) -> bool:
    """Whether a library's message means that memory is used up."""
    return _WORDS.search(text.lower().replace("_", " ")) is not None


def ran_out_of_memory(error: BaseException) -> bool:
    """True for the errors by which torch and the libraries below it say that memory is used up, on any device."""
    known = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)  # the former since torch 2.5
    if isinstance(error, known | MemoryError):
        return True
    if isinstance(error, OSError):
        if error.errno is None:  # made of a text alone, as libraries in Rust do
            return says_out_of_memory(str(error))
        return error.errno == errno.ENOMEM or getattr(error, "winerror", None) == _PAGING_FILE_TOO_SMALL
    return isinstance(error, RuntimeError) and says_out_of_memory(str(error))
