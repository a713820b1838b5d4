"""A larger network that `bolt` learns from: what it says of a scene, and what it sees inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError

from training.measure import SPEC

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from training.augment import Bytes


class Answer(NamedTuple):
    """What a teacher says of one scene.

    Attributes:
        mask: `uint8` `(S, S)`, 255 for the subject.
        features: of each layer `float32` `(C, s, s)`, as they are.
    """

    mask: NDArray[np.uint8]
    features: list[NDArray[np.float32]]


class Teacher:
    """A network that is asked, on one core.

    Args:
        model: ONNX, `float32` `(1, 3, H, W)` normalised as for `bolt`, its first output the mask in [0, 1].
        layers: names of the tensors inside that it tells, `(1, C, h, w)`, from the input to the output.

    Raises:
        ValueError: the file is no ONNX file, or has no such tensors.
    """

    def __init__(self, model: Path, layers: Sequence[str]) -> None:
        self._session = _session(model, layers)
        self._input = self._session.get_inputs()[0].name
        self._wanted = [self._session.get_outputs()[0].name, *layers]

    def ask(self, picture: Bytes) -> Answer:
        """Show it a scene, RGB `(S, S, 3)`."""
        mask, *features = self._session.run(self._wanted, {self._input: _prepared(picture)})
        greys = np.rint(np.clip(mask[0, 0], 0, 1) * 255).astype(np.uint8)
        return Answer(greys, [layer[0] for layer in features])


def _session(model: Path, layers: Sequence[str]) -> onnxruntime.InferenceSession:
    try:
        graph = onnx.load_from_string(model.read_bytes())
    except DecodeError as error:
        raise ValueError(f"{model} is no ONNX file.") from error
    known = {name for node in graph.graph.node for name in node.output}
    if unknown := [name for name in layers if name not in known]:
        raise ValueError(f"{model} has no tensor {unknown[0]}.")
    # A quantised file is made for one size, but computes at others too.
    for value in (graph.graph.input[0], *graph.graph.output):
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim[2:]):
            dimension.dim_param = f"side{axis}"
    del graph.graph.value_info[:]
    for name in layers:
        graph.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _prepared(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    mean, std = (np.array(values, np.float32) for values in (SPEC.mean, SPEC.std))
    scaled = picture / np.float32(max(1, picture.max()))  # as rembg does for this family of networks
    return np.ascontiguousarray(((scaled - mean) / std).transpose(2, 0, 1)[None], dtype=np.float32)
