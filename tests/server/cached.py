"""Results and addresses for the tests of what is kept."""

from __future__ import annotations

import hashlib

from hypothesis import strategies as st

from rembolt.server.result import Result


def address(name: object) -> str:
    """A content address."""
    digest = hashlib.sha256(str(name).encode()).hexdigest()
    return f"{digest}-{digest[:16]}"


def result(data: bytes = b"\x89PNG", **fields: object) -> Result:
    """A result as the service makes them."""
    given = {
        "media_type": "image/png",
        "width": 1080,
        "height": 1920,
        "model": "bolt",
        "device": "cpu",
        "precision": "fp32",
        "box": (10, 20, 300, 400),
    }
    return Result(data, **(given | fields))


_numbers = st.integers(-(2**70), 2**70)

RESULTS = st.builds(
    Result,
    data=st.binary(max_size=500),
    media_type=st.text(max_size=20),
    width=_numbers,
    height=_numbers,
    model=st.text(max_size=20),
    device=st.text(max_size=20),
    precision=st.text(max_size=20),
    box=st.none() | st.tuples(_numbers, _numbers, _numbers, _numbers),
)
"""Any result, however strange."""
