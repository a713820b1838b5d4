"""ONNX Runtime, imported only when a network is really needed."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

from rembolt.errors import MissingExtraError
from rembolt.extras import load_extra

NOT_YET = "Failed to register bundled CUDA plugin EP"
"""What onnxruntime-gpu warns when it tries its CUDA before it is shown where the libraries are, and what it
lacks after that (`nvidia.preload`). A device that does not start says so when it is asked for."""


def onnxruntime() -> Any:
    """The `onnxruntime` module, its telemetry off unless the environment says otherwise.

    Raises:
        MissingExtraError: none of the packages that bring it is installed, or it cannot be loaded.
        KeyboardInterrupt: Ctrl-C came while it was loading.
    """
    # Its telemetry, on by default in some releases, writes to the disk as soon as it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    if "onnxruntime" not in sys.modules:
        # For good: to take the filter off again would undo what other threads do to the filters meanwhile.
        warnings.filterwarnings("ignore", NOT_YET)
    runtime = load_extra(
        "onnxruntime",
        "ONNX Runtime",
        absent="ONNX Runtime is not installed, so no network can run; install it with: "
        'pip install "rembolt[cpu]" (or rembolt[gpu], rembolt[directml], rembolt[openvino])',
        reinstall='"rembolt[cpu]" (or the extra you use)',
    )
    if not hasattr(runtime, "InferenceSession"):
        # Removing one of two onnxruntime packages leaves an empty folder that still imports.
        raise MissingExtraError(
            "The onnxruntime package is damaged (it has no InferenceSession), as happens when one of two "
            'runtimes is removed; reinstall it with: pip install --force-reinstall "rembolt[cpu]"'
        )
    return runtime
