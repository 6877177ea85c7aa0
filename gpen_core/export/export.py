"""Write a model as an ONNX file that is whole, valid and says what it is."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..checkpoints import GpenModel
from ..commands import pip_install
from ..errors import OptionError
from ..files import scratch_folder, written_whole
from .about import describe
from .check import Parity, assert_parity, compare
from .engines import check_engine
from .network import in_float32, write_network
from .writer import BATCH, CROPS, RESTORED, GraphWriter

PRECISIONS = ("float32", "float16")
# 13: the first whose operators are as used here. 17: old enough for engines of several years (ONNX Runtime since 1.12,
# TensorRT since 8.6). 23: the last that has been tried.
LOWEST_OPSET, OPSET, HIGHEST_OPSET = 13, 17, 23
SUFFIX, DATA_SUFFIX = ".onnx", ".data"
MOST_IN_ONE_FILE = 2**31 - 2**24  # bytes of constants: protobuf ends at 2 GiB, and nodes take some


def export_onnx(
    model: GpenModel,
    path: str | Path,
    *,
    precision: str = "float32",
    opset: int = OPSET,
    check: str | None = None,
    on_parity: Callable[[Parity], None] = lambda parity: None,
    most_in_one_file: int = MOST_IN_ONE_FILE,
) -> Path:
    """Write ``model`` to ``path`` as ONNX, for any batch.

    The graph takes ``crops``, float32 [batch, 3, S, S] RGB in [0, 1], and yields ``restored``, float32 [batch, 3, S', S'],
    clamped to [0, 1].

    ``precision`` "float16" halves the file: maps and filters are float16, what is delicate (styles, demodulation,
    instance normalization) float32, and so are crops and restored. ``opset``: the version of ONNX's operators. Above
    ``most_in_one_file`` bytes the weights go beside it, into ``path`` + ".data"; no published model comes near.

    An upscaling network's noise becomes a constant of the file, the maps that the model draws for one face by default: a face
    is the same in every batch and every engine. At 2048 px they take 0.5 GB.

    ``check``: "onnxruntime" or "openvino" runs the file beside PyTorch before it takes its name; ``on_parity`` is told of
    each comparison (see ``compare``). The file appears whole, valid by ``onnx.checker``, or not at all.

    Raises OptionError for a name not ending in .onnx, a precision or opset that cannot be, weights that don't fit
    float16, or a package that is not installed; RestorationError where the check differs by more than ``TOLERANCES``.
    """
    path = Path(path)
    check_exportable(path, precision, opset, check)
    proto = _graph(model, precision, opset)
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        written_whole(path) as whole,
        scratch_folder(path.parent) as folder,
    ):
        written = folder / path.name
        data = _save(proto, written, most_in_one_file)
        if check is not None:
            for parity in compare(written, model, check):
                on_parity(parity)
                assert_parity(parity, precision)
        if data is not None:  # under its final name at once: the graph names it
            data.replace(path.parent / data.name)
        written.replace(whole)
    return path


def check_exportable(path: Path, precision: str, opset: int, check: str | None) -> None:
    """Raise OptionError for what ``export_onnx`` would refuse of its arguments, before anything is loaded for it."""
    if path.suffix.lower() != SUFFIX:
        raise OptionError(f"'{path}': the name must end in {SUFFIX}")
    if precision not in PRECISIONS:
        raise OptionError(f"precision: one of {', '.join(PRECISIONS)} expected, not {precision!r}")
    if not LOWEST_OPSET <= opset <= HIGHEST_OPSET:
        raise OptionError(f"opset: {LOWEST_OPSET} … {HIGHEST_OPSET} expected, not {opset}")
    if find_spec("onnx") is None:
        raise OptionError(f"writing ONNX needs the Python package of that name: {pip_install('onnx')}")
    if opset > (known := import_module("onnx.defs").onnx_opset_version()):
        raise OptionError(
            f"the onnx package that is installed knows opsets up to {known}, not {opset}: {pip_install('-U onnx')}"
        )
    if check is not None:
        check_engine(check)


def _graph(model: GpenModel, precision: str, opset: int) -> Any:
    """The model as an ONNX ModelProto."""
    from onnx import TensorProto, helper

    writer = GraphWriter(half=precision == "float16", opset=opset)
    write_network(writer, in_float32(model.network), unshifted=model.task.unshifted)
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, 3, size, size])
        for name, size in ((CROPS, model.config.input_size), (RESTORED, model.config.output_size))
    ]
    graph = helper.make_graph(writer.nodes, "gpen", ends[:1], ends[1:], writer.constants)
    operators = [helper.make_opsetid("", opset)]
    oldest_reader = helper.find_min_ir_version_for(operators)  # engines refuse files newer than they are
    proto = helper.make_model(graph, opset_imports=operators, ir_version=oldest_reader, producer_name="gpen_core")
    helper.set_model_props(proto, describe(model, precision))
    return proto


def _save(proto: Any, path: Path, most_in_one_file: int) -> Path | None:
    """Write and validate the file; → that of the weights, where they have one of their own."""
    import onnx

    data = path.with_name(path.name + DATA_SUFFIX)
    apart = sum(len(constant.raw_data) for constant in proto.graph.initializer) > most_in_one_file
    if apart:
        onnx.save_model(proto, path, save_as_external_data=True, location=data.name)
    else:
        onnx.save_model(proto, path)
    onnx.checker.check_model(str(path), full_check=True)
    return data if apart else None
