"""A network as one ONNX file, for those who run it without PyTorch.

The graph takes ``crops`` [batch, 3, S, S] and yields ``restored`` [batch, 3, S', S'], both float32 RGB in [0, 1]: the
move to [-1, 1], where the model wants one, and the clamp at the end are inside. Any batch; the size is the model's. What
else is to know (task, color order, range, where the five landmarks belong in a crop, license) is in the file's metadata.

The graph is written node by node from the network's modules, not recorded by ``torch.onnx.export``: the same with every
version of torch, within seconds, what is constant computed once (gains, energies of filters, batch normalization), every
activation a LeakyRelu alone, values named as in the checkpoint. That it computes what the modules compute is tested for
every part there is, and checked on request for the very file.
"""

from .check import TOLERANCES, Parity, compare
from .engines import ENGINES, load_engine
from .export import HIGHEST_OPSET, LOWEST_OPSET, OPSET, PRECISIONS, check_exportable, export_onnx

__all__ = [
    "ENGINES",
    "HIGHEST_OPSET",
    "LOWEST_OPSET",
    "OPSET",
    "PRECISIONS",
    "TOLERANCES",
    "Parity",
    "check_exportable",
    "compare",
    "export_onnx",
    "load_engine",
]
