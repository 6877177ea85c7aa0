"""GPEN as ONNX: the network read back out of the graph where that is possible, else the graph as it is."""
