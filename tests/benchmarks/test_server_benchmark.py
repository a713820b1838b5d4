"""The benchmark of the server, part by part, with hardly any requests: real servers, real clients.

How fast they are is not a test's business, but what is counted is.
"""

from __future__ import annotations

import sys

import pytest

server = pytest.importorskip(
    "benchmarks.server.__main__", reason="needs the repository, not only the package"
)
for package in ("psutil", "fastapi", "granian"):
    pytest.importorskip(package, reason=f"needs {package}")
from segmenters import int8_weights  # noqa: E402

from benchmarks.server import load, servers, ways  # noqa: E402
from benchmarks.server.photos import shots  # noqa: E402
from rembolt.bench.weights import furnish  # noqa: E402

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops servers with SIGTERM")

SIZE = "96x64"


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        server.main([*map(str, arguments)])
    assert ended.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_load_counts_every_answer_of_both_sides(measured, shared, capsys):
    weights = shared / "models" / "u2netp.onnx"
    if not weights.is_file():
        pytest.skip("needs the weights of u2netp in the shared folder")
    if not servers.rembg_is_here():
        pytest.skip("needs rembg's command")
    asked = ("--ways", "rembolt-bolt", "rembg", "--u2netp", weights, "--size", SIZE, "--seconds", 0)
    numbers = measured(server.main, "load", *asked, "--clients", 1, 2, "--requests", 2, "--rounds", 1)
    assert set(numbers["ways"]) == {"rembolt-bolt", "rembg"}
    for rounds in numbers["ways"].values():
        assert len(rounds) == numbers["rounds"] == 1
        for count, one in rounds[0].items():
            assert len(one["latencies"]) == 2 * int(count)
            assert one["images_per_second"] > 0
            assert one["peak_bytes"] > 50e6
    said = capsys.readouterr().out
    assert "| rembolt bolt | 2 |" in said
    assert "Targets, 2 clients" in said


def test_int8_is_what_answers(tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="needs onnx")
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "store"))
    int8_weights.put(int8_weights.quantised(tmp_path))
    own = tmp_path / "own"
    own.mkdir()
    way = ways.WAYS[ways.REMBOLT_INT8]._replace(model="bolt")
    photos = shots(tmp_path, [(96, 64)], 1)
    results = load.measure(way, furnish(own, ["bolt"]), photos, [1], 1, 0)
    assert len(results["1"]["latencies"]) == 1


def test_memory_looks_at_every_quarter(measured, capsys):
    few = ("--way", "rembolt-bolt", "--no-rembg", "--requests", 9, "--every", 2, "--clients", 2)
    numbers = measured(server.main, "memory", *few, "--sizes", SIZE, "64x120")
    ours = numbers["ways"]["rembolt-bolt"]
    assert ours["requests"] == len(ours["bytes"]) == 9
    assert ours["every"] == 1
    assert ours["peak_bytes"] >= max(ours["bytes"]) > 50e6
    assert "| 4th / 2nd quarter |" in capsys.readouterr().out


def test_cache_tells_computed_from_kept(measured, capsys):
    numbers = measured(server.main, "cache", "--ways", "rembolt-bolt", "--size", SIZE, "--rounds", 2)
    seconds = numbers["seconds"]["rembolt-bolt"]
    assert [len(spent) for spent in seconds.values()] == [2, 2, 2]
    assert "| GET by address |" in capsys.readouterr().out


def test_overload_loses_no_request(measured, capsys):
    few = ("--way", "rembolt-bolt", "--size", SIZE, "--requests", 3, "--seconds", 1)
    numbers = measured(server.main, "overload", *few, "--clients", 8, "--queue", 1)
    counts = numbers["outcomes"]
    assert sum(counts.values()) >= 24
    assert counts["images"] > 0
    assert counts["put off"] > 0
    assert (counts["other answers"], counts["lost"], counts["hang"]) == (0, 0, 0)
    assert len(numbers["health"]) > 10
    assert None not in numbers["health"]
    assert "| requests without an image or a 503 with Retry-After | 0 | 0 | yes |" in capsys.readouterr().out


def test_stop_tells_which_requests_fail(measured, capsys):
    few = ("--way", "rembolt-bolt", "--size", SIZE, "--rounds", 1, "--clients", 3, "--seconds", 0.5)
    numbers = measured(server.main, "stop", *few)
    for rounds in numbers["terminated"].values():
        assert rounds[0]["accepted_failed"] == 0
        assert rounds[0]["exit_code"] == 0
        assert rounds[0]["before"] > 0
    killed = numbers["killed"][0]
    assert killed["connections_of_killed"] > 0
    assert killed["failed_elsewhere"] == 0
    assert killed["answered_after"] > 0
    assert 0 < killed["seconds_to_process"] <= killed["seconds_to_ready"]
    assert "| accepted requests that failed | 0 | 0 | yes |" in capsys.readouterr().out


def test_mistakes_are_told_in_a_sentence(monkeypatch, tmp_path, capsys):
    assert "invalid choice" in refused(capsys, "loads")
    assert "have no quarters" in refused(capsys, "memory", "--requests", 3)
    assert "is not a file" in refused(capsys, "load", "--u2netp", tmp_path / "no.onnx")
    monkeypatch.setattr(servers, "script", lambda _: None)
    assert "nothing is left to measure" in refused(capsys, "load", "--ways", "rembg")
    servers.rembg_is_here()
    assert "rembg's command is not installed" in capsys.readouterr().out
