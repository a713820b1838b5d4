"""PNG writers on a realistic cut-out: rembolt's beside Pillow's and OpenCV's, time and bytes."""

from __future__ import annotations

import sys
from functools import partial
from io import BytesIO
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks import report
from benchmarks.photos import photo
from rembolt.bench.alternate import alternate, ratios, seconds, spread
from rembolt.images.encode import encode
from rembolt.images.png import encode_png

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Pixels = npt.NDArray[np.uint8]

SIZES = ((1920, 1080), (4000, 3000))
REMBOLT = "rembolt"
PILLOW = "Pillow"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit code."""
    parser = report.flags(__doc__, rounds=7)
    parser.add_argument("--sizes", type=report.size, nargs="+", default=SIZES, metavar="WxH")
    asked = parser.parse_args(arguments)
    report.introduce()
    writers = _writers()
    results = {}
    for width, height in asked.sizes:
        pixels = cutout(width, height)
        files = {name: write(pixels) for name, write in writers.items()}
        for name, data in files.items():
            _check(name, data, pixels)
        calls = {name: partial(seconds, partial(write, pixels)) for name, write in writers.items()}
        times = alternate(calls, asked.rounds, warm_ups=0)  # writing the files warmed them up
        report.table(
            f"{width}x{height}, {asked.rounds} rounds: median (quartiles); speed and bytes beside Pillow's",
            ("writer", "ms", "KB", "speed", "bytes"),
            [
                (
                    name,
                    spread([value * 1000 for value in times[name]], 1),
                    f"{len(files[name]) / 1000:.0f}",
                    spread(ratios(times[PILLOW], times[name]), 1),
                    f"{len(files[name]) / len(files[PILLOW]):.2f}",
                )
                for name in writers
            ],
        )
        results[f"{width}x{height}"] = {
            name: {"seconds": times[name], "median": median(times[name]), "bytes": len(files[name])}
            for name in writers
        }
    report.write(asked.json, {"rounds": asked.rounds, "writers": results})
    return 0


def cutout(width: int, height: int) -> Pixels:
    """A real subject cut out by the embedded model, straight colours, transparent where there is none."""
    from rembolt import Remover

    return Remover().remove(np.asarray(photo(width, height)))


def _writers() -> dict[str, Callable[[Pixels], bytes]]:
    writers: dict[str, Callable[[Pixels], bytes]] = {
        REMBOLT: encode,
        "rembolt, level 1": partial(encode_png, level=1),
        PILLOW: _with_pillow,
        "Pillow, level 1": partial(_with_pillow, compress_level=1),
    }
    try:
        import cv2
    except ImportError:
        report.note("OpenCV is not installed: it is skipped.")
        return writers

    def with_opencv(pixels: Pixels, *options: int) -> bytes:
        swapped = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA)
        return bytes(cv2.imencode(".png", swapped, options)[1])

    writers["OpenCV"] = with_opencv
    writers["OpenCV, level 1"] = lambda pixels: with_opencv(pixels, cv2.IMWRITE_PNG_COMPRESSION, 1)
    return writers


def _with_pillow(pixels: Pixels, **options: int) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


def _check(name: str, data: bytes, pixels: Pixels) -> None:
    """A writer that loses pixels is not in the race."""
    if not np.array_equal(np.asarray(Image.open(BytesIO(data)).convert("RGBA")), pixels):
        raise RuntimeError(f"the file of {name} does not hold the pixels it was given.")


if __name__ == "__main__":
    sys.exit(main())
