"""A finished result, as it is answered and as it is kept."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

from isal import isal_zlib

_MAGIC = b"RBLT"
_VERSION = 1

_START = struct.Struct(">4sBIQI")
"""What a kept result begins with: magic, version, bytes of the header, bytes of the data, CRC-32 of both."""

_TEXTS = ("media_type", "model", "device", "precision")
_NUMBERS = ("width", "height")


@dataclass(frozen=True, slots=True)
class Result:
    """A finished result, as it is answered and kept.

    Attributes:
        data: the file.
        media_type: of the file, such as `image/png`.
        width, height: of the image, in pixels.
        model, device, precision: what found the subject, and where it ran.
        box: `(left, top, right, bottom)` of the subject in pixels, or None where there is none.
    """

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    model: str
    device: str
    precision: str
    box: tuple[int, int, int, int] | None

    def to_bytes(self) -> bytes:
        """The result as one piece: its lengths and checksum, a header in JSON, the file."""
        fields = {name: getattr(self, name) for name in (*_TEXTS, *_NUMBERS, "box")}
        header = json.dumps(fields, separators=(",", ":")).encode()
        checksum = _checksum(header, self.data)
        start = _START.pack(_MAGIC, _VERSION, len(header), len(self.data), checksum)
        return b"".join((start, header, self.data))

    @classmethod
    def from_bytes(cls, blob: bytes | memoryview) -> Result:
        """What `to_bytes` made.

        Raises:
            ValueError: it is something else, of another version, cut short or damaged.
        """
        view = memoryview(blob)
        if len(view) < _START.size:
            raise ValueError("this is not a kept result: it is too short")
        magic, version, header_bytes, data_bytes, checksum = _START.unpack_from(view)
        if magic != _MAGIC:
            raise ValueError("this is not a kept result")
        if version != _VERSION:
            raise ValueError(f"this result was kept by another version ({version}, not {_VERSION})")
        header_end = _START.size + header_bytes
        if len(view) != header_end + data_bytes:
            raise ValueError("this kept result has lost bytes or gained some")
        header, data = view[_START.size : header_end], view[header_end:]
        if _checksum(header, data) != checksum:
            raise ValueError("this kept result is damaged: its checksum is wrong")
        return cls(data=bytes(data), **_read_header(bytes(header)))


def _checksum(header: bytes | memoryview, data: bytes | memoryview) -> int:
    return isal_zlib.crc32(data, isal_zlib.crc32(header))


def _read_header(header: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise ValueError("this kept result has a header that is not JSON") from error
    if not isinstance(fields, dict) or fields.keys() != {*_TEXTS, *_NUMBERS, "box"}:
        raise ValueError("this kept result has another header than is known")
    box = fields["box"]
    # `type`, as `True` is an int too.
    right = all(type(fields[name]) is str for name in _TEXTS)
    right = right and all(type(fields[name]) is int for name in _NUMBERS)
    if box is not None:
        right = right and type(box) is list and len(box) == 4 and all(type(edge) is int for edge in box)
    if not right:
        raise ValueError("this kept result has a header with values of the wrong type")
    return {**fields, "box": None if box is None else tuple(box)}
