"""Closed-form alpha matting and multi-level foreground colours, through PyMatting.

Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting" (2008); Germer et al., "Fast
Multi-Level Foreground Estimation" (2020). PyMatting compiles its kernels with Numba, which takes seconds
and 300 MB, so it is an extra and is imported only here, when used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rembolt.cutout.trimap import trimap_from_mask
from rembolt.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rembolt.settings import CutoutOptions


def matte(
    pixels: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8], options: CutoutOptions
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Foreground colours and alpha of a picture, from a mask: rembg's `alpha_matting`.

    Args:
        pixels: `uint8` RGB `(H, W, 3)`.
        mask: `uint8` `(H, W)`.
        options: the three `alpha_matting_…` numbers shape the trimap.

    Returns:
        `float32` RGB `(H, W, 3)` and `float64` `(H, W)`, both in [0, 1].

    Raises:
        ValueError: see `closed_form_alpha`.
        MissingExtraError: PyMatting is not installed.
    """
    trimap = trimap_from_mask(
        mask,
        options.alpha_matting_foreground_threshold,
        options.alpha_matting_background_threshold,
        options.alpha_matting_erode_size,
    )
    alpha = closed_form_alpha(pixels, trimap)
    return multi_level_foreground(pixels, alpha), alpha


def closed_form_alpha(
    pixels: npt.NDArray[np.uint8], trimap: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    """Alpha inside the trimap's unknown band.

    Args:
        pixels: `uint8` RGB `(H, W, 3)`.
        trimap: `uint8` `(H, W)`, see `trimap_from_mask`.

    Returns:
        `float64` `(H, W)` in [0, 1].

    Raises:
        ValueError: the trimap has no foreground or no background, or the solver does not converge.
        MissingExtraError: PyMatting is not installed.
    """
    estimate = _pymatting("pymatting.alpha.estimate_alpha_cf", "estimate_alpha_cf")
    alpha: npt.NDArray[np.float64] = estimate(pixels / 255.0, trimap / 255.0)
    return alpha


def multi_level_foreground(
    pixels: npt.NDArray[np.uint8], alpha: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """The subject's own colours, with the background's share taken out.

    Args:
        pixels: `uint8` RGB `(H, W, 3)`.
        alpha: `float64` `(H, W)` in [0, 1].

    Returns:
        `float32` RGB `(H, W, 3)` in [0, 1].

    Raises:
        MissingExtraError: PyMatting is not installed.
    """
    estimate = _pymatting("pymatting.foreground.estimate_foreground_ml", "estimate_foreground_ml")
    foreground: npt.NDArray[np.float32] = estimate(pixels / 255.0, alpha)
    return foreground


def _pymatting(module: str, name: str) -> Any:
    from importlib import import_module

    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        raise MissingExtraError(
            "alpha matting and exact colour decontamination need PyMatting, which is not installed; "
            'install it with: pip install "rembolt[matting]"'
        ) from error
