"""ONNX Runtime, imported only when a network is really needed."""

from __future__ import annotations

from typing import Any

from rembolt.errors import MissingExtraError


def onnxruntime() -> Any:
    """The `onnxruntime` module.

    Raises:
        MissingExtraError: none of the packages that bring it is installed, or it cannot be loaded.
        KeyboardInterrupt: Ctrl-C came while it was loading.
    """
    try:
        import onnxruntime as runtime
    except ImportError as error:
        # Its extension module makes an ImportError of whatever stops it, Ctrl-C too.
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        if error.name == "onnxruntime":
            raise MissingExtraError(
                "ONNX Runtime is not installed, so no network can run; install it with: "
                'pip install "rembolt[cpu]" (or rembolt[gpu], rembolt[directml], rembolt[openvino])'
            ) from error
        reason = str(error).partition("\n")[0].rstrip(".")
        raise MissingExtraError(
            f"ONNX Runtime is installed but cannot be loaded ({reason}); "
            'reinstall it with: pip install --force-reinstall "rembolt[cpu]" (or the extra you use)'
        ) from error
    if not hasattr(runtime, "InferenceSession"):
        # Removing one of two onnxruntime packages leaves an empty folder that still imports.
        raise MissingExtraError(
            "The onnxruntime package is damaged (it has no InferenceSession), as happens when one of two "
            'runtimes is removed; reinstall it with: pip install --force-reinstall "rembolt[cpu]"'
        )
    return runtime
