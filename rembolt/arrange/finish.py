"""From a cut-out to what was asked for: the mask, the subject on a background, or the cut-out itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from rembolt.cutout.result import Cutout
from rembolt.cutout.subject import Box, box_of
from rembolt.images.rows import Rows, whole

if TYPE_CHECKING:
    from rembolt.images.picture import Picture
    from rembolt.settings import InputOptions, OutputOptions
    from rembolt.timings import Timings

Bytes = npt.NDArray[np.uint8]


class Finished(NamedTuple):
    """A result, ready to be encoded.

    Attributes:
        pixels: `uint8` `(H, W, 4)`, for a mask `(H, W)`; rows where nothing keeps them from being made later.
        icc_profile: of its colours.
        subject: the box around the subject, where it was asked for and there is one.
    """

    pixels: Bytes | Rows
    icc_profile: bytes | None
    subject: Box | None = None


def finish(
    rows: Rows,
    picture: Picture,
    output: OutputOptions,
    source: InputOptions,
    timings: Timings,
    *,
    find_subject: bool = False,
) -> Finished:
    """Make of a cut-out what `output` asks for.

    Args:
        rows: the cut-out, RGBA with straight colours.
        picture: its photo.
        output: everything but `format` and `quality` is used.
        source: `max_pixels` is the limit of background photos and of results.
        timings: gets the stages foreground and arrange.
        find_subject: say where the subject is; all rows are made for it.

    Raises:
        UsageError, InputError: see `arrange`.
    """
    profile = picture.icc_profile
    plain = not output.arrangement and not output.only_mask and output.bgcolor is None
    if plain and not find_subject:
        return Finished(rows, profile)
    with timings.stage("foreground"):
        cutout = Cutout(whole(rows))
    subject = box_of(cutout.alpha) if find_subject else None
    if output.arrangement:
        from rembolt.arrange.arrangement import arrange

        with timings.stage("arrange"):
            pixels, moved = arrange(cutout.rgba, picture, output, source)
        if output.only_mask:
            return Finished(np.ascontiguousarray(pixels[:, :, 3]), None, subject and (moved or subject))
        return Finished(pixels, profile, subject and (moved or subject))
    with timings.stage("foreground"):
        pixels = cutout.to_array(only_mask=output.only_mask, bgcolor=output.bgcolor)
    return Finished(pixels, None if output.only_mask else profile, subject)
