"""One photo, the whole way: decode, segment, refine, colour, encode."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, Unpack, overload

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.arrange.finish import Finished, finish
from rembolt.cutout.result import Cutout, Encoded
from rembolt.cutout.standard import cut, shrink
from rembolt.cutout.subject import subject_of
from rembolt.errors import UsageError
from rembolt.images.rows import Rows, image_of, whole
from rembolt.images.source import read_picture, read_raw
from rembolt.segmenters.opening import measured_choice, open_segmenter, refiners
from rembolt.settings import (
    GROUPS,
    CutoutOptions,
    InputOptions,
    OutputOptions,
    SessionOptions,
    check_names,
    check_together,
    names_of,
    pick,
    with_canonical_names,
)
from rembolt.timings import Timings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rembolt.errors import RemboltError
    from rembolt.images.picture import Picture
    from rembolt.keywords import PhotoKeywords, PlacedKeywords
    from rembolt.segmenters.base import Segmenter

Bytes = npt.NDArray[np.uint8]
ImageT = TypeVar("ImageT", bytes, Image.Image, npt.NDArray[Any])


class _Groups(NamedTuple):
    """The options of one call."""

    source: InputOptions
    cut: CutoutOptions
    output: OutputOptions


class Remover:
    """A model that is loaded once and cuts out any number of photos. Thread-safe.

    Args:
        model: a name from `rembolt models`, or the path of an own `.onnx` file.
        runtime_options: an `onnxruntime.SessionOptions` to use instead of rembolt's.
        providers: ONNX Runtime providers to use instead of `device`.
        options: any option of `rembolt.settings`; those that are not about the session become the
            defaults of this remover's calls.

    Raises:
        UsageError: an option is unknown or out of range.
        ModelError: the model or its weights cannot be used.
        DeviceError: the device or precision asked for does not run.
    """

    def __init__(
        self,
        model: str = "bolt",
        *,
        runtime_options: Any = None,
        providers: Sequence[Any] | None = None,
        **options: Unpack[PlacedKeywords],
    ) -> None:
        values = with_canonical_names({"model": str(model), **options})
        check_names(values, *GROUPS)
        self._session_options = pick(SessionOptions, values)
        self._defaults = {name: values[name] for name in values if name not in names_of(SessionOptions)}
        groups = self._groups(self._defaults)  # wrong defaults are told now, not at the first photo
        if groups.output.background is not None:
            from rembolt.arrange.background import check_background_photo

            check_background_photo(groups.output, groups.source)
        self._own_session = runtime_options is not None or providers is not None
        self._exact = bool(self._defaults.get("exact", False))
        self._exact_segmenter: Segmenter | None = None
        own: dict[str, Any] = {"runtime_options": runtime_options, "providers": providers}
        self._segmenter = open_segmenter(self._session_options, exact=self._exact, **own)

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._segmenter.spec.name

    @property
    def device(self) -> str:
        """Name of the device that really runs it."""
        return self._segmenter.session.device

    @property
    def precision(self) -> str:
        """Number format it runs in; exact calls may differ, see `open_segmenter`."""
        return self._segmenter.session.precision

    @property
    def inner_session(self) -> Any:
        """The `onnxruntime.InferenceSession` or `openvino.CompiledModel`, for those who want to ask it."""
        return self._segmenter.session.inner

    def cutout(self, image: Any, **options: Unpack[PhotoKeywords]) -> Cutout:
        """Cut out one photo.

        Args:
            image: an encoded image (bytes, or an open binary file), a path, a Pillow image, or an array
                `(H, W)`, `(H, W, 2)`, `(H, W, 3)` or `(H, W, 4)` of the dtypes in `images.arrays`.
            options: any option of `rembolt.settings` that is not about the session.

        Raises:
            UsageError: an option is unknown or out of range.
            InputError: the photo cannot be read or is too large.
            MissingExtraError: an option needs a package that is not installed.
        """
        timings = Timings()
        _refuse_arrangement(options)
        groups = self._groups(options)._replace(output=OutputOptions())
        rgba, icc_profile = self._pixels(image, groups, timings)
        return Cutout(rgba, icc_profile, *self._placed(groups.cut), timings)

    @overload
    def remove(self, image: ImageT, **options: Unpack[PhotoKeywords]) -> ImageT: ...
    @overload
    def remove(self, image: str | Path, **options: Unpack[PhotoKeywords]) -> Image.Image: ...
    def remove(self, image: Any, **options: Any) -> Any:
        """Cut out one photo and give the same kind back: bytes, Pillow image or array; a path gives Pillow.

        See `cutout` for the arguments and errors. Bytes are in `format`.
        """
        if isinstance(image, np.ndarray):
            return self._pixels(image, self._groups(options), Timings())[0]
        if isinstance(image, (str, os.PathLike, Image.Image)):
            pixels, icc_profile = self._pixels(image, self._groups(options), Timings())
            result = image_of(pixels)
            if icc_profile:
                result.info["icc_profile"] = icc_profile
            return result
        return self.encode(image, **options).data

    def encode(
        self,
        image: Any,
        *,
        timings: Timings | None = None,
        find_subject: bool = False,
        **options: Unpack[PhotoKeywords],
    ) -> Encoded:
        """Cut out one photo and encode the result in `format`, whatever kind the photo is of.

        Args:
            image: see `cutout`; also what `rembolt.images.source.read` gave.
            timings: gets the stages, beside those it already has.
            find_subject: say in the result where the subject is.
            options: see `cutout`, also for the errors.
        """
        from rembolt.images.encode import encode

        groups = self._groups(options)
        timings = Timings() if timings is None else timings
        result, icc_profile, subject = self._result(image, groups, timings, find_subject=find_subject)
        output = groups.output
        with timings.stage("encode"):
            data = encode(result, output.format, quality=output.quality, icc_profile=icc_profile)
        height, width = result.shape[:2]
        return Encoded(data, width, height, *self._placed(groups.cut), timings, subject)

    def map(
        self,
        images: Iterable[Any],
        *,
        workers: int | None = None,
        ordered: bool = True,
        **options: Unpack[PhotoKeywords],
    ) -> Iterator[Cutout | RemboltError]:
        """Cut out many photos, a few at a time, and give the results as they are asked for.

        A photo that fails gives its error as a value; the others go on. On a CPU, unless `threads` was given,
        this takes a second session whose runs keep to a core each, which does more than all on one photo.

        Args:
            images: taken lazily, each as `cutout` takes it.
            workers: photos at a time; by default what `rembolt tune` found, else one for each usable core.
            ordered: give the results in the photos' order; otherwise as they come.
            options: see `cutout`.

        Raises:
            UsageError: an option is unknown or out of range.
        """
        from rembolt.pipeline import crew, each

        _refuse_arrangement(options)  # wrong options are told at once, not photo by photo
        exact = self._groups(options).cut.exact
        measured = None if self._own_session or exact else measured_choice(self._session_options)
        shared = crew(workers, self._session_options.threads, measured)
        remover = self if shared.workers == 1 else self.with_threads(shared.threads)
        cutout = partial(remover.cutout, **options)
        return each(cutout, images, workers=shared.workers, ordered=ordered)

    def with_threads(self, threads: int) -> Remover:
        """Give this remover, or one like it whose runs take so many CPU threads, where that can be chosen."""
        if self._own_session or not self._segmenter.session.on_cpu or self._session_options.threads:
            return self
        like = copy(self)
        like._session_options = replace(self._session_options, threads=threads)
        like._segmenter = open_segmenter(like._session_options, exact=self._exact)
        like._exact_segmenter = None
        return like

    def _placed(self, options: CutoutOptions) -> tuple[str, str, str, str]:
        """Model, device, precision and runtime of a call."""
        session = self._segmenter_for(options).session
        return self.model, session.device, session.precision, session.runtime

    def _segmenter_for(self, options: CutoutOptions) -> Segmenter:
        """The segmenter; for exact calls, where faster weights were chosen, that of the model's own."""
        if self._own_session or self._exact or not options.exact:
            return self._segmenter
        self._exact_segmenter = self._exact_segmenter or open_segmenter(self._session_options, exact=True)
        return self._exact_segmenter

    def masks(self, image: Image.Image, **options: Unpack[PhotoKeywords]) -> list[Image.Image]:
        """What the network finds, before anything is made of it.

        Args:
            image: upright, mode `RGB`; with `exact` any mode.
            options: see `cutout`; `exact`, `cloth_category` and `sam_prompt` are used.

        Returns:
            Masks of mode `L` at whatever size they were found; more than one only for the categories of
            clothes.

        Raises:
            UsageError: an option is unknown or out of range.
        """
        cut = self._groups(options).cut
        return self._segmenter_for(cut).segment(image, cut, Timings())

    def masks_exactly(self, image: Image.Image, options: CutoutOptions) -> list[Image.Image]:
        """Rembg's masks of an upright Pillow image of any mode: mode `L`, at the picture's size."""
        from rembolt.cutout.exact import enlarged

        options = replace(options, exact=True)
        masks = self._segmenter_for(options).segment(image, options, Timings())
        return [enlarged(mask, image.size) for mask in masks]

    def _groups(self, options: Mapping[str, Any]) -> _Groups:
        values = {**self._defaults, **with_canonical_names(options)}
        check_names(values, InputOptions, CutoutOptions, OutputOptions)
        groups = _Groups(pick(InputOptions, values), pick(CutoutOptions, values), pick(OutputOptions, values))
        check_together(groups.cut, groups.output)
        return groups

    def _pixels(self, image: Any, groups: _Groups, timings: Timings) -> tuple[Bytes, bytes | None]:
        """What is asked for as an array, and the profile of its colours."""
        result, icc_profile, _ = self._result(image, groups, timings)
        if not isinstance(result, np.ndarray):
            with timings.stage("foreground"):
                result = whole(result)
        return result, icc_profile

    def _result(
        self, image: Any, groups: _Groups, timings: Timings, *, find_subject: bool = False
    ) -> Finished:
        """What is asked for, cut-out or mask."""
        output = groups.output
        if groups.cut.exact:
            result = self._exactly(image, groups, timings)
            if not isinstance(result, Image.Image):
                return Finished(result, None, subject_of(whole(result)) if find_subject else None)
            if result.mode not in ("L", "RGB", "RGBA"):
                result = result.convert("RGBA")
            pixels = np.array(result)
            subject = subject_of(pixels) if find_subject else None
            return Finished(pixels, result.info.get("icc_profile"), subject)
        rows, picture = self._straight(image, groups, timings)
        return finish(rows, picture, output, groups.source, timings, find_subject=find_subject)

    def _exactly(self, image: Any, groups: _Groups, timings: Timings) -> Image.Image | Rows:
        """Rembg's way; see `rembolt.cutout.exact`."""
        from rembolt.cutout.exact import cut_whole

        with timings.stage("decode"):
            upright = read_raw(image, groups.source)
        segment = self._segmenter_for(groups.cut).segment
        refine = refiners(groups.cut, self._session_options).vitmatte
        return cut_whole(upright, segment, groups.cut, groups.output, timings, refine)

    def _straight(self, image: Any, groups: _Groups, timings: Timings) -> tuple[Rows, Picture]:
        """Our way: rows of RGBA with straight colours, and the photo as it was read."""
        with timings.stage("decode"):
            picture = read_picture(image, groups.source)
        with timings.stage("prepare"):
            work = shrink(picture.image, groups.cut.max_size)
        options = groups.cut
        if options.sam_prompt is not None and work is not picture.image:
            from rembolt.segmenters.sam import scaled

            options = replace(options, sam_prompt=scaled(options.sam_prompt, picture.image.size, work.size))
        masks = self._segmenter.segment(work, options, timings)
        return cut(
            picture, work, masks, groups.cut, timings, refiners(groups.cut, self._session_options)
        ), picture


def _refuse_arrangement(options: Mapping[str, Any]) -> None:
    """Raise `UsageError` for options that a `Cutout`, which is as large as its photo, would not follow."""
    given = {name: options[name] for name in names_of(OutputOptions) if name in options}
    if arranged := pick(OutputOptions, given).arrangement:
        raise UsageError(f"a Cutout has no {arranged[0]}; give it to remove or encode.")
