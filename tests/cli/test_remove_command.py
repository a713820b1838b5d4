"""`rembolt remove`: one photo, every way in and out, every flag."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import threading
import zipfile
from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest
from cli.rembolt_command import assert_refused, command_line, files_in, process
from PIL import Image

import rembolt.rembg


def pixels(data: bytes | Path) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data) if isinstance(data, bytes) else data))


# --- where the result goes


@pytest.mark.parametrize("command", ["remove", "i"])
def test_file_to_file(run, photo, command):
    done = run(command, photo, "out.png")
    assert done.code == 0
    assert done.out == b""
    assert Path("out.png").read_bytes() == rembolt.remove(photo.read_bytes())
    assert files_in(Path()) == {"cat.jpg", "out.png"}


@pytest.mark.parametrize(
    ("name", "format_name", "mode"),
    [
        ("out.png", "PNG", "RGBA"),
        ("out.webp", "WEBP", "RGBA"),
        ("out.jpg", "JPEG", "RGB"),
        ("out.jpeg", "JPEG", "RGB"),
        ("OUT.JPG", "JPEG", "RGB"),
        ("out.avif", "AVIF", "RGBA"),
    ],
)
def test_the_extension_is_the_format(run, photo, name, format_name, mode):
    assert run("remove", photo, name).code == 0
    with Image.open(name) as image:
        assert (image.format, image.mode, image.size) == (format_name, mode, (151, 97))


def test_a_zip_holds_colours_and_alpha(run, photo):
    assert run("remove", photo, "out.zip").code == 0
    with zipfile.ZipFile("out.zip") as archive:
        assert archive.namelist() == ["color.jpg", "alpha.png"]
        alpha = pixels(archive.read("alpha.png"))
    assert np.array_equal(alpha, rembolt.remove(photo, only_mask=True))


def test_without_output_the_result_lies_beside_the_photo(run, folder, photo):
    (folder / "sub").mkdir()
    photo.rename(folder / "sub" / "my.cat.jpg")
    assert run("remove", "sub/my.cat.jpg").code == 0
    assert files_in(folder / "sub") == {"my.cat.jpg", "my.cat.out.png"}
    assert Image.open("sub/my.cat.out.png").format == "PNG"


def test_format_chooses_the_extension_where_no_output_is_given(run, photo):
    assert run("remove", photo, "--format", "webp").code == 0
    assert Image.open("cat.out.webp").format == "WEBP"


def test_format_decides_for_a_name_without_extension(run, photo):
    assert run("remove", photo, "cutout", "--format", "webp").code == 0
    assert Image.open("cutout").format == "WEBP"


def test_format_and_extension_must_agree(run, photo):
    assert run("remove", photo, "same.webp", "--format", "webp").code == 0
    assert_refused(run("remove", photo, "out.png", "--format", "webp"), 2, "out.png", "png", "webp")
    assert files_in(Path()) == {"cat.jpg", "same.webp"}


@pytest.mark.parametrize("name", ["out.gif", "out", "out.png.bak"])
def test_an_extension_that_cannot_be_written_is_refused(run, photo, name):
    assert_refused(run("remove", photo, name), 2, name, ".png, .webp, .jpg")
    assert files_in(Path()) == {"cat.jpg"}


def test_an_old_result_is_replaced(run, photo):
    Path("out.png").write_bytes(b"old")
    assert run("remove", photo, "out.png").code == 0
    assert Image.open("out.png").size == (151, 97)


def test_names_of_any_bytes(folder, photo):
    name = os.fsencode("Katze ä 猫 ") + b"\xff.jpg"
    photo.rename(folder / os.fsdecode(name))
    done = subprocess.run([*command_line("remove"), name], capture_output=True, cwd=folder, timeout=60)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert os.fsdecode(name[:-4] + b".out.png") in files_in(folder)


def test_a_name_that_begins_with_a_dash(run, photo):
    photo.rename("-cat.jpg")
    assert run("remove", "--", "-cat.jpg").code == 0
    assert files_in(Path()) == {"-cat.jpg", "-cat.out.png"}


# --- pipes


@pytest.mark.parametrize("arguments", [["remove", "-"], ["remove", "-", "-"], ["remove"], ["i"], ["i", "-"]])
def test_pipe_to_pipe(folder, photo, arguments):
    done = process(*arguments, input=photo.read_bytes())
    assert done.code == 0
    assert done.out == rembolt.remove(photo.read_bytes())
    assert files_in(folder) == {"cat.jpg"}


def test_pipe_to_file(photo):
    assert process("remove", "-", "out.webp", input=photo.read_bytes()).code == 0
    assert Image.open("out.webp").format == "WEBP"


def test_file_to_pipe_in_another_format(photo):
    done = process("remove", photo, "-", "--format", "webp")
    assert done.code == 0
    assert Image.open(io.BytesIO(done.out)).format == "WEBP"
    assert "Traceback" not in done.err


def test_rembgs_i_without_output_writes_into_a_pipe(folder, photo):
    done = process("i", photo)
    assert done.out == rembolt.remove(photo.read_bytes())
    assert files_in(folder) == {"cat.jpg"}


def test_at_a_terminal_i_writes_a_file(folder, photo):
    assert at_terminal("i", photo)[0] == 0
    assert files_in(folder) == {"cat.jpg", "cat.out.png"}


def test_no_image_is_thrown_at_a_terminal(folder, photo):
    code, shown = at_terminal("remove", photo, "-")
    assert code == 2
    assert b"not for the terminal" in shown
    assert b"PNG" not in shown


def test_at_a_terminal_the_input_has_to_be_named(folder):
    code, shown = at_terminal("remove")
    assert code == 2
    assert b"Missing argument 'INPUT'" in shown


def at_terminal(*arguments: object) -> tuple[int, bytes]:
    """Exit code and what a person would see."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    ours, theirs = pty.openpty()
    try:
        child = subprocess.Popen(command_line(*arguments), stdin=theirs, stdout=theirs, stderr=theirs)
        code = child.wait(timeout=60)
        return code, os.read(ours, 10_000)
    finally:
        os.close(ours)
        os.close(theirs)


# --- rembg's flags: each is the library's option of that name, and each changes the result

MATTING = ["-a"]
FLAGS: dict[str, tuple[list[str], list[str], dict[str, Any]]] = {
    # name: (flags, the same without the one that is looked at, the library's options)
    "-m": (["-m", "u2netp"], [], {"model": "u2netp"}),
    "--model": (["--model", "u2netp"], [], {"model": "u2netp"}),
    "-om": (["-om"], [], {"only_mask": True}),
    "-ppm": (["-ppm"], [], {"post_process_mask": True}),
    "-dc": (["-dc"], [], {"decontaminate": True}),
    "--no-decontaminate": (
        ["--refine", "fast", "--no-decontaminate"],
        ["--refine", "fast"],
        {"refine": "fast", "decontaminate": False},
    ),
    "--refine fast": (["--refine", "fast"], [], {"refine": "fast"}),
    "--refine best": (["--refine", "best"], [], {"refine": "best"}),
    "-vm": (["-vm"], [], {"vitmatte": True}),
    "-bgc": (["-bgc", "10", "200", "30", "255"], [], {"bgcolor": (10, 200, 30, 255)}),
    "-x": (["-x", '{"putalpha": true}'], [], {"putalpha": True}),
    "-x number": (["-x", '{"max_size": 32}'], [], {"max_size": 32}),
    "-x list": (["-x", '{"bgcolor": [1, 2, 3]}'], [], {"bgcolor": (1, 2, 3)}),
    "-a": (MATTING, [], {"alpha_matting": True}),
    "-af": ([*MATTING, "-af", "120"], MATTING, {"alpha_matting_foreground_threshold": 120}),
    "-af 0": ([*MATTING, "-af", "0"], MATTING, {"alpha_matting_foreground_threshold": 0}),
    "-ab": ([*MATTING, "-ab", "200"], MATTING, {"alpha_matting_background_threshold": 200}),
    "-ae": ([*MATTING, "-ae", "3"], MATTING, {"alpha_matting_erode_size": 3}),
    "--max-size": (["--max-size", "32"], [], {"max_size": 32}),
}


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small random networks under the names of real ones."""
    home = tmp_path / "models-home"
    networks.saliency(home / "models" / "u2netp" / "u2netp.onnx")
    networks.vitmatte(home / "models" / "vitmatte" / "vitmatte-small-distinctions-646.onnx")
    monkeypatch.setenv("REMBOLT_HOME", str(home))
    monkeypatch.setenv("MODEL_CHECKSUM_DISABLED", "1")


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_is_the_librarys_option(run, photo, own_models, flag):
    flags, without, options = FLAGS[flag]
    if without == MATTING:
        options = {"alpha_matting": True, **options}
    assert run("i", *flags, photo, "with.png").code == 0
    assert run("i", *without, photo, "without.png").code == 0
    changed, plain = pixels(Path("with.png")), pixels(Path("without.png"))
    assert np.array_equal(changed, pixels(rembolt.remove(photo.read_bytes(), **options)))
    assert not np.array_equal(changed, plain)


def test_what_the_flags_mean(run, photo):
    def cut(*flags: str) -> np.ndarray:
        assert run("remove", photo, "out.png", *flags).code == 0
        return pixels(Path("out.png"))

    plain = cut()
    assert plain.shape == (97, 151, 4)
    assert np.array_equal(cut("-om"), plain[..., 3])
    assert set(np.unique(cut("-ppm")[..., 3])) == {0, 255}
    assert np.array_equal(cut("-dc")[..., 3], plain[..., 3])
    assert np.array_equal(cut("--no-decontaminate"), plain)
    assert np.array_equal(cut("--refine", "none"), plain)
    assert np.array_equal(cut("--refine", "fast", "-dc"), cut("--refine", "fast"))
    on_green = cut("-bgc", "0", "255", "0", "255")
    assert (on_green[..., 3] == 255).all()
    assert (on_green[plain[..., 3] == 0][:, :3] == (0, 255, 0)).all()
    assert (cut("-bgc", "0", "255", "0", "128")[plain[..., 3] == 0] == (0, 255, 0, 128)).all()


def test_extras_win_over_flags_and_know_rembgs_names(run, photo):
    assert run("remove", photo, "out.png", "-af", "99", "-x", '{"cc": "upper", "only_mask": true}').code == 0
    assert pixels(Path("out.png")).ndim == 2
    assert_refused(run("remove", photo, "-x", '{"cc": "hat"}'), 2, "cloth_category", "upper")


def test_an_own_network_by_its_path(run, photo, folder):
    networks.saliency(folder / "mine.onnx", size=64, window=5)
    (folder / "mine.json").write_text('{"input_size": 64}')
    done = run("remove", photo, "out.png", "--model", "mine.onnx", "--json")
    assert done.report["model"] == "mine.onnx"


def test_rembgs_custom_model_takes_a_path(run, photo, folder):
    networks.saliency(folder / "mine.onnx")
    extras = json.dumps({"model_path": "mine.onnx"})
    assert run("i", "-m", "u2net_custom", "-x", extras, photo, "a.png").code == 0
    assert run("i", "-m", "u2net_custom", "--model-path", "mine.onnx", photo, "b.png").code == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_quality_makes_smaller_files(run, photo):
    sizes = []
    for quality in (20, 95):
        assert run("remove", photo, "out.jpg", "--quality", quality).code == 0
        sizes.append(Path("out.jpg").stat().st_size)
    assert sizes[0] < sizes[1]


# --- where and how the network runs


def test_device_and_precision_that_are_there(run, photo):
    done = run("remove", photo, "out.png", "--device", "cpu", "--precision", "fp32", "--json")
    assert (done.report["device"], done.report["precision"]) == ("cpu", "fp32")
    assert Path("out.png").read_bytes() == rembolt.remove(photo.read_bytes(), precision="fp32")


def test_openvino_says_what_ran(run, photo):
    pytest.importorskip("openvino")
    done = run("remove", photo, "out.png", "--device", "openvino", "--json")
    assert done.code == 0
    report = done.report
    assert (report["device"], report["precision"], report["runtime"]) == ("openvino", "fp32", "openvino")
    ours = np.asarray(rembolt.remove(Image.open(photo), only_mask=True, precision="fp32"), np.int16)
    theirs = np.asarray(Image.open("out.png").getchannel("A"), np.int16)
    assert np.abs(ours - theirs).max() <= 1


def test_threads_reach_the_session(run, photo, monkeypatch):
    from rembolt.engine import loading
    from rembolt.segmenters.opening import clear_sessions

    asked = []
    count = loading.thread_count
    monkeypatch.setattr(loading, "thread_count", lambda threads: asked.append(threads) or count(threads))
    clear_sessions()
    assert run("remove", photo, "out.png", "--threads", "1", "--refine", "fast").code == 0
    assert asked == [1, 1], "the model's session, and that of the edges"
    assert Path("out.png").read_bytes() == rembolt.remove(photo.read_bytes(), refine="fast")


@pytest.mark.parametrize("flags", [[], ["-a"], ["-om"], ["-bgc", "9", "8", "7", "255"]])
def test_exact_is_the_drop_ins_pixels(run, photo, own_models, flags):
    options = {
        "-a": {"alpha_matting": True},
        "-om": {"only_mask": True},
        "-bgc": {"bgcolor": (9, 8, 7, 255)},
    }.get(flags[0] if flags else "", {})
    session = rembolt.rembg.new_session("u2netp")
    expected = pixels(rembolt.rembg.remove(photo.read_bytes(), session=session, **options))
    assert run("remove", "-m", "u2netp", *flags, photo, "standard.png").code == 0
    assert run("remove", "-m", "u2netp", *flags, "--exact", photo, "exact.png").code == 0
    assert np.array_equal(pixels(Path("exact.png")), expected)
    assert not np.array_equal(pixels(Path("standard.png")), expected)


def test_offline_never_asks_the_network(run, photo, monkeypatch):
    asked = []

    def refuse(*arguments: Any, **_: Any) -> Any:
        asked.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    done = run("remove", photo, "out.png", "--model", "u2netp", "--offline")
    assert_refused(done, 4, "u2netp", "rembolt download u2netp")
    assert asked == []
    monkeypatch.setenv("REMBOLT_OFFLINE", "1")
    assert_refused(run("remove", photo, "out.png", "--model", "u2netp"), 4)
    assert asked == []
    assert files_in(Path()) == {"cat.jpg"}


def test_offline_the_embedded_model_works(run, photo):
    assert run("remove", photo, "out.png", "--offline").code == 0


# --- what is said


def test_one_line_says_what_was_done(run, photo, usual_precision):
    done = run("remove", "cat.jpg", "out.png")
    assert done.out == b""
    assert done.err.startswith(f"cat.jpg -> out.png (151x97, bolt on cpu in {usual_precision}, ")
    assert done.err.count("\n") == 1


def test_quiet_says_nothing(run, photo):
    done = run("remove", photo, "out.png", "-q")
    assert (done.code, done.out, done.err) == (0, b"", "")


def test_quiet_still_says_what_went_wrong(run, folder):
    assert_refused(run("remove", "nothing.jpg", "-q"), 3, "nothing.jpg")


def test_verbose_names_the_stages(run, photo):
    done = run("remove", photo, "out.png", "-v")
    for stage in ("decode", "prepare", "infer", "upsample", "refine", "foreground", "encode"):
        assert f"{stage} " in done.err


def test_matting_with_nothing_sure_to_start_from_works(run, photo):
    done = run("remove", photo, "out.png", "-a", "-ae", "1000")
    assert done.code == 0
    assert done.err.count("\n") == 1, "nothing but what was done"
    assert pixels(Path("out.png")).shape == (97, 151, 4)


def test_a_refinement_past_its_time_is_told_unless_quiet(run, photo, monkeypatch):
    monkeypatch.setattr("rembolt.segmenters.edges.PATIENCE", -1.0)
    Image.open(photo).resize((1100, 300)).save("wide.jpg")
    done = run("remove", "wide.jpg", "out.png", "--refine", "best")
    assert done.code == 0
    assert done.err.startswith("rembolt: refining the edge takes longer")
    assert "refining" not in run("remove", "wide.jpg", "out.png", "--refine", "best", "-q").err
    assert Path("out.png").exists()


def test_json_is_one_object(run, photo, usual_precision):
    done = run("remove", "cat.jpg", "out.webp", "--json", "--max-size", "64")
    assert done.code == 0
    assert done.err == ""
    assert done.out.count(b"\n") == 1
    timings = done.report.pop("timings")
    assert done.report | {"timings": None} == {
        "input": "cat.jpg",
        "output": "out.webp",
        "size": [151, 97],
        "bytes": Path("out.webp").stat().st_size,
        "model": "bolt",
        "device": "cpu",
        "precision": usual_precision,
        "runtime": "onnxruntime",
        "timings": None,
    }
    assert list(timings) == ["decode", "prepare", "infer", "upsample", "refine", "foreground", "encode"]
    assert all(0 <= seconds < 60 for seconds in timings.values())


def test_json_and_image_do_not_share_stdout(photo):
    assert_refused(process("remove", photo, "-", "--json"), 2, "--json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_photo_in_a_named_pipe(folder, photo):
    os.mkfifo(folder / "pipe")
    writer = threading.Thread(target=lambda: (folder / "pipe").write_bytes(photo.read_bytes()))
    writer.start()
    done = process("remove", "pipe", "out.png", "-q")
    writer.join()
    assert done.code == 0, done.err
    assert process("remove", photo, "expected.png", "-q").code == 0
    assert (folder / "out.png").read_bytes() == (folder / "expected.png").read_bytes()


def test_a_wrong_format_in_the_extras(run, photo):
    assert_refused(run("remove", photo, "-x", '{"format": "a/b"}'), 2, "format must be one of", "'a/b'")
