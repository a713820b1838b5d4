"""The ways from a coarse mask to an alpha that are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from benchmarks import report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Way = Callable[[Image.Image, Image.Image], Image.Image]
    """Takes a photo (`RGB`) and a mask (`L`, any size); gives the alpha (`L`) at the photo's size."""

ENLARGED = "enlarged mask"
REMBG = "rembg's matting"
FAST, BEST = "rembolt fast", "rembolt best"

TRIMAP = (240, 10, 10)
"""rembg's defaults: what is above the first is foreground, below the second background, and by how many
pixels both are eroded."""

NO_REMBG = "rembg is not installed (`pip install 'rembolt[test]'`): what needs it is left out."
NO_TRIMAP = (
    "rembg finds no sure foreground or background in a mask; there it keeps the mask, as it always does."
)


def rembg_is_here() -> bool:
    """Whether rembg can be compared with; says so when not."""
    try:
        import rembg.bg  # noqa: F401 - PyMatting comes with it
    except ImportError:
        report.note(NO_REMBG)
        return False
    return True


def ways(*, rembg: bool) -> Mapping[str, Way]:
    """The ways by name, the plainest first.

    Args:
        rembg: whether rembg's is one of them; see `rembg_is_here`.
    """
    theirs: dict[str, Way] = {REMBG: rembg_matting} if rembg else {}
    return {ENLARGED: enlarged, **theirs, FAST: fast, BEST: best}


def enlarged(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The mask at the photo's size and nothing more."""
    return mask.resize(image.size, Image.Resampling.BICUBIC)


def rembg_matting(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The alpha of rembg's file."""
    return rembg_cutout(image, mask).getchannel("A")


def rembg_cutout(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Cut out as rembg does with alpha matting and its default trimap; gives mode `RGBA`.

    Without a sure foreground and background it keeps the mask and cleans the colours, as `rembg.remove` does.
    """
    from rembg.bg import alpha_matting_cutout, decontaminate_cutout

    large = mask.resize(image.size, Image.Resampling.LANCZOS)  # as rembg enlarges its masks
    try:
        return alpha_matting_cutout(image, large, *TRIMAP)
    except ValueError:
        report.note(NO_TRIMAP)
        return decontaminate_cutout(image, large)


def fast(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Refine the fast way."""
    from rembolt.segmenters.edges import refine

    return refine(image, mask, "fast")


def best(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Refine the best way."""
    from rembolt.segmenters.edges import refine

    return refine(image, mask, "best")
