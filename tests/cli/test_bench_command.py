"""`rembolt bench`: every part runs for real, once and small. How fast is not a test's business."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cli.rembolt_command import (
    Done,
    assert_refused,
    command_line,
    files_in,
    packages_without,
    prepared,
    process_without_site,
)
from PIL import Image

from rembolt.bench.children import can_measure, script
from rembolt.engine.openvino_runtime import installed
from rembolt.engine.processor import this_processor

pytest.importorskip("onnx")

SIZE = "96x64"


def bench(*arguments: object, **options: object) -> Done:
    line = command_line("bench", *arguments)
    # One thread for each network: two that spin make each other wait where the cores have other work.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(line, capture_output=True, timeout=200, env=environment, **options)
    return Done(done.returncode, done.stdout, done.stderr.decode())


def numbers(folder: Path, *arguments: object) -> tuple[dict, str]:
    """What `--json` wrote and what was printed, of a bench that went well."""
    done = bench("--rounds", 1, "--sizes", SIZE, "--json", "numbers.json", *arguments)
    assert done.code == 0, done.err + done.out.decode()
    assert done.err == "rembolt: wrote numbers.json\n"
    text = (folder / "numbers.json").read_text()
    assert str(Path.home()) not in text
    assert "/tmp" not in text
    return json.loads(text), done.out.decode()


def needs_children() -> None:
    if not can_measure():
        pytest.skip("this system does not tell what a child process used")


def needs_rembg() -> None:
    pytest.importorskip("rembg")
    if script("rembg") is None:
        pytest.skip("needs rembg's command")


def other_ways() -> list[str]:
    """The rows of bolt that only some processors add; a model with random weights has none."""
    ways = []
    if this_processor().has_vnni:
        ways.append("--precision int8")
        if installed():
            ways.append("--precision int8 --device openvino")
    if installed() and this_processor().has_bf16:
        ways.append("--precision bf16")
    return [f"rembolt bolt {way}" for way in ways]


def test_jobs_and_limits_beside_rembg(folder: Path) -> None:
    needs_rembg()
    document, printed = numbers(folder, "--against", "rembg", "--only", "jobs,limits")
    jobs = document["jobs"]["photos"][SIZE]
    fine = "--refine fast"
    bolt = ["rembolt bolt", f"rembolt bolt {fine}", *other_ways()]
    u2netp = ["rembolt u2netp", f"rembolt u2netp {fine}", "rembolt u2netp --exact"]
    assert list(jobs) == [*bolt, *u2netp, "rembg u2netp"]
    for all_ in jobs.values():
        assert len(all_) == 1
        assert all_[0]["total"] >= sum(all_[0]["stages"].values())
    assert document["random_weights"] == ["u2netp"]
    assert document["machine"]["cores"] >= 1
    assert document["machine"]["packages"]["rembg"]
    limits = document["limits"]
    for name in ("rembolt bolt", "rembolt u2netp"):
        works = limits["stages"][SIZE][name]
        assert {"decode", "prepare", "infer", "encode"} == set(works)
        assert works["decode"]["least"] == pytest.approx(96 * 64 * 3 / limits["bytes_per_second"])
        assert works["infer"]["least"] == pytest.approx(works["infer"]["operations"] / limits["flops"])
    assert "times as fast as rembg" in printed
    assert "rembg u2netp *" in printed
    assert "* random weights of the same shape" in printed
    assert "share of what the machine can do" in printed


def test_memory_start_and_batch_beside_rembg(folder: Path) -> None:
    needs_children()
    needs_rembg()
    options = ["--against", "rembg", "--only", "memory,start", "--only", "batch", "--photos", 2]
    document, printed = numbers(folder, *options)
    assert set(document) >= {"memory", "start", "batch"}
    assert "jobs" not in document
    memory = document["memory"]
    assert set(memory["imports"]) == {"rembolt", "rembg"}
    for name, usages in memory["photos"][SIZE].items():
        assert usages[0]["peak"] > memory["imports"][name.split()[0]][0]["peak"] > 1e6
    assert set(document["start"]["commands"]) == set(memory["photos"][SIZE]) == set(memory["base"])
    batch = document["batch"]
    assert batch["photos"] == 2
    assert set(batch["commands"]) == {"rembolt bolt", *other_ways(), "rembolt u2netp", "rembg u2netp"}
    assert "rembg p u2netp *" in printed
    assert "times the RGB size" in printed


def test_the_classic_table_without_rembg(folder: Path) -> None:
    pytest.importorskip("pymatting")
    pytest.importorskip("matplotlib")
    document, printed = numbers_with_plot(folder, "--only", "classic", "--plot", "plot.png")
    rows = list(document["classic"]["rows"])
    assert rows[0] == "rembolt u2net --exact, alpha matting"
    assert rows[1:3] == ["rembolt u2net, alpha matting", "rembolt u2netp"]
    assert {"rembolt u2netp, max size 1024", "rembolt silueta, max size 1024", "rembolt bolt"} <= set(rows)
    assert document["random_weights"] == ["silueta", "u2net", "u2netp"]
    assert "rembolt u2net * --exact, alpha matting" in printed
    with Image.open(folder / "plot.png") as drawn:
        assert drawn.format == "PNG"


def numbers_with_plot(folder: Path, *arguments: object) -> tuple[dict, str]:
    done = bench("--quick", "--sizes", SIZE, "--json", "numbers.json", *arguments)
    assert done.code == 0, done.err + done.out.decode()
    assert done.err == "rembolt: wrote numbers.json\nrembolt: wrote plot.png\n"
    return json.loads((folder / "numbers.json").read_text()), done.out.decode()


def test_the_users_own_photo_and_several_sizes(photo: Path, folder: Path) -> None:
    before = photo.read_bytes()
    done = bench("--rounds", 1, "--only", "jobs", "--models", "bolt", "--photo", photo, "--json", "n.json")
    assert done.code == 0, done.err
    assert list(json.loads(Path("n.json").read_text())["jobs"]["photos"]) == ["151x97"]
    assert photo.read_bytes() == before
    done = bench(
        "--rounds", 2, "--only", "jobs", "--models", "bolt", "--sizes", "64x48,48X64", "--sizes", "32x32"
    )
    assert done.code == 0, done.err
    for words in ("64x48, session warm, 2 rounds: median (quartiles)", "48x64", "32x32"):
        assert words in done.out.decode()
    assert files_in(folder) == {photo.name, "n.json"}


def test_a_part_that_fails_is_told_and_the_others_are_measured(folder: Path, monkeypatch) -> None:
    """u2netp's weights are no network."""
    store = folder / "store"
    store.mkdir()
    (store / "u2netp.onnx").write_bytes(b"no network")
    monkeypatch.setenv("U2NET_HOME", str(store))
    done = bench("--quick", "--sizes", SIZE, "--only", "jobs,classic", "--json", "n.json")
    assert done.code == 1
    assert "jobs failed: rembolt u2netp failed: BrokenWeightsError" in done.out.decode()
    assert "Traceback" not in done.err + done.out.decode()
    document = json.loads((folder / "n.json").read_text())
    assert "jobs" not in document
    assert "rembolt u2netp" not in document["classic"]["rows"]
    assert "rembolt bolt" in document["classic"]["rows"]
    assert "left out: rembolt u2netp failed" in done.out.decode()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--sizes", "12"], 2, "'12' is no size such as 1920x1080"),
        (["--sizes", "8x8"], 2, "too small or too large"),
        (["--sizes", "99999x99999"], 2, "too small or too large"),
        (["--only", "speed"], 2, "there is no part 'speed'"),
        (["--against", "photoshop"], 2, "'photoshop' is not 'rembg'"),
        (["--rounds", "0"], 2, "0 is not in the range"),
        (["--photo", "photo.jpg", "--sizes", "64x64"], 2, "leave --sizes out"),
        (["--photo", "nothing.jpg"], 3, "nothing.jpg"),
        (["--models", "u2nep"], 4, "did you mean"),
        (["--models", "isnet-general-use"], 4, "rembolt download isnet-general-use"),
        (["--models", "sam"], 2, "cut out a photo by their name alone"),
        (["--json", "no/where.json"], 1, "create it first"),
        (["--json", "."], 2, "is a folder"),
        (["--plot", "plot.jpg"], 2, "the extension .png"),
        (["--plot", "plot.png", "--only", "limits"], 2, "nothing to draw"),
    ],
)
def test_mistakes_are_told_before_anything_is_measured(run, folder, arguments, code, words) -> None:
    assert_refused(run("bench", *arguments), code, words)
    assert files_in(folder) == set()


def test_without_rembg(tmp_path: Path) -> None:
    environment = packages_without(tmp_path / "packages", "rembg")
    done = process_without_site("bench", "--against", "rembg", "--quick", env=environment)
    assert_refused(done, 5, 'pip install "rembg[cpu,cli]==2.0.86"')


@pytest.mark.parametrize(("package", "arguments"), [("matplotlib", ["--plot", "p.png"]), ("onnx", [])])
def test_without_what_the_extra_brings(
    folder: Path, tmp_path: Path, package: str, arguments: list[str]
) -> None:
    environment = packages_without(tmp_path / "packages", package)
    done = process_without_site("bench", "--quick", "--only", "jobs", *arguments, env=environment)
    assert_refused(done, 5, 'pip install "rembolt[bench]"')
    assert files_in(folder) == set()


def test_an_interrupt_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    needs_children()
    place = tmp_path / "temporary"
    place.mkdir()
    line = command_line(
        "bench", "--sizes", "640x480", "--rounds", 500, "--models", "bolt", "--json", "n.json"
    )
    interruptible = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    environment = {**os.environ, "TMPDIR": str(place)}
    with subprocess.Popen(
        prepared(line, interruptible), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        for _ in range(400):
            if list(place.glob("rembolt-bench-*/rembolt.txt")):  # the process with the sessions has begun
                break
            time.sleep(0.05)
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        _, complaint = running.communicate(timeout=30)
    assert running.returncode == 130
    assert complaint.decode().strip() == "rembolt: interrupted, nothing half-written."
    assert files_in(place) == files_in(folder) == set()
