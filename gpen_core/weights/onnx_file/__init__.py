"""ONNX files, read without the ``onnx`` package and without running anything.

That package brings protobuf, whose version other packs of a ComfyUI pin, parses a copy of all weights, and follows a file's
paths to its external data. Of the format's forty messages we need nine: they are read here, from the mapped file, within
limits.
"""

from .graph import Attribute, Graph, Node, Port
from .reading import looks_like_onnx, read_graph
from .tensors import Stored

__all__ = ["Attribute", "Graph", "Node", "Port", "Stored", "looks_like_onnx", "read_graph"]
