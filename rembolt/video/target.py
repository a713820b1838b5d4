"""A video file written frame by frame."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from rembolt.errors import MissingExtraError, OutputError, RemboltError, UnsupportedImageError
from rembolt.video.package import pyav
from rembolt.video.sound import Sound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rembolt.video.container import Recipe
    from rembolt.video.frame import Frame
    from rembolt.video.source import Facts

log = logging.getLogger(__name__)

_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
"""FFmpeg's code of a colour matrix to its scaler's; what is not here, or not said, is BT.601 there."""

_RGB, _BT601 = 0, 6
"""FFmpeg's codes of no matrix at all, which only RGB may say, and of the one that is taken then."""

_LIMITED = 1
"""FFmpeg's code of luma from 16 to 235."""


class VideoFile:
    """A video file that is being written; made by `written`.

    Args:
        container: open output container.
        source: the video whose sound comes along.
        facts: what is known of that video.
        recipe: what is made.
        opaque: frames come without alpha.

    Raises:
        UnsupportedImageError: the frames are too small for the codec.
    """

    def __init__(self, container: Any, source: Path, facts: Facts, recipe: Recipe, *, opaque: bool) -> None:
        self._container = container
        self._facts = facts
        self._matrix = _MATRICES.get(facts.colours.matrix, 5)
        self._width, self._height = facts.width, facts.height
        if recipe.even and (self._width % 2 or self._height % 2):
            self._width, self._height = self._width & ~1, self._height & ~1
            if not (self._width and self._height):
                raise UnsupportedImageError(
                    f"{recipe.title} cannot hold {facts.width} x {facts.height} pixels; choose .webm or .mov."
                )
            log.warning(
                "%s needs even sides: the frames are cut to %d x %d pixels.",
                recipe.title,
                self._width,
                self._height,
            )
        self._format = recipe.opaque if opaque or recipe.with_alpha is None else recipe.with_alpha
        self._stream = self._added_stream(recipe)
        self.sound = Sound(source, facts, container, recipe)

    def _added_stream(self, recipe: Recipe) -> Any:
        facts = self._facts
        stream = self._container.add_stream(recipe.encoder, rate=facts.rate or 25, options=recipe.options)
        stream.width, stream.height, stream.pix_fmt = self._width, self._height, self._format
        stream.time_base = facts.time_base
        context = stream.codec_context
        context.time_base = facts.time_base
        if facts.pixel_shape:
            context.sample_aspect_ratio = facts.pixel_shape
        context.color_range = _LIMITED
        colours = facts.colours
        context.colorspace = _BT601 if colours.matrix == _RGB else colours.matrix
        context.color_primaries, context.color_trc = colours.primaries, colours.transfer
        return stream

    def write(self, frame: Frame) -> None:
        """Add a frame, and the sound that goes with it."""
        av = pyav()
        pixels = np.ascontiguousarray(frame.pixels[: self._height, : self._width])
        picture = av.VideoFrame.from_ndarray(pixels, format="rgba" if pixels.shape[2] == 4 else "rgb24")
        picture = picture.reformat(format=self._format, dst_colorspace=self._matrix, dst_color_range=_LIMITED)
        picture.pts, picture.time_base = frame.time, self._facts.time_base
        if frame.duration:
            picture.duration = frame.duration
        self._container.mux(list(self.sound.until(Fraction(frame.time) * self._facts.time_base)))
        self._container.mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Add what is still in the encoders, and the rest of the sound."""
        self._container.mux(self._stream.encode(None))
        for packet in self.sound.until(None):
            self._container.mux(packet)


@contextmanager
def written(
    path: Path, name: Path, source: Path, facts: Facts, recipe: Recipe, *, opaque: bool
) -> Iterator[VideoFile]:
    """Write a video file in the block; it is finished when the block ends well.

    Args:
        path: where to write.
        name: what to call it in messages.
        source: the video whose sound comes along.
        facts: what is known of that video.
        recipe: what is made.
        opaque: frames come without alpha.

    Raises:
        OutputError: writing fails.
        UnsupportedImageError: the frames are too small for the codec.
        MissingExtraError: this PyAV lacks the encoder.
    """
    av = pyav()
    try:
        container = av.open(str(path), "w", format=recipe.container, options=recipe.file_options)
        file = None
        try:
            file = VideoFile(container, source, facts, recipe, opaque=opaque)
            yield file
            file.finish()
        except BaseException:
            with suppress(av.error.FFmpegError, OSError):
                container.close()
            raise
        finally:
            if file is not None:
                file.sound.close()
        container.close()
    except RemboltError:  # of the block
        raise
    except av.codec.codec.UnknownCodecError as error:
        raise MissingExtraError(
            f"this PyAV cannot write {recipe.title} ({error}); reinstall it with: "
            "pip install --force-reinstall --only-binary av av"
        ) from error
    except (av.error.FFmpegError, OSError) as error:
        reason = str(getattr(error, "strerror", None) or error).rstrip(".")
        raise OutputError(f"'{name}' cannot be written ({reason}); nothing is left of it.") from error
