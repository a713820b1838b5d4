"""The results: a cut-out and everything that can be made of it, and a result as a file's bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from rembolt.cutout.compose import over_colour
from rembolt.cutout.subject import Box, box_of
from rembolt.timings import Timings

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Cutout:
    """A subject cut out of its photo.

    Attributes:
        rgba: `uint8` `(H, W, 4)`: the foreground's straight colours (0 where alpha is 0) and alpha. With
            `exact=True` the colours are rembg's, multiplied by alpha.
        icc_profile: the ICC profile of the colours, or None.
        model, device, precision: what found the subject, and where it ran.
        runtime: what ran the network there, `onnxruntime` or `openvino`.
        timings: seconds of each stage.
    """

    rgba: Bytes
    icc_profile: bytes | None = field(default=None, repr=False)
    model: str = ""
    device: str = ""
    precision: str = ""
    runtime: str = ""
    timings: Timings = field(default_factory=Timings)

    @property
    def foreground(self) -> Bytes:
        """The subject's colours, `uint8` RGB `(H, W, 3)`; a view of `rgba`."""
        return self.rgba[:, :, :3]

    @property
    def alpha(self) -> Bytes:
        """The opacity, `uint8` `(H, W)`, 0 transparent and 255 opaque; a view of `rgba`."""
        return self.rgba[:, :, 3]

    @property
    def bbox(self) -> tuple[int, int, int, int] | None:
        """The smallest rectangle around all visible pixels, `(left, top, right, bottom)`, or None."""
        box = box_of(self.alpha, above=0)
        return None if box is None else (*box,)

    def to_array(self, *, only_mask: bool = False, bgcolor: tuple[int, int, int, int] | None = None) -> Bytes:
        """The result as an array: `uint8` RGBA `(H, W, 4)`, or with `only_mask` the alpha `(H, W)`.

        Args:
            only_mask: give the alpha alone.
            bgcolor: put the subject on this colour, `(R, G, B, A)` in [0, 255].
        """
        if only_mask:
            return np.ascontiguousarray(self.alpha)
        return self.rgba if bgcolor is None else over_colour(self.rgba, bgcolor)

    def to_pil(
        self, *, only_mask: bool = False, bgcolor: tuple[int, int, int, int] | None = None
    ) -> Image.Image:
        """The result as a Pillow image, `RGBA` or with `only_mask` `L`; see `to_array`."""
        image = Image.fromarray(self.to_array(only_mask=only_mask, bgcolor=bgcolor))
        if self.icc_profile and not only_mask:
            image.info["icc_profile"] = self.icc_profile
        return image

    def encode(
        self,
        format: str = "png",  # noqa: A002 - the name in the public contract
        *,
        quality: int | None = None,
        only_mask: bool = False,
        bgcolor: tuple[int, int, int, int] | None = None,
    ) -> bytes:
        """The result as a file's bytes.

        Args:
            format: png, webp, jpg, avif or zip (a colour JPEG and an alpha PNG).
            quality: of webp, jpg and avif, 1 to 100; None is the format's default.
            only_mask: give the alpha alone.
            bgcolor: put the subject on this colour; a JPEG without one is put on white.

        Raises:
            UsageError: the format is not known or the quality is out of range.
        """
        from rembolt.images.encode import encode

        with self.timings.stage("encode"):
            return encode(
                self.to_array(only_mask=only_mask, bgcolor=bgcolor),
                format,
                quality=quality,
                icc_profile=None if only_mask else self.icc_profile,
            )

    def save(
        self,
        path: Path | str,
        *,
        quality: int | None = None,
        only_mask: bool = False,
        bgcolor: tuple[int, int, int, int] | None = None,
    ) -> None:
        """Write the result; the format comes from the file's extension, the rest is as in `encode`.

        Nothing half-written is ever seen under `path`: a temporary file is renamed.

        Raises:
            UsageError: the extension is not known.
            OutputError: the file cannot be written.
        """
        from rembolt.images.encode import format_of
        from rembolt.images.files import write_atomically

        path = Path(path)
        data = self.encode(format_of(path), quality=quality, only_mask=only_mask, bgcolor=bgcolor)
        write_atomically(path, data)


@dataclass(frozen=True)
class Encoded:
    """A result as the bytes of an image file.

    Attributes:
        data: the file.
        width, height: of the image, in pixels.
        model, device, precision: what found the subject, and where it ran.
        runtime: what ran the network there, `onnxruntime` or `openvino`.
        timings: seconds of each stage.
        subject: the box around the subject, where it was asked for and there is one.
    """

    data: bytes = field(repr=False)
    width: int
    height: int
    model: str
    device: str
    precision: str
    runtime: str
    timings: Timings
    subject: Box | None = None
