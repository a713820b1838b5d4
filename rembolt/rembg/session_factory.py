"""rembg's `new_session`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rembolt.models.catalogue import DEFAULT_MODEL
from rembolt.rembg.sessions import class_of

if TYPE_CHECKING:
    from rembolt.rembg.sessions.base import BaseSession


def new_session(
    model_name: str = DEFAULT_MODEL, *args: Any, sess_opts: Any = None, **kwargs: Any
) -> BaseSession:
    """Load a model.

    Args:
        model_name: one of `rembolt.rembg.sessions.sessions_names`; the default is the embedded `bolt`.
        args: passed on to the session.
        sess_opts: an `onnxruntime.SessionOptions`; by default rembolt's own, which obey `OMP_NUM_THREADS`.
        kwargs: `providers` (a list), `model_path`, `sam_model`, `sam_quant`; others are ignored.

    Raises:
        ValueError: no model has this name.
    """
    return class_of(model_name)(model_name, sess_opts, *args, **kwargs)
