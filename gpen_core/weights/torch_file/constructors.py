"""What a pickle may name: torch's ways to write a tensor, and data that often lies beside weights and is passed over."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from ..malformed import Malformed, Refused
from .machine import checked_key
from .names import KINDS, NAMED, OTHER_TENSORS, PASSED_OVER, RENAMED, STORAGES
from .values import Kind, Maker, Storage, TensorSpec, Unread

_MOST_NUMBERS = 1 << 48
_MOST_DIMENSIONS = 16
_LONGEST_KEY = 64
# How protocol 0, which has texts only, writes what ``storage_of`` gets.
_WRITTEN_STORAGE = re.compile(
    r"\('storage', <class 'torch\.(?:storage\.)?(\w{1,40})'>, '(\w{1,64})', '[\w:]{1,40}', (\d{1,15})(?:, None)?\)",
    re.ASCII,
)


def lookup(module: str, name: str) -> object:
    """What "module name" in a pickle stands for. Raises Refused for everything that is not listed in this file."""
    module = RENAMED.get(module, module)
    full = f"{module}.{name}"
    if full in _MAKERS:
        return Maker(full, _MAKERS[full])
    if module == "torch" and name in STORAGES:
        return STORAGES[name]
    if module == "torch" and name in KINDS:
        return KINDS[name]
    if module == "torch._utils" and name in OTHER_TENSORS:
        return _unread(OTHER_TENSORS[name])
    if name in PASSED_OVER.get(module, "").split():
        return _unread(NAMED.get(name, f"a {full}"))
    raise Refused(
        f"the file holds something other than tensors (it refers to {module[:60]}.{name[:60]}), and nothing of it was run. "
        "Use a file that holds weights only."
    )


def storage_of(persistent_id: object) -> Storage:
    """What torch writes in the place of a storage: ("storage", kind, key, device, count[, None]). Raises Malformed."""
    match persistent_id:
        case ("storage", Kind() as kind, str(key), str(), count) | (
            "storage",
            Kind() as kind,
            str(key),
            str(),
            count,
            None,
        ):
            if type(count) is int and 0 <= count < _MOST_NUMBERS and len(key) <= _LONGEST_KEY:
                return Storage(key, kind, count)
        case str(written) if (found := _WRITTEN_STORAGE.fullmatch(written)) and found[1] in STORAGES:
            return Storage(found[2], STORAGES[found[1]], int(found[3]))
    _fail("a storage")


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, kind: object = None) -> TensorSpec | Unread:
    if not isinstance(storage, Storage) or not (_are_counts((offset,)) and _are_counts(shape) and _are_counts(stride)):
        _fail("a tensor")
    kind = kind or storage.kind
    if not isinstance(kind, Kind) or not kind.name or len(shape) != len(stride):
        _fail("a tensor")
    if kind.name.startswith("complex"):
        return Unread(f"a tensor of {kind.name}")
    return TensorSpec(storage, kind, offset, shape, stride)


def _are_counts(values: object) -> bool:
    return (
        type(values) is tuple
        and len(values) <= _MOST_DIMENSIONS
        and all(type(value) is int and 0 <= value < _MOST_NUMBERS for value in values)
    )


def _tensor_of_any_age(arguments: tuple[Any, ...]) -> object:
    """_rebuild_tensor's (storage, offset, shape, stride), and _rebuild_tensor_v2's, which adds gradients, hooks and notes."""
    if len(arguments) not in (4, 6, 7):
        _fail("a tensor")
    if len(arguments) == 7 and _is_changed_on_the_way(arguments[6]):
        return Unread("a tensor that is stored negated or conjugated")
    return _tensor(*arguments[:4])


def _is_changed_on_the_way(notes: object) -> bool:
    """torch's notes on numbers that it stores as they are not, to change them when they are used."""
    return isinstance(notes, dict) and any(notes.get(bit) not in (None, False) for bit in ("neg", "conj"))


def _tensor_with_kind(arguments: tuple[Any, ...]) -> object:
    """_rebuild_tensor_v3's: v2's, and the type of the numbers, which the storage doesn't know."""
    if len(arguments) not in (7, 8):
        _fail("a tensor")
    storage, offset, shape, stride, _, _, kind = arguments[:7]
    return _tensor(storage, offset, shape, stride, kind)


def _tensor_with_attributes(arguments: tuple[Any, ...]) -> object:
    """_rebuild_from_type_v2's (function, class, its arguments, attributes): the tensor alone."""
    match arguments:
        case (Maker() as inner, Maker(), tuple(given), _) if inner.name in _TENSOR_MAKERS:
            return inner.make(given)
    _fail("a tensor")


def _parameter(arguments: tuple[Any, ...]) -> object:
    """A parameter's (tensor, whether it has gradients, hooks[, attributes]): the tensor alone."""
    if not arguments or not isinstance(arguments[0], TensorSpec | Unread):
        _fail("a parameter")
    return arguments[0]


def _table(arguments: tuple[Any, ...]) -> object:
    """OrderedDict's: nothing, or from Python 2 a list of pairs."""
    match arguments:
        case ():
            return {}
        case (list(pairs),) if all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
            return {checked_key(key): value for key, value in pairs}
    _fail("a table")


def _table_with_default(arguments: tuple[Any, ...]) -> object:
    """defaultdict's: what would make a value that is missing, which none is here."""
    if len(arguments) > 1:
        _fail("a table")
    return {}


def _same_tuple(arguments: tuple[Any, ...]) -> object:
    match arguments:
        case (tuple(shape),):
            return shape
    _fail("a shape")


def _encoded(arguments: tuple[Any, ...]) -> object:
    """How protocol 2 writes bytes: as a text to be encoded, which is not done here."""
    match arguments:
        case (str(), str()):
            return Unread("bytes")
    _fail("a text")


def _unread(what: str) -> Maker:
    return Maker(what, lambda arguments: Unread(what))


def _fail(what: str) -> NoReturn:
    raise Malformed(f"{what} in it is not described as torch does")


_TENSOR_MAKERS = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3")
_MAKERS: Mapping[str, Callable[[tuple[Any, ...]], object]] = MappingProxyType(
    {
        "torch._utils._rebuild_tensor": _tensor_of_any_age,
        "torch._utils._rebuild_tensor_v2": _tensor_of_any_age,
        "torch._utils._rebuild_tensor_v3": _tensor_with_kind,
        "torch._tensor._rebuild_from_type_v2": _tensor_with_attributes,
        "torch._utils._rebuild_parameter": _parameter,
        "torch._utils._rebuild_parameter_with_state": _parameter,
        "torch.nn.parameter.Parameter": _parameter,
        "torch.Size": _same_tuple,
        "collections.OrderedDict": _table,
        "collections.defaultdict": _table_with_default,
        "_codecs.encode": _encoded,
    }
)
