"""The options that only a video has, or that mean something else there."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from rembolt.setting import Options, setting
from rembolt.settings import OutputOptions

MOST_SMOOTHED = 15
"""Frames on either side that `smooth` may look at; each is kept in memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoOptions(Options):
    """What is made of the cut-outs of a video's frames."""

    only_mask: bool = setting(False, "give the mask, as a grey video, instead of the cut-out", "-om")
    bgcolor: tuple[int, int, int, int] | None = field(
        default=None,
        metadata=next(option.metadata for option in fields(OutputOptions) if option.name == "bgcolor"),
    )
    smooth: int = setting(
        0,
        "frames before and after each whose alpha is averaged in where the picture stays the same",
        minimum=0,
        maximum=MOST_SMOOTHED,
    )
