"""Flags that several parts have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import report
from benchmarks.server.ways import REMBOLT, REMBOLT_BOLT

if TYPE_CHECKING:
    import argparse

OURS = (REMBOLT, REMBOLT_BOLT)
"""The ways that a part about rembolt alone chooses from."""


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Add the flag that says where the weights are."""
    parser.add_argument(
        "--u2netp", type=Path, metavar="FILE", help="weights of u2netp (default: the store's)"
    )


def add_size(parser: argparse.ArgumentParser) -> None:
    """Add the flag that says how large the photos are."""
    parser.add_argument("--size", type=report.size, default=(1920, 1080), metavar="WxH", help="of the photos")


def add_way(parser: argparse.ArgumentParser) -> None:
    """Add the flag that chooses one of ours."""
    parser.add_argument("--way", choices=OURS, default=REMBOLT, help=f"the model, default {REMBOLT}")
