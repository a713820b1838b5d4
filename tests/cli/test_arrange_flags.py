"""Backgrounds, shadow, crop, scale and position from the command line and through the library."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from cli.rembolt_command import process
from PIL import Image

from rembolt import Remover
from rembolt.arrange.fit import cover
from rembolt.errors import UsageError


@pytest.fixture(scope="module")
def remover() -> Remover:
    return Remover()


@pytest.fixture
def photo(cat: Image.Image, tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    cat.save(path)
    return path


@pytest.fixture
def beach(tmp_path: Path) -> Path:
    path = tmp_path / "beach.jpg"
    Image.linear_gradient("L").convert("RGB").save(path)
    return path


FLAGS = {
    "colour": (["--background", "tomato"], {"background": "tomato"}),
    "blur": (
        ["--background", "blur", "--background-blur", "5"],
        {"background": "blur", "background_blur": 5},
    ),
    "contain": (["--background-fit", "contain"], {"background_fit": "contain"}),
    "shadow": (["--shadow", "62.5"], {"shadow": 62.5}),
    "crop": (["--crop", "--crop-margin", "10% 3px"], {"crop": True, "crop_margin": "10% 3px"}),
    "place": (["--scale", "60%", "--position", "0% 100%"], {"scale": "60%", "position": "0% 100%"}),
    "mask": (["--crop", "-om"], {"crop": True, "only_mask": True}),
}


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_is_the_librarys_option(name, run, photo, beach, remover, tmp_path):
    flags, options = FLAGS[name]
    if name == "contain":
        flags, options = [*flags, "--background", str(beach)], {**options, "background": beach}
    out = tmp_path / "out.png"
    done = run("remove", photo, out, "--json", *flags)
    assert done.code == 0, done.err
    with Image.open(photo) as image, Image.open(out) as result:
        wanted = np.asarray(remover.remove(image, **options))
        assert np.array_equal(np.asarray(result), wanted)
        assert not np.array_equal(wanted, np.asarray(remover.remove(image)))
        assert done.report["size"] == list(result.size)
    assert "arrange" in done.report["timings"]


def test_a_jpeg_on_a_background_as_a_process(photo, beach, remover, tmp_path):
    out = tmp_path / "out.jpg"
    done = process("remove", photo, out, "--background", beach, "-q")
    assert (done.code, done.err) == (0, "")
    with Image.open(out) as result, Image.open(photo) as image, Image.open(beach) as behind:
        assert (result.mode, result.size) == ("RGB", image.size)
        free = np.asarray(remover.remove(image))[:, :, 3] == 0
        wanted = np.asarray(cover(behind.convert("RGB"), image.size))
        assert free.mean() > 0.05
        assert np.abs(np.asarray(result).astype(int) - wanted)[free].mean() < 3


def test_a_broken_background_is_told_before_any_photo(photo, tmp_path, run):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff nothing")
    folder = tmp_path / "out"
    done = run("batch", photo, folder, "--background", broken)
    assert done.code == 3
    assert "the background" in done.err
    assert "broken.jpg" in done.err
    assert not list(folder.glob("*.png"))


def test_raw_frames_keep_their_size(run):
    done = run("stream", 8, 8, "--raw", "--crop")
    assert done.code == 2
    assert "--raw frames all have one size" in done.err


def test_raw_frames_on_a_background(cat, remover):
    frame = np.asarray(cat.resize((64, 48)))
    done = process(
        "stream", 64, 48, "--raw", "--background", "navy", "--position", "center", input=frame.tobytes()
    )
    assert done.code == 0, done.err
    wanted = remover.remove(frame, background="navy", position="center")
    made = np.frombuffer(done.out, np.uint8).reshape(wanted.shape)
    assert (made[:, :, 3] == 255).all()
    assert np.array_equal(made, wanted)


def test_the_video_command_has_no_arrangement(run, photo, tmp_path):
    for flags in (["--crop"], ["-x", json.dumps({"crop": True})]):
        done = run("video", photo, tmp_path / "out.webm", *flags)
        assert done.code == 2
        assert "crop" in done.err


def test_a_cutout_is_as_large_as_its_photo(cat, remover):
    with pytest.raises(UsageError, match="a Cutout has no crop; give it to remove or encode"):
        remover.cutout(cat, crop=True)
    with pytest.raises(UsageError, match="a Cutout has no background"):
        remover.map([cat], background="red")
    assert (
        Remover(background="red").cutout(cat).rgba[0, 0, 3] == 0
    )  # a default is for those who can follow it


def test_every_kind_of_photo_is_arranged(cat, remover):
    file = io.BytesIO()
    cat.save(file, "PNG")
    options = {"crop": True, "crop_margin": "5%", "background": "white"}
    as_array = remover.remove(np.asarray(cat), **options)
    assert (as_array[:, :, 3] == 255).all()
    assert np.array_equal(np.asarray(remover.remove(cat, **options)), as_array)
    with Image.open(io.BytesIO(remover.remove(file.getvalue(), **options))) as image:
        assert np.array_equal(np.asarray(image), as_array)
    # Cropped to where the alpha is.
    mask = np.asarray(remover.remove(cat, only_mask=True)) > 12
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert as_array.shape[:2] == (height + 2 * round(height / 20), width + 2 * round(width / 20))
