"""The two functions that most programs need: a photo's background removed, and a session to do it with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack, overload

from rembolt.errors import UsageError
from rembolt.remover import ImageT, Remover
from rembolt.settings import GROUPS, SessionOptions, check_names, names_of, with_canonical_names

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from rembolt.keywords import Keywords, PlacedKeywords


def new_session(
    model: str = "bolt", *, model_name: str | None = None, **options: Unpack[PlacedKeywords]
) -> Remover:
    """Load a model once, to pass it as `session` to `remove`; see `Remover`.

    Args:
        model: name of the model.
        model_name: rembg's word for it.
        options: see `Remover`.
    """
    return Remover(model_name or model, **options)


@overload
def remove(image: ImageT, *, session: Remover | None = None, **options: Unpack[Keywords]) -> ImageT: ...
@overload
def remove(
    image: str | Path, *, session: Remover | None = None, **options: Unpack[Keywords]
) -> Image.Image: ...
def remove(image: Any, *, session: Remover | None = None, **options: Any) -> Any:
    """Remove the background of a photo and give the same kind back.

    Args:
        image: an encoded image (bytes), a path, a Pillow image or an array; see `Remover.cutout`.
        session: made by `new_session` or `Remover`. Without one a process-wide session is used: it is built
            once, however often and from however many threads this is called.
        options: any option of `rembolt.settings`.

    Returns:
        Bytes in `format` for bytes, an array for an array, a Pillow image for a Pillow image or a path: RGBA
        with straight colours, or with `only_mask` the alpha alone.

    Raises:
        UsageError: an option is unknown or out of range, or a session option is given beside a session.
        InputError: the photo cannot be read or is too large.
        ModelError, DeviceError: the model, its weights or the device cannot be used.
    """
    options = with_canonical_names(options)
    check_names(options, *GROUPS)
    about_session = {name: options.pop(name) for name in names_of(SessionOptions) if name in options}
    if session is None:
        session = Remover(**about_session)
    elif not isinstance(session, Remover):
        raise UsageError(f"session must be what new_session gave, not {session!r}; a name goes into model.")
    elif about_session:
        raise UsageError(f"{', '.join(about_session)} cannot be changed on a session that is already made.")
    return session.remove(image, **options)
