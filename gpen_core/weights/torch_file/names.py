"""The names that a file may use, and what they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .values import Kind

# torch's types of numbers.
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        name: Kind(name, size)
        for names, size in (
            ("int8 uint8 bool float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz", 1),
            ("int16 uint16 float16 bfloat16", 2),
            ("int32 uint32 float32", 4),
            ("int64 uint64 float64 complex64", 8),
            ("complex128", 16),
        )
        for name in names.split()
    }
)
STORAGES: Mapping[str, Kind] = MappingProxyType(
    {
        "UntypedStorage": Kind("", 1),
        "DoubleStorage": KINDS["float64"],
        "FloatStorage": KINDS["float32"],
        "HalfStorage": KINDS["float16"],
        "BFloat16Storage": KINDS["bfloat16"],
        "LongStorage": KINDS["int64"],
        "IntStorage": KINDS["int32"],
        "ShortStorage": KINDS["int16"],
        "CharStorage": KINDS["int8"],
        "ByteStorage": KINDS["uint8"],
        "BoolStorage": KINDS["bool"],
        "ComplexFloatStorage": KINDS["complex64"],
        "ComplexDoubleStorage": KINDS["complex128"],
        "QInt8Storage": Kind("", 1),  # of quantized tensors, which are named and not read
        "QUInt8Storage": Kind("", 1),
        "QInt32Storage": Kind("", 4),
    }
)
# Tensors that are not read, by the function of torch._utils that builds them.
OTHER_TENSORS: Mapping[str, str] = MappingProxyType(
    {
        "_rebuild_sparse_tensor": "a sparse tensor",
        "_rebuild_nested_tensor": "a nested tensor",
        "_rebuild_qtensor": "a quantized tensor",
        "_rebuild_meta_tensor_no_storage": "a tensor on meta, without numbers",
        "_rebuild_wrapper_subclass": "a tensor of a class of its own",
        "_rebuild_device_tensor_from_numpy": "a tensor of another device",
        "_rebuild_device_tensor_from_cpu_tensor": "a tensor of another device",
    }
)
# Plain data of Python's own and NumPy's that trainers put beside weights. Whatever it is made of, it stays ``Unread``.
PASSED_OVER: Mapping[str, str] = MappingProxyType(
    {
        "argparse": "Namespace",
        "types": "SimpleNamespace",
        "builtins": "set frozenset complex slice range xrange object dict list int float str",
        "copyreg": "_reconstructor",  # how protocols 0 and 1 write any object
        "collections": "Counter deque",
        "datetime": "datetime date time timedelta timezone",
        "pathlib": "Path PurePath PosixPath WindowsPath PurePosixPath PureWindowsPath",
        "pathlib._local": "Path PurePath PosixPath WindowsPath PurePosixPath PureWindowsPath",
        "numpy": "dtype ndarray",
        "numpy._core.multiarray": "scalar _reconstruct",
        "torch": "device Tensor preserve_format contiguous_format channels_last qint8 quint8 qint32 per_tensor_affine "
        "per_channel_affine",
        "torch.serialization": "_get_layout",
    }
)
# What messages call some of these.
NAMED: Mapping[str, str] = MappingProxyType(
    {"_reconstruct": "a NumPy array", "scalar": "a NumPy number", "_reconstructor": "an object"}
)
RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "__builtin__": "builtins",
        "copy_reg": "copyreg",
        "numpy.core.multiarray": "numpy._core.multiarray",
        "torch.cuda": "torch",
        "torch.storage": "torch",
    }
)
