"""From a model's name to a segmenter that is ready to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rembolt.engine.cache import BuildOnceCache
from rembolt.engine.session import Placement, Session
from rembolt.errors import UsageError
from rembolt.models.catalogue import find_model, sam_model, vitmatte_model
from rembolt.models.store import weights

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rembolt.models.spec import ModelSpec
    from rembolt.segmenters.base import Segmenter
    from rembolt.settings import SessionOptions

_sessions: BuildOnceCache[Session] = BuildOnceCache()


def clear_sessions() -> None:
    """Let the process-wide sessions go, to free their memory; those still in use live on."""
    _sessions.clear()


def model_of(options: SessionOptions) -> ModelSpec:
    """The model that `options` asks for.

    Raises:
        UsageError: the model cannot cut out a photo by itself, or its path is missing.
        UnknownModelError: no model has this name.
    """
    if options.model == "sam":
        return sam_model(options.sam_model, quantised=options.sam_quant)
    spec = find_model(options.model)
    if spec.family == "vitmatte":
        raise UsageError(f"{spec.name} refines the mask of another model; use it with vitmatte=True (-vm).")
    if spec.family == "service":
        raise UsageError(
            f"{spec.name} is a paid web service that photos would be sent to, which rembolt does not do; "
            "choose a model that runs here, such as bolt."
        )
    if spec.needs_path:
        if options.model_path is None:
            raise UsageError(f"{spec.name} needs model_path, the path of your .onnx file.")
        from rembolt.models.custom import with_path

        return with_path(spec, options.model_path)
    return spec


def open_segmenter(
    options: SessionOptions, *, runtime_options: Any = None, providers: Sequence[Any] | None = None
) -> Segmenter:
    """Load a model, or take the process-wide session that already has it.

    Args:
        options: which model, and where it runs.
        runtime_options: see `Session`; with it, a session of its own is built.
        providers: see `Session`; with them, a session of its own is built.

    Raises:
        UsageError, UnknownModelError: see `model_of`.
        WeightsUnavailableError, BrokenWeightsError: the weights are not there or not right.
        DeviceError: the device or precision does not run.
    """
    spec = model_of(options)
    paths = weights(spec, offline=True if options.offline else None)
    own = runtime_options is not None or providers is not None

    def session(path: Path) -> Session:
        if own:
            return Session(
                spec, path, _placement(options), runtime_options=runtime_options, providers=providers
            )
        return _shared(spec, path, options)

    if spec.family == "sam":
        from rembolt.segmenters.sam import SamSegmenter

        return SamSegmenter(session(paths[0]), session(paths[1]))
    if spec.family == "cloth":
        from rembolt.segmenters.cloth import ClothSegmenter

        return ClothSegmenter(session(paths[0]))
    loaded = session(paths[0])
    # Not above: the command line imports Pillow while the session is being loaded.
    from rembolt.segmenters.saliency import SaliencySegmenter

    return SaliencySegmenter(loaded)


def open_vitmatte(variant: str | None, options: SessionOptions) -> Session:
    """The process-wide ViTMatte session, on the device of `options`."""
    spec = vitmatte_model(variant)
    return _shared(spec, weights(spec, offline=True if options.offline else None)[0], options)


def _shared(spec: ModelSpec, path: Path, options: SessionOptions) -> Session:
    placement = _placement(options)
    # With the time of change, weights that were replaced are loaded anew.
    key = (spec, path, path.stat().st_mtime_ns, placement)
    return _sessions.get(key, lambda: Session(spec, path, placement))


def _placement(options: SessionOptions) -> Placement:
    return Placement(options.device, options.precision, options.threads)
