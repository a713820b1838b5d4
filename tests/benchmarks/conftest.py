"""What the tests of the benchmarks share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def measured(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Runs a script's `main` and gives the JSON it writes, in which is no path of this machine."""

    def measure(main: Callable[[list[str]], int], *arguments: object) -> dict[str, Any]:
        target = tmp_path / "numbers.json"
        assert main([*map(str, arguments), "--json", str(target)]) == 0
        text = target.read_text(encoding="utf-8")
        assert str(tmp_path) not in text
        assert str(Path.home()) not in text
        document: dict[str, Any] = json.loads(text)
        assert document["machine"]["packages"]["rembolt"]
        return document

    return measure
