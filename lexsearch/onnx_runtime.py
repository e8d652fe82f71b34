"""onnxruntime with its telemetry off; whoever needs it imports it from here.

Its official builds send events to their maker, and keep a device id with a database of unsent ones
in the cache folder of the user. Both begin when it is imported, so the switch must be set before.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as onnxruntime


def one_thread() -> onnxruntime.SessionOptions:
    """Options of a session that computes in the thread that asks and says errors only."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options
