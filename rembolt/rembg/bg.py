"""rembg's `remove` and `download_models`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps

from rembolt.cutout.exact import cut_exactly, exact_rows
from rembolt.errors import UnsupportedImageError
from rembolt.images.encode import encode
from rembolt.images.rows import image_of, whole
from rembolt.rembg.session_factory import new_session
from rembolt.rembg.sessions import class_of, sessions_names_downloadable
from rembolt.settings import CutoutOptions, OutputOptions, SessionOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rembolt.rembg.sessions.base import BaseSession


def remove(
    data: bytes | Image.Image | npt.NDArray[Any],
    alpha_matting: bool = False,
    alpha_matting_foreground_threshold: int = 240,
    alpha_matting_background_threshold: int = 10,
    alpha_matting_erode_size: int = 10,
    session: BaseSession | None = None,
    only_mask: bool = False,
    post_process_mask: bool = False,
    decontaminate: bool = False,
    vitmatte: bool = False,
    vitmatte_model: str | None = None,
    bgcolor: tuple[int, int, int, int] | None = None,
    force_return_bytes: bool = False,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Remove the background of a photo, with the pixels of rembg 2.0.86.

    Without a session the default model is the embedded `bolt` (rembg downloads `bria-rmbg`, whose weights
    are not for commercial use).

    Args:
        data: encoded image, Pillow image, or array `(H, W)`, `(H, W, 3)` or `(H, W, 4)` of `uint8`.
        alpha_matting: closed-form matting of the edge (extra `matting`).
        alpha_matting_foreground_threshold: mask values above it are surely foreground.
        alpha_matting_background_threshold: mask values below it are surely background.
        alpha_matting_erode_size: pixels by which both sure regions shrink.
        session: made by `new_session`; anything with rembg's `predict(image, **kwargs)` will do.
        only_mask: give the mask instead of the cut-out.
        post_process_mask: smooth the mask and make it hard.
        decontaminate: remove the old background's colour from soft edges (extra `matting`).
        vitmatte: refine the mask with ViTMatte (and extra `matting` for the colours).
        vitmatte_model: which weights of ViTMatte.
        bgcolor: background colour, R G B A.
        force_return_bytes: give PNG bytes whatever `data` is.
        args: passed on to the session.
        kwargs: `putalpha`; the rest is passed on to the session, which ignores what it does not know.

    Returns:
        PNG bytes for bytes, an array for an array, a Pillow image for a Pillow image.

    Raises:
        ValueError: `data` is of another type, or an option is out of range.
        PIL.UnidentifiedImageError: the bytes are not an image.
    """
    if isinstance(data, Image.Image):
        image = data
    elif isinstance(data, np.ndarray) and not force_return_bytes:
        image = Image.fromarray(data)
    elif isinstance(data, (bytes, np.ndarray)):
        # rembg's callers force bytes for encoded images that np.fromfile read.
        image = Image.open(io.BytesIO(bytes(data)))
    else:
        raise UnsupportedImageError(
            f"a photo is given as bytes, a Pillow image or a NumPy array, not as {type(data).__name__}."
        )
    if isinstance(image, ImageFile.ImageFile) and image is not data:
        ImageOps.exif_transpose(image, in_place=True)
    else:
        image = ImageOps.exif_transpose(image)  # a copy, always: sessions may change it

    options = CutoutOptions(
        alpha_matting=bool(alpha_matting),
        alpha_matting_foreground_threshold=alpha_matting_foreground_threshold,
        alpha_matting_background_threshold=alpha_matting_background_threshold,
        alpha_matting_erode_size=max(alpha_matting_erode_size, 0),
        post_process_mask=bool(post_process_mask),
        decontaminate=bool(decontaminate),
        vitmatte=bool(vitmatte),
        vitmatte_model=vitmatte_model,
        putalpha=bool(kwargs.pop("putalpha", False)),
        exact=True,
    )
    session = session or new_session(*args, **kwargs)
    masks = list(session.predict(image, *args, **kwargs))
    output = OutputOptions(only_mask=bool(only_mask), bgcolor=bgcolor)
    as_bytes = isinstance(data, bytes) or force_return_bytes
    fitting = all(mask.size == image.size for mask in masks)  # or Pillow says below that they do not match
    if fitting and (rows := exact_rows(image, masks, options, output)):
        if as_bytes:
            return encode(rows)
        return whole(rows) if isinstance(data, np.ndarray) else image_of(whole(rows))
    cutout = cut_exactly(image, masks, options, output, lambda photo, mask: _vitmatte(photo, mask, options))
    if as_bytes:
        return _png(cutout)
    return np.asarray(cutout) if isinstance(data, np.ndarray) else cutout


def download_models(models: Sequence[str] = ()) -> None:
    """Download the weights of the named models, all of them when none is named.

    Raises:
        UnknownModelError: no model has one of the names.
        WeightsUnavailableError: a download failed.
    """
    for name in models or sessions_names_downloadable:
        class_of(name).download_models()


def _vitmatte(image: Image.Image, mask: Image.Image, options: CutoutOptions) -> Image.Image:
    from rembolt.segmenters.opening import open_vitmatte
    from rembolt.segmenters.vitmatte import refine

    return refine(open_vitmatte(options.vitmatte_model, SessionOptions()), image, mask, options)


def _png(image: Image.Image) -> bytes:
    if image.mode in ("L", "RGB", "RGBA"):
        return encode(np.asarray(image), "png", icc_profile=image.info.get("icc_profile"))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
