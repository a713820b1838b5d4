"""`rembolt video`: frames, times, alpha, sound, and every refusal."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
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
from PIL import Image

from rembolt import Remover

pytest.importorskip("av")

from video.film import HEIGHT, RATE, WIDTH, cat_frames, contents, film, packets_of_sound

INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)"


@pytest.fixture(scope="module")
def remover() -> Remover:
    return Remover()


@pytest.fixture
def frames(cat):
    return cat_frames(cat)


@pytest.fixture
def cat_film(folder, frames) -> Path:
    """One second, with sound."""
    return film("cat.mp4", frames, sound="aac")


@pytest.fixture
def exact_film(folder, frames) -> Path:
    """The same without loss and sound."""
    return film("cat.mkv", frames, codec="ffv1", pixel_format="bgr0")


def assert_alphas(made, source, remover, most: float) -> None:
    """The alpha of each frame is that of the frame's cut-out, up to a mean difference."""
    assert len(made) == len(source)
    for pixels, frame in zip(made, source, strict=True):
        wanted = remover.cutout(frame).alpha.astype(int)
        assert wanted.std() > 30  # the cat is neither nowhere nor everywhere
        assert np.abs(pixels[:, :, 3] - wanted).mean() <= most


def assert_colours(made, source, most: float) -> None:
    for pixels, frame in zip(made, source, strict=True):
        solid = pixels[:, :, 3] > 250
        assert np.abs(pixels[solid][:, :3].astype(int) - frame[solid]).mean() <= most


# --- what is made


def test_webm(run, cat_film, remover):
    done = run("video", cat_film, "out.webm")
    assert done.code == 0, done.err
    assert "12 frames of 96x64, aac sound encoded anew as opus, bolt on cpu" in done.err
    source, made = contents(cat_film), contents("out.webm")
    assert_alphas(made.frames, source.frames, remover, most=4)
    assert_colours(made.frames, source.frames, most=6)
    assert made.times == pytest.approx([number / RATE for number in range(12)], abs=0.001)
    assert made.sound == "opus"
    assert made.sound_seconds == pytest.approx(1, abs=0.08)
    assert made.loudness > 0.3
    assert files_in(Path()) == {"cat.mp4", "out.webm"}


def test_mov(run, cat_film, remover):
    done = run("video", cat_film, "out.mov")
    assert done.code == 0, done.err
    assert "aac sound copied" in done.err
    source, made = contents(cat_film), contents("out.mov")
    assert_alphas(made.frames, source.frames, remover, most=1)
    assert_colours(made.frames, source.frames, most=3)
    assert made.times == [number / RATE for number in range(12)]
    assert packets_of_sound("out.mov") == packets_of_sound(cat_film)
    assert made.sound_seconds == source.sound_seconds


def test_mp4_on_a_colour(run, cat_film, remover):
    done = run("video", cat_film, "out.mp4", "-bgc", 0, 200, 0, 255)
    assert done.code == 0, done.err
    source, made = contents(cat_film), contents("out.mp4")
    assert made.times == source.times
    assert packets_of_sound("out.mp4") == packets_of_sound(cat_film)
    for pixels, frame in zip(made.frames, source.frames, strict=True):
        cutout = remover.cutout(frame)
        wanted = cutout.to_array(bgcolor=(0, 200, 0, 255))[:, :, :3].astype(int)
        assert np.abs(pixels - wanted).mean() < 8


@pytest.mark.parametrize("name", ["out.webm", "out.mov"])
def test_a_colour_that_shows_through_keeps_the_alpha(run, exact_film, name):
    assert run("video", exact_film, name, "-bgc", 255, 0, 0, 100).code == 0
    assert contents(name).frames[0][:, :, 3].min() in range(94, 107)
    assert run("video", exact_film, name, "-bgc", 255, 0, 0, 255).code == 0
    assert contents(name).frames[0].shape[2] == 3


@pytest.mark.parametrize("name", ["out.webm", "out.mov", "out.mp4"])
def test_the_mask_as_a_grey_film(run, exact_film, frames, remover, name):
    assert run("video", exact_film, name, "-om").code == 0
    for pixels, frame in zip(contents(name).frames, frames, strict=True):
        wanted = remover.cutout(frame).alpha.astype(int)
        assert np.abs(pixels - wanted[:, :, None]).mean() < 5


def test_numbered_pictures(run, cat_film, remover):
    done = run("video", cat_film, "out/%02d.png")
    assert done.code == 0, done.err
    assert "rembolt: pictures have no sound" in done.err
    names = [f"{number:02d}.png" for number in range(12)]
    assert files_in(Path("out")) == set(names)
    made = [np.asarray(Image.open(Path("out") / name)) for name in names]
    assert_alphas(made, contents(cat_film).frames, remover, most=0.1)
    assert all((pixels[pixels[:, :, 3] == 0] == 0).all() for pixels in made)


@pytest.mark.parametrize("name", ["50%.webm", "50%%.webm", "100% sure.mov", "take%02d.mp4"])
def test_a_film_may_have_a_percent_sign_in_its_name(run, cat_film, name):
    assert run("video", cat_film, name, "-om").code == 0
    assert files_in(Path()) == {"cat.mp4", name}
    assert len(contents(name).frames) == 12


def test_options_reach_the_cutting_out(run, exact_film, frames, remover):
    assert run("video", exact_film, "%d.png", "-ppm", "-x", '{"putalpha": true}').code == 0
    for number, frame in enumerate(frames):
        wanted = remover.cutout(frame, post_process_mask=True, putalpha=True).rgba
        np.testing.assert_array_equal(np.asarray(Image.open(f"{number}.png")), wanted)


@pytest.mark.parametrize("clean", [True, False])
def test_smoothing_is_that_of_the_library(run, exact_film, frames, remover, clean):
    from rembolt.cutout.foreground import foreground
    from rembolt.video.frame import Frame
    from rembolt.video.smooth import smoothed

    flags = ["--decontaminate"] if clean else []
    assert run("video", exact_film, "%d.png", "--smooth", 2, *flags).code == 0
    # The photo's own colours tell what stays the same; the background goes out of them afterwards.
    kept = [Frame(remover.cutout(frame, putalpha=True, decontaminate=False).rgba, 0) for frame in frames]
    changed = recoloured = 0
    for number, (before, after) in enumerate(zip(kept, smoothed(kept, 2), strict=True)):
        made, alpha = np.asarray(Image.open(f"{number}.png")), after.pixels[:, :, 3]
        np.testing.assert_array_equal(made[:, :, 3], alpha)
        own = after.pixels[:, :, :3]
        wanted = np.asarray(foreground(Image.fromarray(own), Image.fromarray(alpha))) if clean else own
        visible = alpha > 0
        np.testing.assert_array_equal(made[visible][:, :3], wanted[visible])
        assert not made[~visible].any()
        changed += (alpha != before.pixels[:, :, 3]).sum()
        recoloured += (wanted != own).sum()
    assert changed > 100
    assert (recoloured > 100) == clean


@pytest.mark.parametrize("workers", [1, 5])
def test_the_order_is_kept(run, folder, workers):
    frames = [np.full((16, 16, 3), 20 * number, np.uint8) for number in range(12)]
    film("grey.mkv", frames, codec="ffv1", pixel_format="bgr0")
    assert run("video", "grey.mkv", "%d.png", "--workers", workers, "--putalpha").code == 0
    for number in range(12):
        assert (np.asarray(Image.open(f"{number}.png"))[:, :, :3] == 20 * number).all()


def test_json(run, cat_film):
    report = run("video", cat_film, "out.webm", "--json").report
    assert report["frames"] == 12
    assert report["size"] == [WIDTH, HEIGHT]
    assert (report["input"], report["output"]) == ("cat.mp4", "out.webm")
    assert report["sound"] == ["aac sound encoded anew as opus"]
    assert (report["model"], report["device"]) == ("bolt", "cpu")


def test_quiet(run, cat_film):
    done = run("video", cat_film, "out.webm", "-q")
    assert (done.code, done.out, done.err) == (0, b"", "")


# --- what the source says


@pytest.mark.parametrize("name", ["out.webm", "out.mov"])
def test_times_between_frames_may_differ(run, folder, frames, name):
    times = [0, 40, 50, 130, 135, 300, 301, 420, 500, 777, 900, 1500]
    film("uneven.mkv", frames, times=times, time_base=Fraction(1, 1000), codec="ffv1", pixel_format="bgr0")
    assert run("video", "uneven.mkv", name).code == 0
    assert contents(name).times == pytest.approx([each / 1000 for each in times])


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (-90, 3), (180, 2)])
def test_frames_are_turned_upright(run, folder, cat, remover, rotation, turns):
    stored = cat_frames(cat, 3)
    film("turned.mp4", stored, rotation=rotation)
    assert run("video", "turned.mp4", "out.mov").code == 0
    source = [np.ascontiguousarray(np.rot90(frame, turns)) for frame in contents("turned.mp4").frames]
    made = contents("out.mov")
    assert made.frames[0].shape[:2] == ((WIDTH, HEIGHT) if turns % 2 else (HEIGHT, WIDTH))
    assert_colours(made.frames, source, most=3)
    for pixels, frame in zip(made.frames, source, strict=True):
        assert np.abs(pixels[:, :, 3] - remover.cutout(frame).alpha.astype(int)).mean() <= 1


@pytest.mark.parametrize("matrix", [1, 5])
def test_colours_mean_the_same(run, folder, cat, matrix):
    """Red is red, whichever of the two matrices the source is in, and the result says which."""
    import av

    film("cat.mp4", cat_frames(cat, 2), matrix=matrix, pixel_format="yuv444p")
    assert run("video", "cat.mp4", "out.mov", "--putalpha").code == 0
    source, made = contents("cat.mp4"), contents("out.mov")
    assert_colours(made.frames, source.frames, most=2)
    assert np.abs(source.frames[0].astype(int) - cat_frames(cat, 1)[0]).mean() < 3
    with av.open("out.mov") as container:
        assert container.streams.video[0].codec_context.colorspace in ({1} if matrix == 1 else {5, 6})


@pytest.mark.parametrize("name", ["out.webm", "out.mov", "out.mp4"])
def test_a_film_in_rgb(run, folder, cat, remover, name):
    """It says that it has no colour matrix, as those of PNGs do; the result is YUV and has one."""
    import av

    source = cat_frames(cat, 2)
    film("rgb.mov", source, codec="png", pixel_format="rgb24")
    with av.open("rgb.mov") as container:
        assert next(container.decode(video=0)).colorspace == 0
    done = run("video", "rgb.mov", name, "-bgc", 0, 0, 0, 255)
    assert done.code == 0, done.err
    for pixels, frame in zip(contents(name).frames, source, strict=True):
        wanted = remover.cutout(frame).to_array(bgcolor=(0, 0, 0, 255))[:, :, :3]
        assert np.abs(pixels.astype(int) - wanted).mean() < 6
    with av.open(name) as container:
        assert container.streams.video[0].codec_context.colorspace in {5, 6}


def test_an_alpha_of_its_own_counts_too(run, folder, frames, remover):
    """The lower half of the picture, where most of the cat is, is transparent already."""
    half = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    half[HEIGHT // 2 :] = 0
    source = [np.concatenate([frame, half], axis=2) for frame in frames]
    film("half.mov", source, codec="prores_ks", pixel_format="yuva444p10le")
    assert run("video", "half.mov", "first.webm").code == 0
    assert run("video", "first.webm", "second.mov").code == 0  # VP9's alpha is read too
    for source_name, name in (("half.mov", "first.webm"), ("first.webm", "second.mov")):
        given, made = contents(source_name).frames, contents(name).frames
        for before, after in zip(given, made, strict=True):
            assert after[HEIGHT // 2 + 2 :, :, 3].max() <= 8
            wanted = remover.cutout(before).alpha.astype(int)
            assert np.abs(after[:, :, 3] - wanted).mean() < 3
            without = remover.cutout(np.ascontiguousarray(before[:, :, :3])).alpha.astype(int)
            assert np.abs(without - wanted).max() > 30


def test_a_clock_that_does_not_start_at_nothing(run, folder, frames):
    film("late.ts", frames, sound="aac", late=7)
    assert contents("late.ts").times[0] >= 7
    assert run("video", "late.ts", "out.mov").code == 0
    made = contents("out.mov")
    assert made.times[0] < 0.1
    assert np.diff(made.times) == pytest.approx([1 / RATE] * 11, abs=0.001)
    assert made.sound_seconds == pytest.approx(1, abs=0.05)


def test_sound_of_other_kinds(run, folder, frames):
    film("plain.mov", frames, sound="pcm_s16le")
    assert "pcm_s16le sound copied" in run("video", "plain.mov", "out.mov").err
    samples = b"".join(packets_of_sound("plain.mov"))
    assert len(samples) == 2 * 48_000
    assert b"".join(packets_of_sound("out.mov")) == samples
    assert "encoded anew as aac" in run("video", "plain.mov", "out.mp4", "-om").err
    assert contents("out.mp4").sound_seconds == pytest.approx(1, abs=0.05)
    film("free.mkv", frames, sound="libopus")
    assert "opus sound copied" in run("video", "free.mkv", "out.webm").err
    assert packets_of_sound("out.webm") == packets_of_sound("free.mkv")


def test_odd_sides(run, folder, cat, remover):
    source = cat_frames(cat, 3, size=(95, 63))
    film("odd.mkv", source, codec="ffv1", pixel_format="bgr0")
    for name in ("out.webm", "out.mov"):
        assert run("video", "odd.mkv", name).code == 0
        assert_alphas(contents(name).frames, source, remover, most=4)
    done = run("video", "odd.mkv", "out.mp4", "-bgc", 0, 0, 0, 255)
    assert done.code == 0
    assert "cut to 94 x 62" in done.err
    assert contents("out.mp4").frames[0].shape == (62, 94, 3)


@pytest.mark.parametrize("size", [(1, 8), (8, 1), (1, 1)])
def test_a_side_of_one_pixel(run, folder, cat, size):
    film("thin.mov", cat_frames(cat, 2, size), codec="png", pixel_format="rgb24")
    for name in ("out.webm", "out.mov"):
        assert run("video", "thin.mov", name).code == 0
        assert [frame.shape for frame in contents(name).frames] == [(size[1], size[0], 4)] * 2
    before = files_in(Path())
    done = run("video", "thin.mov", "out.mp4", "-om", "-q")
    assert_refused(done, 3, f"H.264 cannot hold {size[0]} x {size[1]} pixels; choose .webm or .mov.")
    assert files_in(Path()) == before


# --- what is broken


def test_a_film_that_is_cut_off(run, folder, cat):
    film("whole.mp4", cat_frames(cat, 30), container_options={"movflags": "+faststart"})
    data = Path("whole.mp4").read_bytes()
    Path("part.mp4").write_bytes(data[: len(data) // 2])
    done = run("video", "part.mp4", "out.webm")
    assert done.code == 0
    assert "'part.mp4' lists 30 frames, but only" in done.err
    assert 0 < len(contents("out.webm").frames) < 30


def test_a_film_with_a_hole(run, folder, cat):
    film("whole.mp4", cat_frames(cat, 30), options={"crf": "10", "g": "5", "bf": "0"})
    data = bytearray(Path("whole.mp4").read_bytes())
    middle = data.index(b"mdat") + len(data) // 3
    data[middle : middle + 4000] = bytes(4000)
    Path("hole.mp4").write_bytes(data)
    done = run("video", "hole.mp4", "out.webm")
    assert done.code == 0
    assert "damaged" in done.err
    assert 5 < len(contents("out.webm").frames) < 30


def test_an_encrypted_film(run, folder, frames):
    film(
        "locked.mp4",
        frames,
        container_options={
            "encryption_scheme": "cenc-aes-ctr",
            "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
            "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
        },
    )
    assert_refused(run("video", "locked.mp4", "out.webm"), 3, "'locked.mp4' is encrypted")
    assert files_in(Path()) == {"locked.mp4"}


def test_sound_alone_is_no_video(run, folder):
    import av

    with av.open("tone.m4a", "w") as container:
        tone = container.add_stream("aac", rate=48_000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), format="s16", layout="mono")
        silence.sample_rate = 48_000
        container.mux(tone.encode(silence))
        container.mux(tone.encode(None))
    assert_refused(run("video", "tone.m4a", "out.webm"), 3, "no video track")


def test_a_playlist_does_not_reach_the_network(run, folder):
    Path("list.m3u8").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"
    )
    assert_refused(run("video", "list.m3u8", "out.webm"), 3, "list.m3u8")


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        (2, [], "INPUT"),
        (2, ["cat.mp4"], "OUTPUT"),
        (2, ["cat.mp4", "out.mp4"], "no transparency; give an opaque --bgcolor"),
        (2, ["cat.mp4", "out.mp4", "-bgc", 0, 0, 0, 254], "no transparency"),
        (2, ["cat.mp4", "out.gif"], ".webm, .mov, .mp4"),
        (2, ["cat.mp4", "-"], "no extension of a video"),
        (2, ["cat.mp4", "cat.mp4", "-om"], "never overwritten"),
        (2, ["cat.mp4", "out.webm", "--smooth", 16], "at most 15"),
        (2, ["cat.mp4", "out.webm", "--smooth", -1], "at least 0"),
        (2, ["cat.mp4", "out.webm", "--smooth", 2, "--exact"], "straight colours"),
        (2, ["cat.mp4", "out.webm", "-x", '{"quality": 5}'], "quality means nothing for a video"),
        (2, ["cat.mp4", "%d.tiff"], "extension"),
        (2, ["cat.mp4", "50%.png"], "no extension of a video"),
        (2, ["cat.mp4", "%d-%d.png"], "one place for the frame's number"),
        (1, ["cat.mp4", "no/out.webm"], "does not exist"),
        (3, ["nothing.mp4", "out.webm"], "'nothing.mp4' does not exist"),
        (3, [".", "out.webm"], "is a folder"),
        (3, ["empty.mp4", "out.webm"], "is empty"),
        (3, ["text.mp4", "out.webm"], "is not a video"),
        (3, ["cat.mp4", "out.webm", "--max-pixels", 100], "limit of 100"),
        (4, ["cat.mp4", "out.webm", "-m", "nonsense"], "nonsense"),
    ],
)
def test_refusals(run, cat_film, code, arguments, words):
    Path("empty.mp4").write_bytes(b"")
    Path("text.mp4").write_text("I am no film.\n" * 50)
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    assert_refused(run("video", *arguments), code, words)
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("link", [False, True])
def test_no_picture_replaces_the_film(run, folder, frames, number, link):
    """A film in an animated PNG, whose name, or that of a link to it, is the name of a frame."""
    source = Path("film.png") if link else Path(f"clip{number}.png")
    film("film.apng", frames[:5], codec="apng", pixel_format="rgb24").rename(source)
    if link:
        Path(f"clip{number}.png").symlink_to(source)
    before, data = files_in(Path()), source.read_bytes()
    done = run("video", source, "clip%d.png")
    assert_refused(done, 2, f"'clip{number}.png', the name of frame {number}, is the video itself")
    assert source.read_bytes() == data
    assert files_in(Path()) == before | {f"clip{done}.png" for done in range(number)}


def test_no_pyav(cat_film, tmp_path):
    bare = packages_without(tmp_path / "packages", "av")
    done = process_without_site("video", cat_film, "out.webm", env=bare)
    assert_refused(done, 5, 'pip install "rembolt[video]"')


def test_an_old_pyav(run, cat_film, monkeypatch):
    monkeypatch.setattr("av.__version__", "16.0.1")
    assert_refused(run("video", cat_film, "out.webm"), 5, "PyAV 16.0.1 is too old", "--upgrade")


@pytest.mark.parametrize("name", ["out.webm", "out.mov", "out.mp4"])
def test_no_space_left(cat_film, name):
    Path(name).write_bytes(b"old")
    small = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"
    done = process("video", cat_film, name, "-bgc", 0, 0, 0, 255, first=small)
    assert_refused(done, 1, name, "too large")
    assert Path(name).read_bytes() == b"old"
    assert files_in(Path()) == {"cat.mp4", name}


# --- while it runs


@pytest.fixture
def long_film(folder, cat) -> Path:
    fast = {"preset": "ultrafast", "crf": "30"}
    return film("long.mp4", cat_frames(cat, 12) * 100, options=fast)


@pytest.mark.parametrize("name", ["out.webm", "out/%d.png"])
def test_an_interrupt(long_film, name):
    # Two workers: on a machine of many cores the film would be done before it is interrupted.
    line = prepared(command_line("video", long_film, name, "-q", "--workers", 2), INTERRUPTIBLE)
    child = subprocess.Popen(line, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 300
        while not [*Path().glob(".rembolt-*"), *Path().glob("out/*.png")]:
            assert child.poll() is None, child.stderr.read()
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=300)[1]
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 130, said
    assert said.strip() == b"rembolt: interrupted, nothing half-written."
    if name == "out.webm":
        assert files_in(Path()) == {"long.mp4"}
    else:
        made = list(Path("out").iterdir())
        assert 0 < len(made) < 1200
        assert {Image.open(path).convert("RGBA").size for path in made} == {(WIDTH, HEIGHT)}


def test_a_bar_on_a_terminal(cat_film):
    pty = pytest.importorskip("pty")
    ours, terminal = pty.openpty()
    with subprocess.Popen(
        command_line("video", cat_film, "out.webm"),
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    ) as child:
        os.close(terminal)
        shown = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # its other end is closed
                break
        assert child.wait(timeout=60) == 0
    os.close(ours)
    assert b"12/12" in shown
    assert b"frames" in shown
