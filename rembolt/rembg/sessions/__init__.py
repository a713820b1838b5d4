"""rembg's tables of sessions, made from the catalogue.

`sessions_class` is a list that own subclasses of `BaseSession` may be added to, as with rembg.
"""

from __future__ import annotations

from rembolt.models.catalogue import MODELS
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
