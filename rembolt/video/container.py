"""The kinds of video file that can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rembolt.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


class Recipe(NamedTuple):
    """How a kind of video file is made.

    Attributes:
        container: FFmpeg's name of the file format.
        encoder: FFmpeg's name of the video encoder.
        title: what people call it.
        with_alpha: pixel format that keeps transparency, None when the codec has none.
        opaque: pixel format without.
        options: of the encoder.
        file_options: of the file format.
        even: the codec needs even sides.
        copied_sound: codecs whose sound the container takes as it is.
        sound_encoder: for all other sound.
        sound_rate: samples a second the sound encoder needs; None keeps the source's.
    """

    container: str
    encoder: str
    title: str
    with_alpha: str | None
    opaque: str
    options: dict[str, str]
    file_options: dict[str, str]
    even: bool
    copied_sound: frozenset[str]
    sound_encoder: str
    sound_rate: int | None


_MPEG_SOUND = frozenset({"aac", "mp3", "ac3", "eac3", "alac"})

RECIPES: dict[str, Recipe] = {
    ".webm": Recipe(
        "webm",
        "libvpx-vp9",
        "VP9",
        "yuva420p",
        "yuv420p",
        # VP9 keeps the alpha as a second video; frames that are never shown would set the two apart.
        {"crf": "24", "deadline": "good", "cpu-used": "4", "row-mt": "1", "auto-alt-ref": "0"},
        {},
        even=False,
        copied_sound=frozenset({"opus", "vorbis"}),
        sound_encoder="libopus",
        sound_rate=48_000,
    ),
    ".mov": Recipe(
        "mov",
        "prores_ks",
        "ProRes 4444",
        "yuva444p10le",
        "yuv444p10le",
        {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"},
        {},
        even=False,
        copied_sound=_MPEG_SOUND | {"pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be"},
        sound_encoder="aac",
        sound_rate=None,
    ),
    ".mp4": Recipe(
        "mp4",
        "libx264",
        "H.264",
        None,
        "yuv420p",
        {"crf": "18", "preset": "medium"},
        {"movflags": "+faststart"},
        even=True,
        copied_sound=_MPEG_SOUND | {"opus"},
        sound_encoder="aac",
        sound_rate=None,
    ),
}
"""By the extension of the file."""


def recipe_of(path: Path, *, opaque: bool) -> Recipe:
    """Choose the kind of file by its extension.

    Args:
        path: the file to be.
        opaque: nothing shows through the result.

    Raises:
        UsageError: no kind has this extension, or it has no alpha and the result needs one.
    """
    recipe = RECIPES.get(path.suffix.lower())
    if recipe is None:
        raise UsageError(
            f"'{path}' has no extension of a video that can be written; name the file with one of "
            f"{', '.join(RECIPES)}, or give a pattern for pictures such as 'frames/%05d.png'."
        )
    if recipe.with_alpha is None and not opaque:
        raise UsageError(
            f"{recipe.title} in {path.suffix} has no transparency; give an opaque --bgcolor such as "
            "0 255 0 255, or choose .webm or .mov."
        )
    return recipe
