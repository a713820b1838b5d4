"""A page of enlarged crops to look at: hair, fur, leaves, cloth and mesh, on green and as alpha.

By default the crops are of the 27 training photos of alphamatting.com (Rhemann et al. 2009) at 512 pixels.
There is no glass among them: thin cloth and wire mesh, which show what is behind them, take its place.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks import report, sheet
from benchmarks.edges import photos
from benchmarks.edges.coarse import NETWORK, coarse
from benchmarks.edges.ways import (
    BEST,
    ENLARGED,
    FAST,
    REMBG,
    best,
    enlarged,
    fast,
    rembg_cutout,
    rembg_is_here,
)
from benchmarks.samples import SamplesError
from rembolt.errors import RemboltError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.edges.photos import Photo

SIDE = 96
"""Of a crop, in the photo's pixels."""

ZOOM = 3
"""Times a pixel is enlarged, without smoothing, in each direction."""


class Crop(NamedTuple):
    """A square of a photo.

    Attributes:
        photo: its name, or the end of it.
        left: of the square, in pixels.
        top: of the square, in pixels.
        what: is to be seen.
    """

    photo: str
    left: int
    top: int
    what: str

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, as Pillow takes them."""
        return self.left, self.top, self.left + SIDE, self.top + SIDE


CROPS = (
    Crop("GT04", 85, 20, "hair"),
    Crop("GT08", 36, 240, "hair"),
    Crop("GT16", 385, 65, "fur"),
    Crop("GT22", 160, 50, "fur"),
    Crop("GT13", 85, 50, "leaves"),
    Crop("GT26", 150, 125, "leaves"),
    Crop("GT16", 80, 95, "thin cloth"),
    Crop("GT25", 195, 140, "wire mesh"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, and return the exit code."""
    parser = report.flags(__doc__, rounds=None)
    parser.prog = "python -m benchmarks.edges page"
    photos.add_flags(parser)
    parser.add_argument("--out", type=sheet.path, required=True, metavar="FILE", help=".webp, .png or .jpg")
    parser.add_argument(
        "--crops",
        type=_crop,
        nargs="+",
        default=CROPS,
        metavar="PHOTO:X,Y",
        help=f"left upper corners of squares of {SIDE} pixels (default: 8 fixed ones)",
    )
    asked = parser.parse_args(arguments)
    try:
        found = _find(asked.crops, photos.read(asked.data, asked.limit), asked.data.name)
        draw(asked.crops, found, rembg=rembg_is_here()).save(asked.out, quality=90)
    except (RemboltError, SamplesError) as error:
        parser.error(str(error))
    report.write(asked.json, {"data": asked.data.name, "crops": [crop._asdict() for crop in asked.crops]})
    return 0


def _crop(text: str) -> Crop:
    """Read `photo:x,y`, for argparse."""
    name, _, corner = text.rpartition(":")
    x, _, y = corner.partition(",")
    if not (name and x.isdecimal() and y.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not PHOTO:X,Y, such as GT04:85,20.")
    return Crop(name, int(x), int(y), "")


def _find(crops: Sequence[Crop], all_photos: Iterable[Photo], data: str) -> dict[str, Photo]:
    """The photo of each crop, by the crop's name for it."""
    found: dict[str, Photo] = {}
    for photo in all_photos:
        found |= {crop.photo: photo for crop in crops if photo.name.endswith(crop.photo)}
    for crop in crops:
        if crop.photo not in found:
            raise SamplesError(
                f"{data} holds no photo whose name ends in {crop.photo}; say others with --crops."
            )
        width, height = found[crop.photo].image.size
        if crop.box[2] > width or crop.box[3] > height:
            raise SamplesError(
                f"{crop.photo} is {width} x {height}: a square of {SIDE} pixels does not fit at "
                f"{crop.left},{crop.top}."
            )
    return found


def draw(crops: Sequence[Crop], found: Mapping[str, Photo], *, rembg: bool) -> Image.Image:
    """Draw the page: two rows a crop, the ways beside one another.

    Args:
        crops: from top to bottom.
        found: the photos of the crops by name.
        rembg: whether its matting is shown.
    """
    results = {name: cutouts(photo, rembg=rembg) for name, photo in found.items()}
    columns = ["photo", *next(iter(results.values()))]
    step, row = SIDE * ZOOM + sheet.GAP, 2 * (SIDE * ZOOM + sheet.GAP) + sheet.CAPTION + sheet.GAP
    heading = sheet.CAPTION + 2 * sheet.GAP
    paper = Image.new("RGB", (len(columns) * step + sheet.GAP, heading + len(crops) * row), sheet.PAPER)
    pen = ImageDraw.Draw(paper)
    font = ImageFont.load_default(sheet.CAPTION)
    for index, name in enumerate(columns):
        pen.text((sheet.GAP + index * step, sheet.GAP), name, sheet.INK, font=font)
    for number, crop in enumerate(crops):
        top = heading + number * row
        pen.text((sheet.GAP, top), f"{crop.what} {crop.photo}".strip(), sheet.INK, font=font)
        top += sheet.CAPTION + sheet.GAP
        paper.paste(_zoomed(found[crop.photo].image, crop), (sheet.GAP, top))
        for index, cutout in enumerate(results[crop.photo].values(), 1):
            ground = Image.new("RGBA", cutout.size, sheet.GREEN)
            left = sheet.GAP + index * step
            paper.paste(_zoomed(Image.alpha_composite(ground, cutout), crop), (left, top))
            paper.paste(_zoomed(cutout.getchannel("A"), crop), (left, top + step))
    return paper


def cutouts(photo: Photo, *, rembg: bool) -> dict[str, Image.Image]:
    """The photo cut out in every way, mode `RGBA`, from the same coarse mask; the true alpha comes last.

    The enlarged mask shows the photo's own colours; rembolt's ways and the truth have rembolt's.
    """
    from rembolt.cutout.foreground import foreground

    def coloured(alpha: Image.Image) -> Image.Image:
        return _with_alpha(foreground(photo.image, alpha), alpha)

    mask = coarse(photo.truth, NETWORK)
    results = {ENLARGED: _with_alpha(photo.image, enlarged(photo.image, mask))}
    if rembg:
        results[REMBG] = rembg_cutout(photo.image, mask)
    results[FAST] = coloured(fast(photo.image, mask))
    results[BEST] = coloured(best(photo.image, mask))
    results["truth"] = coloured(Image.fromarray(np.ascontiguousarray(photo.truth)))
    return results


def _with_alpha(image: Image.Image, alpha: Image.Image) -> Image.Image:
    result = image.convert("RGBA")
    result.putalpha(alpha)
    return result


def _zoomed(image: Image.Image, crop: Crop) -> Image.Image:
    side = SIDE * ZOOM
    return image.crop(crop.box).convert("RGB").resize((side, side), Image.Resampling.NEAREST)


if __name__ == "__main__":
    sys.exit(main())
