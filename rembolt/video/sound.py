"""The sound of a video, copied as it is or encoded anew."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt.video.package import pyav
from rembolt.video.source import Facts, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rembolt.video.container import Recipe

log = logging.getLogger(__name__)

BITS_A_CHANNEL = 96_000
"""Bits a second of sound that is encoded anew."""

_LAYOUTS = {1: "mono", 6: "5.1"}
"""By the number of channels; all others are mixed to stereo."""


class _Track(NamedTuple):
    """A track of the source and the one it becomes."""

    source: Any
    target: Any
    copied: bool


class Sound:
    """All sound tracks of a video, on their way into another file.

    Made before anything is written there: the tracks are added to `target` at once.

    Args:
        path: the video.
        facts: what is known of it.
        target: the open output container.
        recipe: what it takes.
    """

    def __init__(self, path: Path, facts: Facts, target: Any, recipe: Recipe) -> None:
        self._stack = ExitStack()
        self._container = self._stack.enter_context(opened(path))
        self._start = facts.start
        self._recipe = recipe
        self._tracks: dict[int, _Track] = {}
        self.said: list[str] = []
        """What became of each track, in words."""
        for stream in self._container.streams.audio:
            if stream.codec_context is None:
                log.warning(
                    "sound track %d has a codec this PyAV does not know; it is left out.", stream.index
                )
            else:
                self._add(stream, target)
        self._packets = self._converted()
        self._ahead: tuple[Fraction, list[Any]] | None = next(self._packets, None)

    def until(self, seconds: Fraction | None) -> Iterator[Any]:
        """The packets that have not been given and begin by this time; None gives all."""
        while self._ahead is not None and (seconds is None or self._ahead[0] <= seconds):
            yield from self._ahead[1]
            self._ahead = next(self._packets, None)

    def close(self) -> None:
        """Close the source."""
        self._stack.close()

    def _add(self, stream: Any, target: Any) -> None:
        codec, channels = stream.codec_context.name, stream.codec_context.channels
        known = stream.codec_context.codec.canonical_name
        if known in self._recipe.copied_sound:
            self._tracks[stream.index] = _Track(stream, target.add_stream_from_template(stream), copied=True)
            self.said.append(f"{known} sound copied")
            return
        layout = _LAYOUTS.get(channels, "stereo")
        rate = self._recipe.sound_rate or stream.codec_context.sample_rate
        mixed = channels if channels in _LAYOUTS else 2
        added = target.add_stream(
            self._recipe.sound_encoder, rate=rate, layout=layout, bit_rate=BITS_A_CHANNEL * mixed
        )
        self._tracks[stream.index] = _Track(stream, added, copied=False)
        became = f", {channels} channels mixed to {layout}" if mixed != channels else ""
        self.said.append(f"{codec} sound encoded anew as {added.codec_context.codec.canonical_name}{became}")

    def _converted(self) -> Iterator[tuple[Fraction, list[Any]]]:
        """When a packet begins, in seconds after the file's start, and what is to be written then."""
        if not self._tracks:
            return
        av = pyav()
        seconds, damaged = Fraction(0), 0
        packets = self._container.demux([track.source for track in self._tracks.values()])
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                track = self._tracks[packet.stream.index]
                if packet.dts is not None:
                    seconds = packet.dts * packet.time_base - self._start
                converted = self._copied(track, packet) if track.copied else self._anew(track, packet)
            except av.error.FFmpegError:
                damaged += 1
                continue
            yield seconds, converted
        for track in self._tracks.values():
            if not track.copied:
                yield seconds, track.target.encode(None)
        if damaged:
            log.warning("damaged parts of the sound left out: %d.", damaged)

    def _copied(self, track: _Track, packet: Any) -> list[Any]:
        if packet.dts is None:  # the mark of the end
            return []
        shift = round(self._start / packet.time_base)
        packet.dts -= shift
        if packet.pts is not None:
            packet.pts -= shift
        packet.stream = track.target
        return [packet]

    def _anew(self, track: _Track, packet: Any) -> list[Any]:
        made = []
        for frame in track.source.decode(packet):
            if frame.pts is not None:
                frame.pts -= round(self._start / frame.time_base)
            made.extend(track.target.encode(frame))
        return made
