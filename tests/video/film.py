"""Small films made for the tests, and what is in a film."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from PIL import Image

WIDTH, HEIGHT, RATE = 96, 64, 12


def cat_frames(
    cat: Image.Image, count: int = 12, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> list[np.ndarray]:
    """The cat, a little further to the left in each frame."""
    made = []
    for number in range(count):
        part = cat.crop((8 * number, 0, 8 * number + 300, 200)).resize(size)
        made.append(np.asarray(part))
    return made


def film(
    path: Path | str,
    frames: Sequence[np.ndarray],
    *,
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, RATE),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    sound: str | None = None,
    rotation: int = 0,
    matrix: int = 2,
    late: int = 0,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a film; with `sound` (a codec) there is a tone as long as the pictures at 12 a second.

    The film's clock starts at `late` seconds.
    """
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w", options=container_options or {}) as container:
        video = container.add_stream(
            codec, rate=RATE, options=options or {"crf": "10"} if codec == "libx264" else {}
        )
        video.width, video.height, video.pix_fmt = width, height, pixel_format
        video.time_base = video.codec_context.time_base = time_base
        if matrix != 2:
            video.codec_context.colorspace = matrix
        if rotation:
            video.set_display_rotation(rotation)
        tone = container.add_stream(sound, rate=48_000, layout="mono") if sound else None
        for number, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgba" if pixels.shape[2] == 4 else "rgb24")
            picture = picture.reformat(
                format=pixel_format, **({} if matrix == 2 else {"dst_colorspace": matrix})
            )
            picture.pts, picture.time_base = times[number] if times else number, time_base
            picture.pts += round(late / time_base)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if tone is not None:
            total = 48_000 * len(frames) // RATE
            wave = np.sin(np.arange(total) * 2 * np.pi * 440 / 48_000)
            for begin in range(0, total, 960):
                piece = (wave[begin : begin + 960] * 20_000).astype(np.int16)[None]
                samples = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
                samples.sample_rate, samples.pts, samples.time_base = (
                    48_000,
                    begin + 48_000 * late,
                    Fraction(1, 48_000),
                )
                container.mux(tone.encode(samples))
            container.mux(tone.encode(None))
    return Path(path)


class Contents(NamedTuple):
    """What a film holds.

    Attributes:
        frames: RGB or RGBA, as stored.
        times: when each is shown, in seconds.
        sound: codec of the sound, or None.
        sound_seconds: how long it is.
        loudness: its largest sample.
    """

    frames: list[np.ndarray]
    times: list[float]
    sound: str | None
    sound_seconds: float
    loudness: float


def contents(path: Path | str) -> Contents:
    """Read a film back; VP9 with the decoder that sees its alpha."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames, times = [], []
        alpha = stream.metadata.get("alpha_mode") == "1"
        context: Any = stream.codec_context
        if alpha:
            context = av.CodecContext.create("libvpx-vp9", "r")
        for packet in container.demux(stream):
            for picture in context.decode(packet if packet.size else None):
                transparent = any(component.is_alpha for component in picture.format.components)
                frames.append(picture.to_ndarray(format="rgba" if transparent else "rgb24"))
                times.append(float(picture.pts * packet.time_base))
            if not packet.size:
                break
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return Contents(frames, times, None, 0.0, 0.0)
        samples, loudest = 0, 0.0
        track = container.streams.audio[0]
        for frame in container.decode(track):
            samples += frame.samples
            loudest = max(loudest, float(np.abs(frame.to_ndarray().astype(float)).max()))
        return Contents(
            frames, times, track.codec_context.codec.canonical_name, samples / frame.sample_rate, loudest
        )


def packets_of_sound(path: Path | str) -> list[bytes]:
    """The encoded sound."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]
