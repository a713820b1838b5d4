"""Every option once: its name, type, default, limits and help.

The Python keywords, the command-line flags and the tables in the documentation all come from the
dataclasses here. A field's annotation says its type, `setting` the rest; see `rembolt.setting`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from rembolt.checks import (
    ORIGINAL,
    check_background,
    check_colour,
    check_margins,
    check_position,
    check_prompts,
    check_scale,
)
from rembolt.errors import UsageError
from rembolt.setting import Options, read_json, setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_THREADS = 1024

MOST_WORKERS = 256
"""Photos or frames worked on at a time; each is kept in memory."""

DEFAULT_MAX_PIXELS = 100_000_000
"""Largest picture accepted unless the caller says otherwise, in pixels (width times height)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class InputOptions(Options):
    """How a photo is read."""

    max_pixels: int = setting(
        DEFAULT_MAX_PIXELS, "largest photo accepted, in pixels (width x height)", minimum=1
    )
    to_srgb: bool = setting(False, "convert the colours to sRGB instead of keeping the photo's ICC profile")


@dataclass(frozen=True, kw_only=True, eq=False)
class SessionOptions(Options):
    """Which network, and where it runs."""

    model: str = setting("bolt", "model name (see `rembolt models`) or path of an own .onnx file", "-m")
    model_path: str | None = setting(None, "weights of u2net_custom, dis_custom or ben_custom")
    sam_model: str = setting(
        "sam_vit_b_01ec64", "size of the sam model: sam_vit_b_01ec64, sam_vit_l_0b3195 or sam_vit_h_4b8939"
    )
    sam_quant: bool = setting(False, "use the sam model's 8-bit weights")
    device: str = setting(
        "auto",
        "where the network runs; anything but auto works or fails",
        choices=("auto", "cpu", "cuda", "tensorrt", "openvino", "directml", "coreml", "migraphx"),
    )
    precision: str = setting(
        "auto",
        "number format of the network; anything but auto works or fails",
        choices=("auto", "fp32", "fp16", "bf16", "int8"),
    )
    threads: int | None = setting(
        None,
        "CPU threads of one session (default: OMP_NUM_THREADS, else the cores)",
        minimum=1,
        maximum=MOST_THREADS,
    )
    offline: bool = setting(False, "never download weights")


@dataclass(frozen=True, kw_only=True, eq=False)
class CutoutOptions(Options):
    """How the subject is cut out."""

    alpha_matting: bool = setting(
        False, "refine the edge with care in a band that the next three shape; exact: rembg's matting", "-a"
    )
    alpha_matting_foreground_threshold: int = setting(
        240, "mask values above it are surely foreground", "-af", minimum=0, maximum=255
    )
    alpha_matting_background_threshold: int = setting(
        10, "mask values below it are surely background", "-ab", minimum=0, maximum=255
    )
    alpha_matting_erode_size: int = setting(
        10, "pixels by which both sure regions shrink", "-ae", minimum=0, maximum=1000
    )
    vitmatte: bool = setting(False, "refine the edge with the ViTMatte network", "-vm")
    vitmatte_model: str | None = setting(
        None,
        "weights of ViTMatte: small-distinctions-646 (the default), small-composition-1k, "
        "base-distinctions-646 or base-composition-1k",
    )
    refine: str = setting(
        "none",
        "bring the edge to where the photo has it: fast, best (slower), or none",
        choices=("none", "fast", "best"),
    )
    decontaminate: bool | None = setting(
        None, "take the old background's colour out of soft edges (default: where they are refined)", "-dc"
    )
    post_process_mask: bool = setting(False, "smooth the mask and make it hard (0 or 255)", "-ppm")
    smooth_mask: bool = setting(False, "smooth the mask's outline and keep it soft")
    remove_islands: float | None = setting(
        None, "remove parts apart that cover less than so many percent of the photo", minimum=0, maximum=100
    )
    fill_holes: float | None = setting(
        None, "fill holes that cover less than so many percent of the photo", minimum=0, maximum=100
    )
    shift_edge: float | None = setting(
        None, "move the edge outwards by so many pixels, or inwards if negative", minimum=-100, maximum=100
    )
    feather: float | None = setting(
        None, "soften the edge by a blur of so many pixels (standard deviation)", minimum=0, maximum=200
    )
    putalpha: bool = setting(False, "keep the photo's colours under the transparent pixels too")
    cloth_category: str | None = setting(
        None,
        "one category of u2net_cloth_seg instead of a strip of three",
        choices=("upper", "lower", "full", "attire"),
    )
    sam_prompt: tuple[Mapping[str, Any], ...] | None = setting(
        None, "points and rectangles for the sam model, as JSON", check=check_prompts, read=read_json
    )
    max_size: int | None = setting(
        None, "longest side the network and the refinement work at; the colours stay full size", minimum=16
    )
    exact: bool = setting(False, "rembg's pixels instead of our own way")

    @property
    def recolours(self) -> bool:
        """Whether soft edges lose the background's colour: where nothing is said, if the edge is refined."""
        if self.decontaminate is None:
            return self.refine != "none" or self.alpha_matting or self.vitmatte
        return self.decontaminate

    @property
    def clean_up(self) -> tuple[str, ...]:
        """Names of the options given that move the edge in our own way only."""
        names = ("smooth_mask", "remove_islands", "fill_holes", "shift_edge", "feather")
        given = tuple(name for name in names if getattr(self, name))
        return given if self.refine == "none" else ("refine", *given)


@dataclass(frozen=True, kw_only=True, eq=False)
class OutputOptions(Options):
    """What is made of a cut-out."""

    only_mask: bool = setting(False, "give the mask instead of the cut-out", "-om")
    bgcolor: tuple[int, int, int, int] | None = setting(
        None, "background colour, R G B A from 0 to 255", "-bgc", check=check_colour
    )
    background: str | None = setting(
        None,
        "put behind the subject: a colour (red, #1e90ff), blur (the photo's own, blurred), or a photo's path",
        check=check_background,
    )
    background_fit: str = setting(
        "cover",
        "how a background photo fits: cover fills and is cut off, contain is whole with room beside it",
        choices=("cover", "contain"),
    )
    background_blur: float = setting(
        2.5, "strength of background blur, in percent of the longest side", minimum=0.1, maximum=50
    )
    shadow: float | None = setting(
        None, "a soft shadow of the subject, of this opacity in percent", minimum=0, maximum=100
    )
    crop: bool = setting(False, "cut the picture down to the subject")
    crop_margin: str = setting(
        "0",
        "room that crop leaves around the subject: 1, 2 or 4 lengths such as 10px or 5% (of the subject)",
        check=check_margins,
    )
    scale: str | None = setting(
        None, "part of the picture that the subject fills: original, or 10% to 100%", check=check_scale
    )
    position: str | None = setting(
        None,
        "where the subject lies: original, center, or 0% to 100%, once or twice (across, down)",
        check=check_position,
    )
    format: str = setting("png", "format of the result", choices=("png", "webp", "jpg", "avif", "zip"))
    quality: int | None = setting(
        None, "quality of webp, jpg and avif (default: the format's own)", minimum=1, maximum=100
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.background is not None and self.bgcolor is not None:
            raise UsageError("background and bgcolor are two backgrounds; give one of them.")
        moved = [name for name in ("scale", "position") if name in self.arrangement]
        if self.crop and moved:
            raise UsageError(f"crop leaves no room for {' and '.join(moved)}; give crop or the other.")
        if self.crop_margin != "0" and not self.crop:
            raise UsageError("crop_margin is the room that crop leaves; give crop too.")

    @property
    def arrangement(self) -> tuple[str, ...]:
        """The options given that `rembolt.arrange` works on."""
        given = {
            "background": self.background is not None,
            "shadow": self.shadow is not None,
            "crop": self.crop,
            "scale": self.scale not in (None, ORIGINAL),
            "position": self.position not in (None, ORIGINAL),
        }
        return tuple(name for name, is_given in given.items() if is_given)


GROUPS: tuple[type[Options], ...] = (InputOptions, SessionOptions, CutoutOptions, OutputOptions)

ALIASES = {"cc": "cloth_category"}
"""Other names of rembg for the same options."""

Group = TypeVar("Group", bound=Options)


def with_canonical_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same options under rembolt's own names."""
    return {ALIASES.get(name, name): value for name, value in options.items()}


def names_of(*groups: type[Options]) -> tuple[str, ...]:
    """The names of all options of `groups`."""
    return tuple(option.name for group in groups for option in fields(group))


def pick(group: type[Group], values: Mapping[str, Any]) -> Group:
    """Make `group` from those of `values` that belong to it."""
    return group(**{name: values[name] for name in names_of(group) if name in values})


def check_names(values: Iterable[str], *groups: type[Options]) -> None:
    """Raise `UsageError`, with the nearest name, when a name belongs to none of `groups`."""
    known = names_of(*groups)
    for name in values:
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name[:100], known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; the options are {', '.join(known)}."
            raise UsageError(f"unknown option {name!r}{hint}")


def check_values(values: Mapping[str, Any]) -> None:
    """Raise `UsageError` when a value is wrong or does not go with another."""
    for group in GROUPS:
        pick(group, values)
    check_together(pick(CutoutOptions, values), pick(OutputOptions, values))


def check_together(cut: CutoutOptions, output: OutputOptions) -> None:
    """Raise `UsageError` when options of two groups do not go together."""
    if cut.exact and (ours := (*cut.clean_up, *output.arrangement)):
        raise UsageError(f"exact gives rembg's pixels, which has no {ours[0]}; leave one out.")
