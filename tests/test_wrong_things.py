"""What goes wrong, one by one: the exit code, one sentence on stderr, and nothing left behind."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import networks
import numpy as np
import onnx
import pytest
from cli.rembolt_command import (
    assert_refused,
    command_line,
    files_in,
    packages_without,
    prepared,
    process,
    process_without_site,
)
from onnx import TensorProto, helper
from PIL import Image

import rembolt
from rembolt.errors import InputError, UnsupportedImageError, UsageError
from rembolt.segmenters.opening import clear_sessions


@pytest.fixture
def refused(run, photo, folder) -> Callable[..., None]:
    """Run the command in this process; it is refused with one sentence and leaves the folder as it was."""

    def check(code: int, arguments: list[object], *words: str) -> None:
        before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        assert_refused(run("remove", *arguments), code, *words)
        assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before

    return check


# --- photos (3)


def test_no_such_file(refused):
    refused(3, ["nothing.jpg", "out.png"], "'nothing.jpg' does not exist")


@pytest.mark.parametrize("name", [".", "..", "/", "sub", "sub/", ""])
@pytest.mark.parametrize("target", [["out.png"], []])
def test_a_folder_is_no_photo(refused, folder, name, target):
    (folder / "sub").mkdir()
    refused(3, [name, *target], "is a folder")


def broken_photos() -> dict[str, tuple[bytes, str]]:
    def cut(format_name: str) -> bytes:
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        path = Path("whole")
        Image.fromarray(noise).save(path, format_name)
        data = path.read_bytes()
        path.unlink()
        return data[: len(data) // 2]

    return {
        "empty.jpg": (b"", "is empty"),
        "text.jpg": (b"I am no photo.\n" * 50, "is not an image"),
        "page.jpg": (b"<!DOCTYPE html><html>", "is a web page"),
        "cut.jpg": (cut("JPEG"), "broken or incomplete JPEG"),
        "cut.png": (cut("PNG"), "broken or incomplete PNG"),
        "cut.webp": (cut("WEBP"), "broken or incomplete WEBP"),
        "header.png": (b"\x89PNG\r\n\x1a\n", "broken or incomplete PNG"),
    }


@pytest.mark.parametrize(
    "name", ["empty.jpg", "text.jpg", "page.jpg", "cut.jpg", "cut.png", "cut.webp", "header.png"]
)
def test_broken_photos(refused, name):
    data, words = broken_photos()[name]
    Path(name).write_bytes(data)
    refused(3, [name, "out.png"], name, words)


@pytest.mark.parametrize("data", [b"", b"I am no photo."])
def test_what_is_no_photo_in_a_pipe(folder, data):
    assert_refused(process("remove", "-", "out.png", input=data), 3, "the input")
    assert_refused(process("remove", "-", "-", input=data), 3, "the input")
    assert files_in(folder) == set()


def test_a_closed_standard_input(folder):
    done = process("remove", "-", "out.png", first="import os; os.close(0)")
    assert_refused(done, 3, "standard input")
    assert files_in(folder) == set()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and brings a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def test_a_huge_photo_is_refused_from_its_header(refused):
    Path("huge.png").write_bytes(png_header(60_000, 60_000))
    start = time.process_time()
    refused(3, ["huge.png", "out.png"], "60000 x 60000", "100000000", "--max-pixels 3600000000")
    assert time.process_time() - start < 1


def test_a_huge_photo_in_a_pipe_needs_no_memory(folder):
    # Its pixels would take 10.8 GB.
    four = "import resource; resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))"
    done = process("remove", "-", "out.png", input=png_header(60_000, 60_000), first=four)
    assert_refused(done, 3, "60000 x 60000")


def test_the_limit_is_the_users(refused, run, photo):
    refused(3, [photo, "out.png", "--max-pixels", 151 * 97 - 1], "14647", "limit of 14646")
    assert run("remove", photo, "out.png", "--max-pixels", 151 * 97).code == 0


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((0, 5), np.uint8),
        np.zeros((5, 0, 4), np.uint8),
        np.zeros((5, 5, 0), np.uint8),
        np.zeros((5, 5, 5), np.uint8),
        np.zeros((1, 5, 5, 3), np.uint8),
        np.zeros(5, np.uint8),
        np.uint8(5) * np.ones((), np.uint8),
        np.full((5, 5, 3), np.nan, np.float32),
        np.array([[0.5, np.nan]]),
        np.array([[0.5, np.inf]]),
        np.full((5, 5, 3), 1.5),
        np.full((5, 5, 3), -1),
        np.full((5, 5, 3), 256),
        np.zeros((5, 5, 3), complex),
        np.full((5, 5, 3), None, object),
        np.full((5, 5), "a"),
        np.zeros((5, 5), "datetime64[s]"),
        np.zeros((5, 5), [("red", np.uint8)]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
@pytest.mark.parametrize("exact", [False, True])
def test_arrays_that_are_no_photos(array, exact):
    if exact and array.size and (array.ndim == 1 or (array.ndim == 2 and array.dtype.kind == "f")):
        pytest.skip("Pillow has a mode for it, so rembg takes it")
    with pytest.raises(InputError):
        rembolt.remove(array, exact=exact)


@pytest.mark.parametrize("thing", [None, 5, 2.5, [1, 2], {"a": 1}, object(), Image], ids=str)
def test_things_that_are_no_photos(thing):
    with pytest.raises(UnsupportedImageError, match="as bytes, a path, a Pillow image or a NumPy array"):
        rembolt.remove(thing)


# --- models (4)


@pytest.mark.parametrize(
    ("typed", "meant"), [("u2nte", "u2net"), ("BOLT", "bolt"), ("isnet-genral-use", "isnet-general-use")]
)
def test_an_unknown_model(refused, photo, typed, meant):
    refused(4, [photo, "out.png", "-m", typed], typed, f"did you mean '{meant}'?")


def test_a_model_like_no_other(refused, photo):
    refused(4, [photo, "out.png", "-m", "zzzz"], "'zzzz'", "rembolt models")


def test_a_network_that_is_not_there(refused, photo):
    refused(4, [photo, "out.png", "-m", "./mine.onnx"], "mine.onnx")


def bolt_file() -> Path:
    return Path(rembolt.__file__).parent / "models" / "weights" / "bolt.onnx"


@pytest.mark.parametrize("content", ["garbage", "text", "cut"])
def test_a_file_that_is_no_network(refused, photo, content):
    data = {
        "garbage": random.Random(0).randbytes(100_000),
        "text": b"404 Not Found",
        "cut": bolt_file().read_bytes()[:1_000_000],
    }[content]
    Path("mine.onnx").write_bytes(data)
    Path("mine.json").write_text('{"input_size": 320}')
    refused(4, [photo, "out.png", "-m", "mine.onnx"], "mine.onnx", "not a network")


def test_an_empty_file_counts_as_not_there(refused, photo):
    Path("mine.onnx").write_bytes(b"")
    Path("mine.json").write_text('{"input_size": 320}')
    refused(4, [photo, "out.png", "-m", "mine.onnx"], "mine.onnx", "are not at")


def test_weights_with_a_wrong_hash(refused, photo, tmp_path, monkeypatch):
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "models-home"))
    path = networks.saliency(tmp_path / "models-home" / "models" / "u2netp" / "u2netp.onnx")
    refused(4, [photo, "out.png", "-m", "u2netp"], str(path), "not the file that was published", "delete it")
    assert path.is_file()  # deleting is for the user


def network(
    inputs: dict[str, list[int | str]],
    outputs: dict[str, list[int]],
    *nodes: onnx.NodeProto,
    kind: int = TensorProto.FLOAT,
) -> None:
    """Write `mine.onnx`, a network of any shape."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), "mine.onnx")
    Path("mine.json").write_text('{"input_size": 64}')


def other_size() -> None:
    network({"x": [1, 3, 224, 224]}, {"y": [1, 3, 224, 224]}, helper.make_node("Tanh", ["x"], ["y"]))


def channels_last() -> None:
    network({"x": [1, 64, 64, 3]}, {"y": [1, 64, 64, 3]}, helper.make_node("Tanh", ["x"], ["y"]))


def two_inputs() -> None:
    size = [1, 3, 64, 64]
    network({"x": size, "z": size}, {"y": [1, 3, 64, 64]}, helper.make_node("Add", ["x", "z"], ["y"]))


def rank_2() -> None:
    network({"x": [1, 3, 64, 64]}, {"y": [1, 12288]}, helper.make_node("Flatten", ["x"], ["y"]))


def rank_3() -> None:
    node = helper.make_node("ReduceMean", ["x"], ["y"], axes=[1], keepdims=0)
    network({"x": [1, 3, 64, 64]}, {"y": [1, 64, 64]}, node)


def bytes_in() -> None:
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)
    network({"x": [1, 3, 64, 64]}, {"y": [1, 3, 64, 64]}, node, kind=TensorProto.UINT8)


def batches_of_two() -> None:
    network({"x": [2, 3, 64, 64]}, {"y": [2, 3, 64, 64]}, helper.make_node("Tanh", ["x"], ["y"]))


@pytest.mark.parametrize(
    "write", [other_size, channels_last, two_inputs, rank_2, rank_3, bytes_in, batches_of_two]
)
def test_a_network_of_the_wrong_shape(refused, photo, write):
    write()
    refused(4, [photo, "out.png", "-m", "mine.onnx"], "mine.onnx", "weights")


def test_a_network_that_answers_not_a_number(run, photo):
    node = helper.make_node("Sqrt", ["x"], ["y"])  # of negative values too
    network({"x": [1, 3, 64, 64]}, {"y": [1, 3, 64, 64]}, node)
    done = run("remove", photo, "out.png", "-m", "mine.onnx")
    assert "Warning" not in done.err
    assert done.code in (0, 4)


# --- usage (2)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--nope"], ["--nope"]),
        (["--max-size", "15"], ["max_size", "16"]),
        (["--max-size", "large"], ["--max-size", "large"]),
        (["--threads", "0"], ["threads", "at least 1"]),
        (["--threads", "1025"], ["threads", "at most 1024"]),
        (["--max-pixels", "0"], ["max_pixels", "at least 1"]),
        (["-af", "256"], ["alpha_matting_foreground_threshold", "255"]),
        (["-ab", "-1"], ["alpha_matting_background_threshold", "0"]),
        (["-ae", "1001"], ["alpha_matting_erode_size", "1000"]),
        (["--quality", "101"], ["quality", "100"]),
        (["-bgc", "1", "2", "3", "256"], ["bgcolor", "255"]),
        (["-bgc", "1", "2"], ["-bgc"]),
        (["--background", "redd"], ["'redd'", "a colour", "blur", "a file"]),
        (["--background", "red", "-bgc", "1", "2", "3", "4"], ["background", "bgcolor"]),
        (["--background-blur", "much"], ["--background-blur", "much"]),
        (["--shadow", "101"], ["shadow", "100"]),
        (["--crop-margin", "5px"], ["crop_margin", "crop too"]),
        (["--crop", "--scale", "50%"], ["crop", "scale"]),
        (["--exact", "--crop"], ["exact", "crop"]),
        (["--device", "gpu"], ["--device", "gpu", "cuda"]),
        (["--precision", "fp8"], ["--precision", "fp8", "int8"]),
        (["--format", "gif"], ["--format", "gif", "webp"]),
        (["-x", "{"], ["-x", "JSON"]),
        (["-x", "no"], ["-x", "JSON"]),
        (["-x", "[" * 100_000], ["-x", "JSON"]),
        (["-x", "[1]"], ["-x", "object"]),
        (["-x", '{"alpha_mating": true}'], ["'alpha_mating'", "did you mean 'alpha_matting'?"]),
        (["-x", '{"self": 1}'], ["'self'"]),
        (["-x", '{"runtime_options": 1}'], ["'runtime_options'"]),
        (["-x", '{"alpha_matting": "yes"}'], ["alpha_matting", "True or False"]),
        (["-x", '{"max_size": 1e3}'], ["max_size", "whole number"]),
        (["-x", '{"bgcolor": [Infinity, 0, 0]}'], ["bgcolor"]),
        (["-x", '{"bgcolor": [NaN, 0, 0]}'], ["bgcolor"]),
        (["-x", '{"device": ["cpu"]}'], ["device"]),
        (["-x", '{"model": "withoutbg"}'], ["withoutbg", "web service"]),
        (["-m", "u2net_custom"], ["model_path"]),
        (["-m", "vitmatte-small-distinctions-646"], ["-vm"]),
        (["--sam-prompt", '{"type": "point"}'], ["sam_prompt"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_wrong_usage(refused, photo, flags, words):
    refused(2, [photo, "out.png", *flags], *words)


def test_one_argument_too_many(refused, photo):
    refused(2, [photo, "out.png", "more.png"], "more.png")


def test_threads_of_the_environment(refused, photo, monkeypatch):
    clear_sessions()  # else the one that is there would do
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    refused(2, [photo, "out.png"], "OMP_NUM_THREADS", "many")


def test_more_threads_in_the_environment_than_a_runtime_can_count(refused, photo, monkeypatch):
    clear_sessions()
    monkeypatch.setenv("OMP_NUM_THREADS", str(10**12))
    refused(2, [photo, "out.png"], "OMP_NUM_THREADS")


@pytest.mark.parametrize(
    "flags",
    [
        ["--max-size", str(10**30)],
        ["--max-pixels", str(10**30)],
        ["--threads", "1024"],
        ["-a", "-ae", "1000"],
        ["--quality", "100", "--format", "png"],
    ],
    ids=" ".join,
)
def test_huge_values_that_are_allowed(run, photo, flags):
    assert run("remove", photo, "out.png", *flags).code == 0
    assert Image.open("out.png").size == (151, 97)


def test_the_photo_itself_is_never_overwritten(refused, folder, cat):
    cat.save("own.png")
    Path("link.png").symlink_to("own.png")
    os.link("own.png", "hard.png")
    (folder / "sub").mkdir()
    for source, target in [
        ("own.png", "own.png"),
        ("own.png", "./sub/../own.png"),
        ("own.png", folder / "own.png"),
        ("own.png", "link.png"),
        ("link.png", "own.png"),
        ("own.png", "hard.png"),
    ]:
        refused(2, [source, target], "never overwritten")
    assert Path("link.png").is_symlink()


@pytest.mark.parametrize("name", ["sub", "sub/", "sub.png", "."])
def test_output_is_a_folder(refused, photo, folder, name):
    (folder / "sub").mkdir()
    (folder / "sub.png").mkdir()
    refused(2, [photo, name], name, "is a folder")
    assert files_in(folder / "sub") == files_in(folder / "sub.png") == set()


def test_a_library_option_that_is_none(cat):
    with pytest.raises(UsageError, match="did you mean 'max_size'"):
        rembolt.remove(cat, max_siz=5)


# --- writing (1)


def test_output_in_a_missing_folder(refused, photo):
    refused(1, [photo, "missing/out.png"], "missing/out.png", "does not exist")
    assert not Path("missing").exists()


def test_output_in_a_file(refused, photo):
    Path("file").write_bytes(b"")
    refused(1, [photo, "file/out.png"], "file/out.png", "is not a folder")


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """A folder that this user may not write to."""
    if os.geteuid():
        place = tmp_path / "unwritable"
        place.mkdir()
        place.chmod(0o555)
        yield place
        place.chmod(0o755)
    elif Path("/sys/kernel").is_dir():  # root may write everywhere but here
        yield Path("/sys/kernel")
    else:
        pytest.skip("root may write everywhere")


def test_output_in_a_folder_that_cannot_be_written(refused, photo, unwritable):
    before = files_in(unwritable)
    refused(1, [photo, unwritable / "out.png"], str(unwritable), "not writable")
    assert files_in(unwritable) == before


def test_a_photo_that_may_not_be_read(refused, photo):
    if not os.geteuid():
        pytest.skip("root may read everything")
    photo.chmod(0)
    refused(3, [photo, "out.png"], "may not be read")


SMALL_FILES = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"


def test_no_space_left_by_a_limit(folder, photo):
    done = process("remove", photo, "out.png", first=SMALL_FILES)
    assert_refused(done, 1, "out.png", "no space left")
    assert files_in(folder) == {"cat.jpg"}


def test_no_space_left_keeps_the_old_result(folder, photo):
    Path("out.png").write_bytes(b"old")
    done = process("remove", photo, "out.png", first=SMALL_FILES)
    assert_refused(done, 1, "no space left")
    assert Path("out.png").read_bytes() == b"old"
    assert files_in(folder) == {"cat.jpg", "out.png"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three pages."""
    place = tmp_path / "disk"
    place.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() or not mount or not umount:
        pytest.skip("only root may mount")
    if subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=12k", "tmpfs", place], capture_output=True
    ).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run([umount, place], check=True)


def test_no_space_left_on_a_full_disk(refused, run, photo, small_disk):
    refused(1, [photo, small_disk / "out.png"], "out.png", "no space left")
    assert files_in(small_disk) == set()
    assert run("remove", photo, small_disk / "out.jpg").code == 0  # a small one fits


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    [["remove", "cat.jpg", "-"], ["remove", "cat.jpg", "out.png", "--json"], ["models"], ["--help"]],
)
def test_standard_output_is_full(photo, arguments):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command_line(*arguments), stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert done.stderr.startswith(b"rembolt: ")
    assert b"No space left" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_standard_output_is_closed(folder, photo):
    done = process("remove", photo, "-", first="import os; os.close(1)")
    assert_refused(done, 1, "standard output")
    assert process("remove", photo, "out.png", first="import os; os.close(1)").code == 0
    assert files_in(folder) == {"cat.jpg", "out.png"}


def test_standard_error_is_closed(folder, photo):
    assert process("remove", "nothing.jpg", "out.png", first="import os; os.close(2)").code == 3
    assert process("remove", photo, "out.png", first="import os; os.close(2)").code == 0


def test_a_reader_that_goes_away(folder):
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    Image.fromarray(noise).save("noise.png")  # a result of more than the 64 kB that a pipe holds
    command = command_line("remove", "noise.png", "-", "--putalpha")
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.close()
    said = child.stderr.read()
    assert child.wait(timeout=60) == 1
    assert re.fullmatch(rb"rembolt: standard output [^\n]*\n", said), said


@pytest.mark.parametrize("arguments", [["models"], ["--help"], ["doctor", "--json"]])
def test_a_reader_that_goes_away_from_text(arguments):
    child = subprocess.Popen(command_line(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.close()
    said = child.stderr.read()
    assert child.wait(timeout=60) == 1
    assert b"Traceback" not in said
    assert b"Exception ignored" not in said


# --- devices (5)


def test_cuda_on_a_machine_without(refused, photo):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("the runtime here has CUDA")
    refused(5, [photo, "out.png", "--device", "cuda"], "'cuda'", 'install "rembolt[gpu]"', "auto or cpu")


@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_a_precision_that_is_not_there(refused, photo, precision):
    mine = networks.saliency(photo.with_name("mine.onnx"), size=320)  # bolt may come with int8
    mine.with_suffix(".json").write_text('{"input_size": 320}')
    refused(5, [photo, "out.png", "-m", mine, "--precision", precision], precision, "fp32")


def test_bf16_on_a_cpu_without(refused, photo):
    pytest.importorskip("openvino")
    from rembolt.engine.openvino_runtime import has_bf16

    if has_bf16():
        pytest.skip("the CPU here has bf16")
    refused(5, [photo, "out.png", "--precision", "bf16"], "bf16", "AVX512_BF16", "fp32")


@pytest.mark.parametrize("option", [("--precision", "bf16"), ("--device", "openvino")])
def test_no_openvino(folder, photo, tmp_path, option):
    bare = packages_without(tmp_path / "packages", "openvino", "onnxruntime_ep_openvino")
    done = process_without_site("remove", photo, "out.png", *option, env=bare)
    assert_refused(done, 5, option[1], 'install "rembolt[openvino]"')
    assert files_in(folder) == {"cat.jpg"}


def test_no_runtime(folder, photo, tmp_path):
    bare = packages_without(tmp_path / "packages", "onnxruntime")
    done = process_without_site("remove", photo, "out.png", env=bare)
    assert_refused(done, 5, 'pip install "rembolt[cpu]"')
    assert files_in(folder) == {"cat.jpg"}


def test_no_pymatting(folder, photo, tmp_path):
    bare = packages_without(tmp_path / "packages", "pymatting")
    assert_refused(
        process_without_site("remove", photo, "out.png", "-a", "--exact", env=bare), 5, "rembolt[matting]"
    )
    assert files_in(folder) == {"cat.jpg"}
    for ours in ("-a", "-dc"):
        assert process_without_site("remove", photo, "out.png", ours, env=bare).code == 0


# --- interrupts (130)


# Whoever runs the tests in the background may have switched interrupts off.
INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)"


def started(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command so that it tells each module as soon as it is loaded."""
    command = [sys.executable, "-X", "importtime", *command_line(*arguments)[1:]]
    return subprocess.Popen(prepared(command, INTERRUPTIBLE), stderr=subprocess.PIPE, **options)


def wait_until_loaded(child: subprocess.Popen[bytes], module: str) -> None:
    """Wait for a module that an `import` statement loads: `import_module` tells no times."""
    said = []
    for line in child.stderr:
        if not line.startswith(b"import time:"):
            said.append(line)
        elif line.split(b"|")[-1].strip() == module.encode():
            return
    raise AssertionError(f"{module} was never loaded: {said}")


def ended(child: subprocess.Popen[bytes]) -> str:
    """What it said, without the list of modules."""
    lines = child.stderr.read().splitlines(keepends=True)
    child.wait(timeout=60)
    return b"".join(line for line in lines if not line.startswith(b"import time:")).decode()


@pytest.fixture
def large_photo(folder: Path, cat: Image.Image) -> Path:
    """A photo that keeps the command busy for a while."""
    path = folder / "large.png"
    cat.resize((2400, 1600)).save(path, compress_level=1)
    return path


@pytest.mark.parametrize(
    "module",
    [
        "click.core",
        "rembolt.errors",
        "rembolt.cli.options",
        "numpy._core.multiarray",
        "PIL.Image",
        "onnxruntime.capi.onnxruntime_inference_collection",
        "rembolt.remover",
    ],
)
def test_an_interrupt_while_modules_load(folder, large_photo, module):
    child = started("remove", large_photo, "out.png")
    wait_until_loaded(child, module)
    child.send_signal(signal.SIGINT)
    said = ended(child)
    assert child.returncode == 130, said
    assert said.strip() == "rembolt: interrupted, nothing half-written."
    assert files_in(folder) == {"large.png"}


DROPPED = """
import signal, sys, time
from rembolt.__main__ import send_again

class Finalised:
    def __init__(self, error):
        self.error = error

    def __del__(self):
        raise self.error

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.unraisablehook = send_again
Finalised(ValueError("any other error"))
try:
    Finalised(KeyboardInterrupt())
    time.sleep(30)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_that_python_drops_comes_again():
    """In a finaliser, or while it lets go of an import's lock, what is raised is only printed."""
    done = subprocess.run([sys.executable, "-c", DROPPED], capture_output=True, timeout=60, check=True)
    assert done.stdout == b"interrupted\n"
    assert b"any other error" in done.stderr
    assert b"KeyboardInterrupt" not in done.stderr


@pytest.mark.parametrize("moment", range(8))
def test_an_interrupt_at_any_moment(folder, large_photo, moment):
    child = started("remove", large_photo, "out.png", "-q")
    wait_until_loaded(child, "rembolt.cli.options")
    time.sleep(random.Random(moment).uniform(0, 1))
    child.send_signal(signal.SIGINT)
    said = ended(child)
    if child.returncode == 0:  # it was done already: then all of it
        assert said == ""
        assert files_in(folder) == {"large.png", "out.png"}
        assert Image.open("out.png").convert("RGBA").size == (2400, 1600)
    else:
        assert child.returncode == 130, said
        assert said.strip() == "rembolt: interrupted, nothing half-written."
        assert files_in(folder) == {"large.png"}


def test_an_interrupt_while_waiting_for_a_pipe(folder):
    child = started("remove", "-", "out.png", stdin=subprocess.PIPE)
    wait_until_loaded(child, "rembolt.cli.pipes")
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    said = ended(child)
    assert child.returncode == 130
    assert said.strip() == "rembolt: interrupted, nothing half-written."
    assert files_in(folder) == set()
