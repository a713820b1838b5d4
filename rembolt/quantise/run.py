"""A model's weights in fewer bits, from the request to the file that is kept, or refused."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rembolt import __version__
from rembolt.engine.processor import quantisation_types, this_processor
from rembolt.engine.session import Placement, Session
from rembolt.errors import BrokenWeightsError, OutputError, RemboltError, UsageError
from rembolt.images.files import check_place, make_folder, write_atomically
from rembolt.models import variants, verified
from rembolt.models.catalogue import find_model
from rembolt.models.convert import convert_to_fp16, require_converter
from rembolt.models.store import weights
from rembolt.quantise import photos as photo_files
from rembolt.quantise import report as report_files
from rembolt.quantise.calibration import METHODS
from rembolt.quantise.fidelity import accuracy, difference, masks_of
from rembolt.quantise.graph import onnx
from rembolt.quantise.int8 import make_int8
from rembolt.quantise.pace import medians
from rembolt.segmenters.opening import segmenter_around
from rembolt.segmenters.placing import FAMILIES
from rembolt.tune.fidelity import LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rembolt.models.spec import ModelSpec
    from rembolt.quantise.calibration import Method
    from rembolt.quantise.fidelity import Bytes
    from rembolt.quantise.photos import Photo

Target = Literal["int8", "fp16"]

DEFAULT_LIMIT = 100 * LIMIT
"""Percent."""

DEFAULT_COUNT = 64


class NotGoodError(RemboltError):
    """The masks change by more than the limit; nothing was kept."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be quantised, and how.

    Attributes:
        model: a name of the catalogue, or the path of an own network.
        photos: folder of photos.
        to: the precision.
        masks: folder of true masks.
        count: photos to use, in all.
        calibration: the method; None tries them all.
        limit: mean difference of the masks allowed, in percent.
        report: where to write the report, beside what is kept.
        force: keep the result past the limit, and make it anew when it is there.
    """

    model: str
    photos: Path
    to: Target = "int8"
    masks: Path | None = None
    count: int = DEFAULT_COUNT
    calibration: Method | None = None
    limit: float = DEFAULT_LIMIT
    report: Path | None = None
    force: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.limit <= 100:
            raise UsageError(f"limit is a percentage above 0 and up to 100, not {self.limit:g}.")
        if self.count < photo_files.FEWEST:
            raise UsageError(f"count must be at least {photo_files.FEWEST}, not {self.count}.")


def quantise(request: Request, tell: Callable[[str], None]) -> dict[str, Any]:
    """Make weights in fewer bits, measure them, and keep them where `precision` finds them.

    Args:
        request: what is asked for.
        tell: takes a sentence about each step.

    Returns:
        The report; its `path` is the network's file.

    Raises:
        UsageError: the model has no such form, or the photos cannot be used.
        ModelError: the weights are not there or not right.
        DeviceError: a package is missing.
        NotGoodError: the result is past the limit.
        OutputError: the result cannot be written.
    """
    spec = _quantisable(request)
    onnx()
    if request.to == "fp16":
        require_converter(f"{spec.name} in half precision")
    (path,) = weights(spec)
    target = _writable(path, request)
    found = photo_files.find(request.photos, request.masks, request.count, tell)
    learned, held_out = photo_files.split(found)
    before = _masks(spec, path, held_out)
    wish = _fingerprint(request, path, found)
    kept = variants.find(path, request.to)
    if kept is not None and _answers(kept, wish) and not request.force:
        tell(f"{spec.name} is there in {request.to} already, made from the same photos.")
        if request.report is not None:
            _show(request.report, kept.report, held_out, before, _masks(spec, kept.path, held_out))
        return {**kept.report, "path": str(kept.path)}
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / f"{request.to}.onnx"
        if request.to == "fp16":
            convert_to_fp16(path, made)
            how: dict[str, Any] = {"in_float": {}}
        else:
            how = _int8(spec, path, learned, request, made, tell)
        after = _masks(spec, made, held_out)
        report = _report(spec, path, made, request, how, before, after, held_out) | {"request": wish}
        if request.report is not None:
            _show(request.report, report, held_out, before, after)
        if not report["good"] and not request.force:
            raise NotGoodError(
                f"the masks of {spec.name} in {request.to} differ by {report['difference']['mean']:.2%} on "
                f"photos it was not calibrated on, and {request.limit:g} % is the limit: give more photos "
                "like yours, a higher --limit, or --force; nothing was kept."
            )
        make_folder(target.parent)
        with suppress(FileNotFoundError):  # no weights ever have the report of others
            target.with_suffix(".json").unlink()
        write_atomically(target, made.read_bytes())
        write_atomically(target.with_suffix(".json"), report_files.as_json(report))
    return {**report, "path": str(target)}


def _quantisable(request: Request) -> ModelSpec:
    """The model, if it can be quantised as it is asked for."""
    spec = find_model(request.model)
    if spec.family not in FAMILIES or (spec.needs_path and spec.path is None):
        raise UsageError(f"{spec.name} cannot be quantised here; choose a model that answers with one mask.")
    if spec.precision != "fp32":
        raise UsageError(f"{spec.name} is in {spec.precision} already; choose a model in fp32.")
    if request.masks is not None and spec.family == "cloth":
        raise UsageError(f"{spec.name} answers with three masks, which --masks has not; leave it out.")
    return spec


def _writable(source: Path, request: Request) -> Path:
    """Where the network will be kept, once it is known, before the work, that it can be."""
    try:
        target = variants.place(source, request.to)
    except OSError as error:
        raise BrokenWeightsError(f"{source} cannot be read ({error.strerror or error}).") from error
    if request.report is not None:
        check_place(request.report)
    missing = target
    while not missing.parent.exists():
        missing = missing.parent
    try:
        check_place(missing)
    except OutputError as error:
        raise OutputError(f"{error} REMBOLT_HOME says where weights are kept.") from error
    return target


def _answers(kept: variants.Variant, wish: str) -> bool:
    """Whether what is kept is what would be made again, on this machine."""
    report = kept.report
    here = report.get("processor") == this_processor().name
    return report.get("request") == wish and report.get("good") is True and here


def _show(
    path: Path,
    report: Mapping[str, Any],
    held_out: Sequence[Photo],
    before: Sequence[Bytes],
    after: Sequence[Bytes],
) -> None:
    worst = report_files.worst_of(difference(before, after))
    report_files.write(path, report, held_out, before, after, worst)


def _fingerprint(request: Request, source: Path, found: Sequence[Photo]) -> str:
    """What the result depends on, beside the machine."""
    parts = [verified.digest(source, "sha256"), request.to, str(request.calibration), str(request.limit)]
    parts += [__version__, version("onnxruntime")]
    hasher = verified.new_hasher("sha256")
    hasher.update("\n".join(parts).encode())
    for photo in found:
        hasher.update(photo.name.encode())
        hasher.update(photo.image.tobytes())
        if photo.truth is not None:
            hasher.update(photo.truth.tobytes())
    return hasher.hexdigest()


def _int8(
    spec: ModelSpec,
    path: Path,
    learned: Sequence[Photo],
    request: Request,
    target: Path,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Write the network to `target` and say how it was made."""

    def run(network: Any, chosen: Sequence[Photo]) -> list[Bytes]:
        if isinstance(network, Path):
            return _masks(spec, network, chosen)
        candidate = target.with_name("candidate.onnx")
        onnx().save(network, str(candidate))
        return _masks(spec, candidate, chosen)

    made = make_int8(
        spec,
        path,
        learned,
        limit=request.limit / 100,
        methods=[request.calibration] if request.calibration else METHODS,
        masks_of=run,
        tell=tell,
    )
    onnx().save(made.model, str(target))
    return {
        "calibration": {"method": made.calibration, "photos": len(learned), "tried": made.tried},
        "types": quantisation_types()._asdict(),
        "bias_correction": made.bias_correction,
        "layers": made.layers,
        "in_float": made.in_float,
    }


def _masks(spec: ModelSpec, path: Path, chosen: Sequence[Photo]) -> list[Bytes]:
    session = Session(replace(spec, precision="fp32"), path, Placement("cpu", runtime="onnxruntime"))
    return masks_of(segmenter_around(session), chosen)


def _report(
    spec: ModelSpec,
    source: Path,
    made: Path,
    request: Request,
    how: dict[str, Any],
    before: Sequence[Bytes],
    after: Sequence[Bytes],
    held_out: Sequence[Photo],
) -> dict[str, Any]:
    apart = difference(before, after)
    good = apart.mean <= request.limit / 100
    scores = {"before": accuracy(before, held_out), "after": accuracy(after, held_out)}
    report = {
        "model": spec.name,
        "precision": request.to,
        "source": {
            "sha256": verified.digest(source, "sha256").partition(":")[2],
            "bytes": source.stat().st_size,
        },
        "bytes": made.stat().st_size,
        **how,
        "difference": {
            "mean": apart.mean,
            "percentile_99": apart.percentile_99,
            "photos": len(held_out),
            "worst": [
                {"photo": held_out[place].name, "mean": apart.photos[place]}
                for place in report_files.worst_of(apart)
            ],
        },
        "limit": request.limit / 100,
        "good": good,
        "forced": not good and request.force,
        "accuracy": {name: each._asdict() for name, each in scores.items() if each} or None,
        "milliseconds": None,
        "time_ratio": None,
        "processor": this_processor().name,
        "versions": {"rembolt": __version__, **{name: version(name) for name in ("onnxruntime", "onnx")}},
    }
    if request.to == "int8":  # half precision is for GPUs: on a CPU it is converted at each step
        slow, fast = medians([source, made], (1, 3, *reversed(spec.input_size)))
        report["milliseconds"] = {"before": slow * 1000, "after": fast * 1000}
        report["time_ratio"] = slow / fast
    return report
