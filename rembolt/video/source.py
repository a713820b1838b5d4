"""A video file read: what it is, and its frames one after the other."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt.errors import UnreadableImageError, UnsupportedImageError
from rembolt.video.frame import Frame
from rembolt.video.package import pyav
from rembolt.video.upright import Orientation, orientation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

FINEST = 1_000_000
"""Most ticks a second that every container can count."""


class Colours(NamedTuple):
    """What the numbers of a video's colours mean, in FFmpeg's and ISO/IEC 23091-2's codes; 2: not said."""

    matrix: int
    primaries: int
    transfer: int


class Facts(NamedTuple):
    """What is known of a video before its frames are read.

    Attributes:
        width: of the upright frames, in pixels.
        height: likewise.
        orientation: what turns the stored frames upright.
        transparent: its frames have an alpha of their own.
        time_base: a tick, in seconds.
        start: when the file starts, in seconds of its own clock.
        rate: frames a second on average, None when it is not known.
        expected: frames that are probably in it, None when it is not known.
        pixel_shape: width by height of an upright pixel, 0 when it is not said.
        colours: what its colours mean.
        sounds: how many sound tracks it has.
        left_out: tracks that are neither the video nor sound, in words.
    """

    width: int
    height: int
    orientation: Orientation
    transparent: bool
    time_base: Fraction
    start: Fraction
    rate: Fraction | None
    expected: int | None
    pixel_shape: Fraction
    colours: Colours
    sounds: int
    left_out: tuple[str, ...]


class Picture(NamedTuple):
    """A frame as the decoder gave it, with its time and duration in ticks of `Facts.time_base`."""

    decoded: Any
    time: int
    duration: int


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a video file.

    Only files: a playlist that names addresses does not make this program visit them.

    Raises:
        UnreadableImageError: it is missing, may not be read, or is no video that FFmpeg knows.
    """
    av = pyav()
    if path.is_dir():
        raise UnreadableImageError(f"'{path}' is a folder; give the path of one video.")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise UnreadableImageError(f"'{path}' does not exist; check the name.") from None
    except OSError as error:
        raise UnreadableImageError(f"'{path}' cannot be read ({error.strerror}).") from error
    if empty:
        raise UnreadableImageError(f"'{path}' is empty.")
    try:
        container = av.open(f"file:{path}", metadata_errors="replace", options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableImageError(
            f"'{path}' is not a video that can be read, or its beginning is broken ({_reason(error)})."
        ) from error
    with container:
        yield container


def facts_of(path: Path) -> Facts:
    """Look at a video and its first frame.

    Raises:
        InputError: it cannot be read, has no video track, is encrypted, or no frame can be decoded.
    """
    with opened(path) as container:
        stream = _video_track(container, path)
        frame = next(_decoded(container, stream, path), None)
        if frame is None:
            raise UnreadableImageError(f"no frame of '{path}' can be decoded; it is empty or broken.")
        matrix = frame.side_data.get("DISPLAYMATRIX")
        turned = Orientation() if matrix is None else orientation(matrix)
        width, height, shape = frame.width, frame.height, stream.sample_aspect_ratio or Fraction(0)
        if turned.transposed:
            width, height, shape = height, width, 1 / shape if shape else shape
        rate = stream.average_rate or stream.guessed_rate or None
        tick = stream.time_base if stream.time_base.denominator <= FINEST else Fraction(1, 90_000)
        return Facts(
            width,
            height,
            turned,
            any(component.is_alpha for component in frame.format.components),
            tick,
            Fraction(container.start_time or 0, av_second()),
            rate,
            stream.frames or _estimated(container, rate),
            shape,
            Colours(
                int(frame.colorspace),
                int(stream.codec_context.color_primaries),
                int(stream.codec_context.color_trc),
            ),
            len(container.streams.audio),
            _left_out(container, stream),
        )


def pictures(path: Path, facts: Facts) -> Iterator[Picture]:
    """Decode a video frame by frame, in the order they are shown.

    Damaged parts are left out, and that is said.

    Raises:
        InputError: it cannot be read, or the frames' size changes.
    """
    last, tick = -1, facts.time_base
    size = (facts.height, facts.width) if facts.orientation.transposed else (facts.width, facts.height)
    usual = round(1 / facts.rate / tick) if facts.rate else 1
    with opened(path) as container:
        stream = _video_track(container, path)
        for frame in _decoded(container, stream, path):
            if (frame.width, frame.height) != size:
                raise UnsupportedImageError(
                    f"the frames of '{path}' change from {size[0]} x {size[1]} to {frame.width} x "
                    f"{frame.height} pixels on the way; make them one size first."
                )
            base = frame.time_base or stream.time_base
            time = last + usual if frame.pts is None else round((frame.pts * base - facts.start) / tick)
            last = max(time, last + 1)  # no two frames at once
            yield Picture(frame, last, round((frame.duration or 0) * base / tick))


def to_frame(picture: Picture, facts: Facts) -> Frame:
    """The pixels of a decoded frame, upright: RGB, or RGBA when the video is transparent."""
    pixel_format = "rgba" if facts.transparent else "rgb24"
    pixels = picture.decoded.to_ndarray(format=pixel_format, threads=1)
    return Frame(facts.orientation.turn(pixels), picture.time, picture.duration)


def av_second() -> int:
    """Units of a container's clock in a second."""
    return int(pyav().time_base)


def _video_track(container: Any, path: Path) -> Any:
    """The first video track that is not a cover picture."""
    av = pyav()
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            if stream.codec_context is None:
                raise UnsupportedImageError(f"the codec of '{path}' is not known to this PyAV.")
            stream.thread_type = "AUTO"
            return stream
    raise UnreadableImageError(f"'{path}' has no video track; give a file that has one.")


def _decoded(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    av = pyav()
    decode, damaged, whole = _decoder(stream), 0, 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)  # None too after an error in the file itself
            if packet is None:
                break
            if packet.has_sidedata("encryption_info"):
                raise UnsupportedImageError(f"'{path}' is encrypted; give a copy that is not.")
            frames = decode(packet)
        except av.error.FFmpegError as error:
            damaged += 1
            if whole and damaged == 1:
                log.warning("a part of '%s' is damaged (%s) and left out.", path, _reason(error))
            continue
        whole += len(frames)
        yield from frames
    if damaged > 1 and whole:
        log.warning("damaged parts of '%s' left out in all: %d.", path, damaged)
    if 0 < whole < stream.frames:
        log.warning("'%s' lists %d frames, but only %d can be shown.", path, stream.frames, whole)


def _decoder(stream: Any) -> Callable[[Any], Any]:
    """What turns packets into frames; of WebM's decoders only libvpx reads the alpha."""
    av = pyav()
    name = stream.codec_context.name
    tags = {tag.lower(): value for tag, value in stream.metadata.items()}
    if tags.get("alpha_mode") == "1" and name in {"vp8", "vp9"}:
        context = av.CodecContext.create("libvpx" if name == "vp8" else "libvpx-vp9", "r")
        context.extradata = stream.codec_context.extradata
        return context.decode  # type: ignore[no-any-return]
    return stream.decode  # type: ignore[no-any-return]


def _estimated(container: Any, rate: Fraction | None) -> int | None:
    if not container.duration or not rate:
        return None
    return max(1, round(Fraction(container.duration, av_second()) * rate))


def _left_out(container: Any, stream: Any) -> tuple[str, ...]:
    kept = {stream.index, *(sound.index for sound in container.streams.audio)}
    return tuple(
        f"track {other.index} ({other.type or 'of an unknown kind'})"
        for other in container.streams
        if other.index not in kept
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
