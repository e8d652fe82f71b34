"""A static int8 form of an exported image graph, to measure what it costs and gains.

Static, because with dynamic scales a picture's vectors would depend on what else is computed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

import lexsearch.onnx_runtime  # noqa: F401  (before any part of onnxruntime)

# isort: split
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from lexsearch.types import PixelArray


class Pictures(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Feeds pictures, uint8 (n, height, width, 3), one at a time."""

    def __init__(self, pixels: Iterable[PixelArray]) -> None:
        self._rows = iter(pixels)

    def get_next(self) -> dict[str, PixelArray] | None:
        """The next feed, None at the end."""
        row = next(self._rows, None)
        return None if row is None else {"pixels": row[None]}


def full_precision(source: Path, target: Path) -> None:
    """Undo the float16 storage of weights: every cast initialiser becomes float32."""
    proto = onnx.load(str(source))
    graph = proto.graph
    halves = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        half = halves.get(node.input[0]) if node.op_type == "Cast" else None
        if half is None:
            nodes.append(node)
            continue
        values = numpy_helper.to_array(half).astype(np.float32)
        graph.initializer.remove(half)
        graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(proto, str(target))


def static_int8(source: Path, target: Path, pixels: Iterable[PixelArray]) -> None:
    """Write `source` with int8 products: weights by channel, activations by calibration.

    Args:
        source: an exported image graph.
        target: the file to write.
        pixels: calibration pictures, uint8 (height, width, 3).
    """
    with tempfile.TemporaryDirectory() as folder:
        whole, prepared = Path(folder) / "whole.onnx", Path(folder) / "prepared.onnx"
        full_precision(source, whole)
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(target),
            Pictures(pixels),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gemm", "Conv"],
            extra_options={"MatMulConstBOnly": True},
        )
