"""Late interaction by onnxruntime's integer product: int8 query tokens, int8 image tokens.

onnxruntime is fast where the left side is unsigned and the right side signed, so image tokens are
stored values + 128 with the zero point 128. The graphs (MatMulInteger, ReduceMax and what lies
between, opset 18) are so small that they are written here byte by byte, and the package onnx is
not needed.
"""

from __future__ import annotations

import struct
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lexsearch.onnx_runtime import one_thread, onnxruntime
from lexsearch.stores.tokens._choice import BASE
from lexsearch.types import IntArray

NAME = "onnx"
_UINT8, _INT8, _INT32, _INT64, _DOUBLE = 2, 3, 6, 7, 11  # element types of ONNX


def build() -> OnnxKernel:
    """The kernel; its sessions, of one thread each, are made at the first call."""
    return OnnxKernel()


class OnnxKernel:
    """An `IntegerKernel`; calls from several threads are safe."""

    name = NAME

    @cached_property
    def _sessions(self) -> dict[tuple[int, bool], onnxruntime.InferenceSession]:
        """By number of digits, and whether the maximum per image is part of the graph."""
        return {
            (digits, reduces): _session(_graph(digits, reduces=reduces))
            for digits in (1, 2, 3)
            for reduces in (False, True)
        }

    def best(
        self,
        query: npt.NDArray[np.int8],
        rows: npt.NDArray[np.int8],
        counts: IntArray,
        scratch: npt.NDArray[np.int8],
    ) -> npt.NDArray[np.int32] | npt.NDArray[np.float64]:
        """Largest product per image and query token; see `IntegerKernel.best`."""
        shifted = scratch[: len(rows)].view(np.uint8)
        np.bitwise_xor(rows.view(np.uint8), 128, out=shifted)  # +128 in two's complement
        inputs: dict[str, npt.NDArray[np.generic]] = {"images": shifted}
        inputs |= {f"query_{i}": digit for i, digit in enumerate(query)}
        if (counts == counts[0]).all():
            inputs["shape"] = np.array([len(counts), counts[0], query.shape[2]], dtype=np.int64)
            return np.asarray(self._sessions[len(query), True].run(None, inputs)[0])
        products = self._sessions[len(query), False].run(None, inputs)[0]
        return np.asarray(np.maximum.reduceat(products, np.cumsum(counts) - counts, axis=0))


def _session(model: bytes) -> onnxruntime.InferenceSession:
    options = one_thread()
    # Every query has a shape of its own; a plan of memory for each would be kept for good.
    options.enable_mem_pattern = False
    # There is nothing to improve in six operators, and looking for it takes most of the start.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


# Numbers below are field numbers of onnx.proto3 (ModelProto, GraphProto, NodeProto, ...).


def _graph(digits: int, *, reduces: bool) -> bytes:
    """(tokens, dim) times (dim, q), digits put together: (tokens, q), int32 up to two digits.

    reduces: takes a shape (images, tokens of each, q) too and gives the maxima, (images, q).
    """
    tensors = [_tensor("zero", _UINT8, [], bytes([128]))]
    inputs = [_value("images", _UINT8, 2)]
    nodes = []
    for i in range(digits):
        inputs.append(_value(f"query_{i}", _INT8, 2))
        nodes.append(_node("MatMulInteger", ["images", f"query_{i}", "zero"], f"product_{i}"))
    result, element = "product_0", _INT32
    if digits > 1:
        tensors.append(_tensor("base", _INT32, [], struct.pack("<i", BASE)))
        nodes.append(_node("Mul", ["product_0", "base"], "high"))
        nodes.append(_node("Add", ["high", "product_1"], "pair"))
        result = "pair"
    if digits > 2:
        tensors.append(_tensor("wide_base", _DOUBLE, [], struct.pack("<d", BASE)))
        nodes.append(_node("Cast", ["pair"], "wide_pair", to=_DOUBLE))
        nodes.append(_node("Cast", ["product_2"], "wide_low", to=_DOUBLE))
        nodes.append(_node("Mul", ["wide_pair", "wide_base"], "wide_high"))
        nodes.append(_node("Add", ["wide_high", "wide_low"], "triple"))
        result, element = "triple", _DOUBLE
    if reduces:
        tensors.append(_tensor("axes", _INT64, [1], struct.pack("<q", 1)))
        inputs.append(_value("shape", _INT64, 1))
        nodes.append(_node("Reshape", [result, "shape"], "by_image"))
        nodes.append(_node("ReduceMax", ["by_image", "axes"], "maxima", keepdims=0))
        result = "maxima"
    return _model(nodes, inputs, _value(result, element, 2), tensors)


def _model(nodes: list[bytes], inputs: list[bytes], output: bytes, tensors: list[bytes]) -> bytes:
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"maxsim")
    graph += b"".join(_field(5, tensor) for tensor in tensors)
    graph += b"".join(_field(11, value) for value in inputs) + _field(12, output)
    return _number(1, 8) + _field(7, graph) + _field(8, _field(1, b"") + _number(2, 18))


def _node(operator: str, inputs: list[str], output: str, **integers: int) -> bytes:
    node = b"".join(_field(1, name.encode()) for name in inputs)
    node += _field(2, output.encode()) + _field(4, operator.encode())
    for name, value in integers.items():
        node += _field(5, _field(1, name.encode()) + _number(3, value) + _number(20, 2))
    return node


def _value(name: str, element: int, dimensions: int) -> bytes:
    axes = b"".join(_field(1, _field(2, f"{name}_{i}".encode())) for i in range(dimensions))
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, element) + _field(2, axes)))


def _tensor(name: str, element: int, shape: list[int], data: bytes) -> bytes:
    dims = b"".join(_number(1, size) for size in shape)
    return dims + _number(2, element) + _field(8, name.encode()) + _field(9, data)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Seven bits per byte, the low ones first; the high bit says that more follow."""
    if value < 128:
        return bytes([value])
    return bytes([value & 127 | 128]) + _varint(value >> 7)
