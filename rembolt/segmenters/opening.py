"""From a model's name to a segmenter that is ready to run."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from rembolt.engine.cache import BuildOnceCache
from rembolt.engine.session import Placement, Session
from rembolt.errors import BrokenWeightsError, DeviceError, UsageError
from rembolt.models.catalogue import find_model, sam_model, vitmatte_model
from rembolt.models.edges import EDGES
from rembolt.models.store import weights
from rembolt.profile import exists as there_is_a_profile
from rembolt.segmenters.placing import Place, as_asked, as_measured, choice_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL import Image

    from rembolt.cutout.guided import Lines
    from rembolt.cutout.small import Copies
    from rembolt.cutout.standard import Refiners
    from rembolt.models.spec import ModelSpec
    from rembolt.profile import Choice
    from rembolt.segmenters.base import Segmenter
    from rembolt.settings import CutoutOptions, SessionOptions

log = logging.getLogger(__name__)

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
    options: SessionOptions,
    *,
    exact: bool = False,
    runtime_options: Any = None,
    providers: Sequence[Any] | None = None,
) -> Segmenter:
    """Load a model, or take the process-wide session that already has it.

    Args:
        options: which model, and where it runs.
        exact: for rembg's pixels: what `options` leave open stays with the model's own weights, whatever is
            faster here.
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
            place = as_asked(spec, path, options)
            return Session(*place[:3], runtime_options=runtime_options, providers=providers)
        if exact:
            return _shared(as_asked(spec, path, options))
        place = as_measured(spec, path, options)
        try:
            return _shared(place)
        except (BrokenWeightsError, DeviceError) as error:
            if not place.measured:
                raise
            log.warning(
                "%s cannot run as it was measured and runs as without a profile: %s", spec.name, error
            )
            return _shared(as_asked(spec, path, options))

    if spec.family == "sam":
        from rembolt.segmenters.sam import SamSegmenter

        return SamSegmenter(session(paths[0]), session(paths[1]))
    return segmenter_around(session(paths[0]))


def segmenter_around(session: Session) -> Segmenter:
    """Give what finds the subject with a network that needs no prompt."""
    if session.spec.family == "cloth":
        from rembolt.segmenters.cloth import ClothSegmenter

        return ClothSegmenter(session)
    # Not above: the command line imports Pillow while the session is being loaded.
    from rembolt.segmenters.saliency import SaliencySegmenter

    return SaliencySegmenter(session)


def measured_choice(options: SessionOptions) -> Choice | None:
    """What `rembolt tune` found for the model that `options` ask for, None where it does not apply.

    Raises:
        UsageError, ModelError: see `open_segmenter`.
    """
    if not there_is_a_profile():  # most have none: then nothing is looked for
        return None
    spec = model_of(options)
    return choice_of(spec, weights(spec, offline=True if options.offline else None)[0], options)


def open_vitmatte(variant: str | None, options: SessionOptions) -> Session:
    """The process-wide ViTMatte session, on the device of `options`, in its own precision."""
    spec = vitmatte_model(variant)
    path = weights(spec, offline=True if options.offline else None)[0]
    return _shared(Place(spec, path, Placement(options.device, threads=options.threads)))


def open_edges(quality: str, threads: int | None = None) -> Session:
    """The process-wide session of a refiner of edges, `fast` or `best`.

    Always on the CPU: its few milliseconds are less than the way to another device.
    """
    spec = EDGES[quality]
    return _shared(Place(spec, weights(spec)[0], Placement("cpu", threads=threads)))


def refiners(options: CutoutOptions, session_options: SessionOptions) -> Refiners:
    """What makes masks better as `options` ask for it; networks are loaded when first called."""
    from rembolt.cutout.standard import Refiners

    def vitmatte(image: Image.Image, mask: Image.Image) -> Image.Image:
        from rembolt.segmenters import vitmatte

        session = open_vitmatte(options.vitmatte_model, session_options)
        return vitmatte.refine(session, image, mask, options)

    quality = "best" if options.alpha_matting else options.refine

    def lines(copies: Copies, mask: Image.Image) -> Lines:
        from rembolt.segmenters import edges

        threads = session_options.threads
        faster = partial(open_edges, "fast", threads) if quality == "best" else None
        session = open_edges(quality, threads)
        return edges.find_lines(session, copies, mask, edges.SIDES[quality], options, faster)

    return Refiners(vitmatte, None if quality == "none" else lines)


def _shared(place: Place) -> Session:
    spec, path, placement, _ = place
    # With the time of change, weights that were replaced are loaded anew.
    key = (spec, path, path.stat().st_mtime_ns, placement)
    return _sessions.get(key, lambda: Session(spec, path, placement))
