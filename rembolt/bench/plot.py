"""The numbers as a picture."""

from __future__ import annotations

from io import BytesIO
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from rembolt.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COLOURS = {"rembolt": "#2f6fdb", "rembg": "#b0b4bb"}


UNDRAWN = "limits"
"""The part of which there is nothing to draw."""


class Panel(NamedTuple):
    """Bars of one kind.

    Attributes:
        title: what is shown.
        unit: of the values.
        bars: value by name, from top to bottom.
    """

    title: str
    unit: str
    bars: dict[str, float]


def require_matplotlib() -> Any:
    """Matplotlib, drawing into memory alone.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise MissingExtraError(
            '--plot needs the package matplotlib; install it with: pip install "rembolt[bench]"'
        ) from error
    matplotlib.use("Agg")
    return matplotlib


def panels(document: Mapping[str, Any]) -> Iterator[Panel]:
    """What there is to draw in the results, each as medians."""
    for label, jobs in document.get("jobs", {}).get("photos", {}).items():
        bars = {name: median(job["total"] for job in all_) * 1000 for name, all_ in jobs.items()}
        yield Panel(f"{label}, session warm", "ms", bars)
    for label, usages in document.get("memory", {}).get("photos", {}).items():
        bars = {name: median(one["peak"] for one in all_) / 1e6 for name, all_ in usages.items()}
        yield Panel(f"{label}, most memory", "MB", bars)
    if start := document.get("start"):
        bars = {name: median(one["wall"] for one in all_) * 1000 for name, all_ in start["commands"].items()}
        yield Panel(f"{start['photo']}, from the shell, cold", "ms", bars)
    if batch := document.get("batch"):
        bars = {
            name: batch["photos"] / median(one["wall"] for one in all_)
            for name, all_ in batch["commands"].items()
        }
        yield Panel(f"{batch['photos']} photos of {batch['size']} (more is better)", "photos/s", bars)
    if classic := document.get("classic"):
        bars = {name: median(times) * 1000 for name, times in classic["rows"].items()}
        yield Panel(f"{classic['photo']}, the classic table", "ms", bars)


def draw(document: Mapping[str, Any]) -> bytes:
    """Draw every panel, of which there must be one, and give the PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    shown = [panel for panel in panels(document) if panel.bars]
    heights = [len(panel.bars) + 1.5 for panel in shown]
    figure = Figure(figsize=(9, 0.34 * sum(heights) + 0.8), dpi=120, layout="constrained")
    random = document["random_weights"]
    weights = f"; random weights of the same shape: {', '.join(random)}" if random else ""
    figure.suptitle(f"{document['machine']['processor']}{weights}", fontsize=9)
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, panel in zip(axes, shown, strict=True):
        names, values = list(panel.bars), list(panel.bars.values())
        bars = axis.barh(names, values, color=[COLOURS[name.split()[0]] for name in names])
        axis.bar_label(bars, fmt="{:,.3g}" if max(values) < 100 else "{:,.0f}", padding=3, fontsize=8)
        axis.set_title(f"{panel.title}, {panel.unit}", fontsize=9, loc="left")
        axis.invert_yaxis()
        axis.margins(x=0.12)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
