"""What every family of networks offers to the remover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from PIL import Image

    from rembolt.engine.session import Session
    from rembolt.models.spec import ModelSpec
    from rembolt.settings import CutoutOptions
    from rembolt.timings import Timings


class Segmenter(Protocol):
    """Finds the subject of a picture."""

    @property
    def spec(self) -> ModelSpec:
        """The model."""
        ...

    @property
    def session(self) -> Session:
        """The session that does most of the work (SAM's encoder)."""
        ...

    def segment(self, image: Image.Image, options: CutoutOptions, timings: Timings) -> list[Image.Image]:
        """Find the subject.

        Args:
            image: the picture; mode `RGB`, or any mode with `options.exact`.
            options: `exact`, `cloth_category` and `sam_prompt` are used.
            timings: gets the stages prepare, infer and upsample.

        Returns:
            Masks of mode `L` at whatever size they were found; more than one only for the categories of
            clothes.
        """
        ...
