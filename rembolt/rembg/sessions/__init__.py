"""rembg's tables of sessions, made from the catalogue.

`sessions_class` is a list that own subclasses of `BaseSession` may be added to, as with rembg.
"""

from __future__ import annotations

from rembolt.errors import UnknownModelError
from rembolt.models.catalogue import MODELS, find_model
from rembolt.rembg.sessions.base import BaseSession, session_class

sessions: dict[str, type[BaseSession]] = {
    name: session_class(spec)
    for name, spec in MODELS.items()
    # rembg has one sam, whose size is a keyword, and ViTMatte is no session there.
    if spec.family != "vitmatte" and (spec.family != "sam" or name == "sam")
}
sessions_names = list(sessions)
sessions_class = list(sessions.values())
sessions_names_no_credentials = [name for name, made in sessions.items() if not made.requires_credentials()]
sessions_names_downloadable = [name for name, made in sessions.items() if made.is_downloadable()]


def class_of(name: str) -> type[BaseSession]:
    """The session class of a model, those added to `sessions_class` too.

    Raises:
        UnknownModelError: there is none; a `ValueError`, as in rembg.
    """
    for candidate in sessions_class:
        if candidate.name() == name:
            return candidate
    spec = find_model(name)  # knows the nearest name
    raise UnknownModelError(f"{spec.name} is not one of rembg's sessions; use it through rembolt itself.")
