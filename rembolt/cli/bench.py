"""`rembolt bench`: how fast this machine is, beside rembg where it is asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rembolt.settings import DEFAULT_MAX_PIXELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZES = "1920x1080,4000x3000"
QUICK_SIZES = "640x360"
MODELS = "bolt,u2netp"
BATCH_PHOTOS = 64
QUICK_BATCH_PHOTOS = 4
LEAST_SIDE = 32


class _Several(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from click 8.5 on
    """Values with commas between them; each is read by a function."""

    name = "list"

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return [self._read(item.strip()) for item in value.split(",") if item.strip()]
        except ValueError as error:
            return self.fail(str(error), param, ctx)


def _size(text: str) -> tuple[int, int]:
    """Width and height of `1920x1080`."""
    width, _, height = text.lower().partition("x")
    if not (text.isascii() and width.isdecimal() and height.isdecimal() and len(text) < 16):
        raise ValueError(f"{text[:40]!r} is no size such as 1920x1080.")
    size = int(width), int(height)
    if min(size) < LEAST_SIDE or size[0] * size[1] > DEFAULT_MAX_PIXELS:
        raise ValueError(
            f"{text} is too small or too large; give sides from {LEAST_SIDE} and up to "
            f"{DEFAULT_MAX_PIXELS // 1_000_000} million pixels."
        )
    return size


def _part(text: str) -> str:
    from rembolt.bench.plan import PARTS

    if text not in PARTS:
        raise ValueError(f"there is no part {text[:40]!r}; there are {', '.join(PARTS)}.")
    return text


@click.command("bench", context_settings={"help_option_names": ["--help", "-h"]})
@click.option("--against", type=click.Choice(["rembg"]), help="measure rembg too, in a process of its own")
@click.option(
    "--sizes",
    type=_Several(_size),
    multiple=True,
    metavar="WxH,...",
    help=f"sizes of the photos made to measure with  [default: {SIZES}]",
)
@click.option(
    "--photo", type=click.Path(path_type=Path), metavar="FILE", help="measure with this photo instead"
)
@click.option(
    "--rounds", type=click.IntRange(1, 1000), help="rounds of each part  [default: 1 to 7, by part]"
)
@click.option(
    "--models",
    type=_Several(str),
    multiple=True,
    metavar="MODEL,...",
    help=f"models to compare  [default: {MODELS}]",
)
@click.option(
    "--photos",
    "batch_photos",
    type=click.IntRange(1, 100_000),
    help=f"photos of the part batch  [default: {BATCH_PHOTOS}]",
)
@click.option(
    "--only",
    type=_Several(_part),
    multiple=True,
    metavar="PART,...",
    help="only these parts: jobs, memory, start, batch, classic, limits",
)
@click.option("--quick", is_flag=True, help=f"one round, {QUICK_SIZES}, few photos: to see that it works")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="write the raw numbers"
)
@click.option(
    "--plot", type=click.Path(path_type=Path), metavar="FILE", help="draw the numbers, as a .png file"
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    against: str | None,
    sizes: Sequence[list[tuple[int, int]]],
    photo: Path | None,
    rounds: int | None,
    models: Sequence[list[str]],
    batch_photos: int | None,
    only: Sequence[list[str]],
    quick: bool,
    json_file: Path | None,
    plot: Path | None,
) -> int:
    """Measure this machine: whole jobs and their stages, memory, cold start, many photos, the classic table.

    Nothing is downloaded. The exit code is 1 when a part could not be measured.
    """
    import tempfile

    from rembolt.bench import classic
    from rembolt.bench.candidates import needed
    from rembolt.bench.plan import PARTS, Plan, made, taken
    from rembolt.bench.run import check_rembg, run
    from rembolt.bench.weights import check, furnish

    if photo is not None and sizes:
        raise click.UsageError("--photo has a size of its own; leave --sizes out.", ctx)
    parts = _all(only) or list(PARTS)
    names = _all(models) or MODELS.split(",")
    _check_targets(ctx, json_file, plot, parts)
    if against:
        check_rembg()
    wanted = needed(names, against) if set(parts) - {"classic"} else []
    wanted += [name for name in classic.MODELS if "classic" in parts and name not in wanted]
    check(wanted)

    with tempfile.TemporaryDirectory(prefix="rembolt-bench-") as name:
        folder = Path(name).resolve()
        photos = [taken(folder, photo)] if photo else made(folder, _sizes(sizes, quick=quick))
        plan = Plan(
            folder=folder,
            home=furnish(folder, wanted),
            photos=photos,
            models=names,
            against=against,
            asked_rounds=rounds or (1 if quick else None),
            batch_photos=batch_photos or (QUICK_BATCH_PHOTOS if quick else BATCH_PHOTOS),
        )
        document, failures = run(plan, parts, _tell)
    _write(document, json_file, plot)
    return 1 if failures else 0


def _sizes(sizes: Sequence[list[tuple[int, int]]], *, quick: bool) -> list[tuple[int, int]]:
    return _all(sizes) or [_size(text) for text in (QUICK_SIZES if quick else SIZES).split(",")]


def _all(groups: Sequence[list[Any]]) -> list[Any]:
    """What a repeated option with commas gave, without repeats."""
    return list(dict.fromkeys(item for group in groups for item in group))


def _check_targets(
    ctx: click.Context, json_file: Path | None, plot: Path | None, parts: Sequence[str]
) -> None:
    """Refuse, before minutes of work, what cannot be written in the end."""
    from rembolt.images.files import check_place

    for target in (json_file, plot):
        if target is not None:
            if target.is_dir():
                raise click.UsageError(f"'{target}' is a folder; give the name of a file in it.", ctx)
            check_place(target)
    if plot is not None:
        from rembolt.bench.plot import UNDRAWN, require_matplotlib

        if plot.suffix.lower() != ".png":
            raise click.UsageError(f"--plot draws a PNG; give '{plot}' the extension .png.", ctx)
        if set(parts) == {UNDRAWN}:
            raise click.UsageError(f"--plot has nothing to draw of {UNDRAWN}; add a part to --only.", ctx)
        require_matplotlib()


def _write(document: dict[str, Any], json_file: Path | None, plot: Path | None) -> None:
    from rembolt.images.files import write_atomically

    if json_file is not None:
        import json

        write_atomically(json_file, (json.dumps(document, indent=2) + "\n").encode())
        click.echo(f"rembolt: wrote {json_file}", err=True)
    if plot is not None:
        from rembolt.bench.plot import draw, panels

        if not any(panel.bars for panel in panels(document)):
            click.echo(
                f"rembolt: {plot} is not written, as nothing that can be drawn was measured.", err=True
            )
            return
        write_atomically(plot, draw(document))
        click.echo(f"rembolt: wrote {plot}", err=True)


def _tell(what: str) -> None:
    """Say on a terminal what takes so long; no bar, whose drawing would be measured too."""
    if sys.stderr is not None and sys.stderr.isatty():
        click.echo(f"rembolt: {what} …", err=True)
