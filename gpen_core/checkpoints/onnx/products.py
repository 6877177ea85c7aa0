"""Products and quotients: of maps with styles, with constants, and with the norms that demodulate."""

from __future__ import annotations

from torch import Tensor

from ...weights.onnx_file import Node
from .values import Energy, Factor, Filters, Map, Norm, NotReadable, Part, Start, Value, origin_part


def factor_of(constant: Tensor, made: Tensor, channels: int) -> Factor:
    """A constant that is added, or multiplied, as one number or one for each channel."""
    if constant.numel() == 1:
        return float(constant)
    axis = 1 if made.dim() == 4 else made.dim() - 1
    sides = [1] * (made.dim() - constant.dim()) + list(constant.shape)
    if constant.numel() != channels or sides[axis] != channels:
        raise NotReadable(f"a constant of shape {list(constant.shape)} is applied to a map of {channels} channels")
    return constant.reshape(-1)


def multiply(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    """What a product is. Raises NotReadable for one that no GPEN network has."""
    a, b = values
    if a is b:
        return Energy()
    if isinstance(a, Tensor) or (isinstance(a, Energy) and not isinstance(b, Tensor)):
        a, b = b, a
    if isinstance(a, Energy):
        if isinstance(b, Energy):
            return Energy(a.gain * b.gain)
        return Energy(a.gain * float(b)) if isinstance(b, Tensor) and b.numel() == 1 else a
    if isinstance(b, Energy):
        return _demodulated(a, b, made)
    if isinstance(a, Filters) and isinstance(b, Tensor) and b.numel() == 1:
        return Filters(a.weight * float(b), a.style)
    if isinstance(a, Map) and isinstance(b, Tensor):
        return _scaled(a, b, made)
    if isinstance(a, Map) and isinstance(b, Map):
        return _styled(a, b, shapes)
    raise NotReadable("it multiplies what no GPEN network multiplies")


def _demodulated(a: Value | None, energy: Energy, made: Tensor) -> Value:
    if isinstance(a, Filters):
        return Filters(a.weight * energy.gain, a.style) if energy.gain != 1 else a
    if isinstance(a, Map) and made.dim() == 2:
        return origin_part(Norm(a), a.channels)
    if isinstance(a, Map):
        return a.times(energy.gain)
    raise NotReadable("it divides what no GPEN network divides")


def _scaled(a: Map, constant: Tensor, made: Tensor) -> Value:
    """By a constant; or a constant, filters or the generator's start, by a style."""
    if constant.dim() == 5 and constant.numel() > a.channels:
        return Filters(constant, a)
    if constant.dim() == 4 and constant.shape[-1] > 1:
        return Map((Part(Start(constant), a.channels, by=a),))
    return a.times(factor_of(constant, made, a.channels))


def _styled(a: Map, b: Map, shapes: list[Tensor | None]) -> Map:
    """A map whose channels a style scales: the one of them that is a pixel large is the style."""
    if shapes[0] is not None and shapes[0].shape[-1] == 1:
        a, b = b, a
    return Map(tuple(_by(part, b) for part in a.parts))


def _by(part: Part, style: Map) -> Part:
    if part.by is not None:
        raise NotReadable("it scales a map by two styles")
    return Part(part.origin, part.channels, part.scale, part.shift, style)


def divide(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    """What a quotient is. Raises NotReadable for one that no GPEN network has."""
    a, b = values
    if isinstance(b, Tensor) and a is not None:
        return multiply(node, [a, 1 / b], shapes, made)
    if isinstance(b, Energy):
        return Energy(float(a)) if isinstance(a, Tensor) else multiply(node, [a, Energy()], shapes, made)
    raise NotReadable("it divides by what no GPEN network divides by")
