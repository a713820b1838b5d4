"""The benchmark of edges, part by part, on a small shard made here: real ways, one round."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

edges = pytest.importorskip("benchmarks.edges.__main__", reason="needs the repository, not only the package")
pytest.importorskip("rembg", reason="needs rembg")
from benchmarks import sheet, studio  # noqa: E402
from benchmarks.candidates import Candidate  # noqa: E402
from benchmarks.edges import clock, colours, page, ways  # noqa: E402
from benchmarks.edges.__main__ import PARTS  # noqa: E402
from benchmarks.edges.coarse import KINDS, coarse  # noqa: E402
from benchmarks.edges.errors import errors  # noqa: E402
from benchmarks.edges.photos import Photo  # noqa: E402
from benchmarks.metrics import Accuracy  # noqa: E402
from rembolt import Remover  # noqa: E402
from rembolt.bench import children  # noqa: E402
from rembolt.models.catalogue import find_model  # noqa: E402

NAMES = ("photo-1", "photo-2", "photo-3")
SIZES = ((132, 100), (100, 120), (120, 120))


def furry(width: int, height: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright disc with a rough soft edge on a dark ground, and its alpha."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    angle = np.arctan2(y - height / 2, x - width / 2)
    radius = min(width, height) * (0.3 + 0.03 * np.sin(23 * angle + seed))
    alpha = np.clip((radius - np.hypot(y - height / 2, x - width / 2)) / 4 + 0.5, 0, 1)
    subject, ground = rng.uniform(150, 255, 3), rng.uniform(0, 90, 3)
    photo = alpha[..., np.newaxis] * subject + (1 - alpha[..., np.newaxis]) * ground
    photo = np.clip(photo + rng.normal(0, 2, photo.shape), 0, 255)
    return np.rint(photo).astype(np.uint8), np.rint(alpha * 255).astype(np.uint8)


def shard(path: Path, pairs: dict[str, tuple[np.ndarray, np.ndarray]]) -> Path:
    """A tar file of photos and masks; photos have no loss, so that their pixels are known."""
    with tarfile.open(path, "w") as archive:
        for name, (photo, mask) in pairs.items():
            for ending, pixels in ((".jpg", photo), (".png", mask)):
                buffer = io.BytesIO()
                Image.fromarray(pixels).save(buffer, "PNG")
                member = tarfile.TarInfo(name + ending)
                member.size = buffer.tell()
                buffer.seek(0)
                archive.addfile(member, buffer)
    return path


@pytest.fixture(scope="module")
def pairs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {name: furry(*size, seed) for seed, (name, size) in enumerate(zip(NAMES, SIZES, strict=True))}


@pytest.fixture
def data(tmp_path: Path, pairs: dict[str, tuple[np.ndarray, np.ndarray]]) -> Path:
    return shard(tmp_path / "furry.tar", pairs)


@pytest.fixture(scope="module")
def bolt() -> Candidate:
    return Candidate("bolt", find_model("bolt"), Remover(threads=1))


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        edges.main([*map(str, arguments)])
    assert ended.value.code == 2
    return capsys.readouterr().err


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_alpha_measures_every_way_on_both_masks(measured, data, pairs, capsys):
    from rembolt.segmenters.edges import refine

    numbers = measured(edges.main, "alpha", "--data", data)
    assert list(numbers["masks"]) == list(KINDS)
    for kind, results in numbers["masks"].items():
        assert list(results["photos"]) == list(NAMES)
        expected: dict[str, list] = {}
        for name, (pixels, truth) in pairs.items():
            photo, mask = Image.fromarray(pixels), coarse(truth, kind)
            alphas = {
                ways.ENLARGED: mask.resize(photo.size, Image.Resampling.BICUBIC),
                ways.FAST: refine(photo, mask, "fast"),
                ways.BEST: refine(photo, mask, "best"),
            }
            for way, alpha in alphas.items():
                found = errors(np.asarray(alpha), truth)
                assert results["photos"][name][way] == pytest.approx(found._asdict())
                expected.setdefault(way, []).append(found)
            assert results["photos"][name][ways.REMBG]["squared"] > 0
        for way, several in expected.items():
            assert list(results["means"][way].values()) == pytest.approx(np.mean(several, axis=0).tolist())
    printed = rows(capsys.readouterr().out)
    plain = [row for row in printed if row[:2] == ["enlarged", "mask"]]
    assert [row[3::2] for row in plain] == [["1.00"] * 3] * 2
    for kind, row in zip(KINDS, plain, strict=True):
        means = numbers["masks"][kind]["means"][ways.ENLARGED]
        assert row[2::2] == [f"{value:.2f}" for value in means.values()]


def test_rembgs_way_is_what_rembg_does(pairs):
    from rembg.bg import alpha_matting_cutout

    pixels, truth = pairs["photo-1"]
    photo, mask = Image.fromarray(pixels), coarse(truth, "network")
    large = mask.resize(photo.size, Image.Resampling.LANCZOS)
    theirs = np.asarray(alpha_matting_cutout(photo, large, 240, 10, 10))
    assert np.array_equal(np.asarray(ways.rembg_cutout(photo, mask)), theirs)
    assert np.array_equal(np.asarray(ways.rembg_matting(photo, mask)), theirs[..., 3])


def test_without_a_sure_subject_rembg_keeps_the_mask_and_it_is_said(pairs, capsys):
    photo = Image.fromarray(pairs["photo-1"][0])
    alpha = np.asarray(ways.rembg_matting(photo, Image.new("L", (320, 320), 120)))
    assert np.abs(alpha.astype(int) - 120).max() <= 1  # rembg cuts the fraction off
    assert "no sure foreground" in " ".join(capsys.readouterr().out.split())


def test_masks_measures_every_refinement_of_the_same_answers(measured, data, pairs, bolt):
    from rembolt.segmenters.edges import refine

    numbers = measured(edges.main, "masks", "--data", data, "--models", "bolt", "--limit", 2, "--threads", 1)
    scores = numbers["scores"]["bolt"]
    sums = {name: Accuracy() for name in ("none", "fast", "best")}
    for name in NAMES[:2]:
        photo, truth = Image.fromarray(pairs[name][0]), pairs[name][1]
        mask = bolt.mask(photo)
        assert mask.size == bolt.spec.input_size
        large = mask.resize(photo.size, Image.Resampling.BICUBIC)
        sums["none"].add(np.asarray(large), truth)
        sums["fast"].add(np.asarray(refine(photo, mask, "fast")), truth)
        sums["best"].add(np.asarray(refine(photo, mask, "best")), truth)
    for name, one in sums.items():
        assert scores[name] == pytest.approx(one.scores()._asdict())


def test_colours_measures_the_soft_edge_on_a_new_background(measured, data, capsys):
    numbers = measured(edges.main, "colours", "--data", data, "--rounds", 1, "--size", "96x64")
    assert list(numbers["photos"]) == list(NAMES)
    means = numbers["means"]
    assert list(means) == [colours.UNTOUCHED, colours.NAIVE, colours.DECONTAMINATE, colours.REMBOLT]
    for way, value in means.items():
        assert value == pytest.approx(np.mean([photo[way] for photo in numbers["photos"].values()]))
    assert means[colours.NAIVE] > means[colours.DECONTAMINATE]
    assert {name: len(values) for name, values in numbers["seconds"].items()} == {
        colours.REMBOLT: 1,
        colours.PYMATTING: 1,
    }
    naive = [row for row in rows(capsys.readouterr().out) if row[:2] == ["rembg", "naive"]]
    assert naive == [["rembg", "naive", f"{means[colours.NAIVE]:.3f}", "1.000"]]


def test_colour_errors_by_hand():
    # Half transparent, the subject and the ground behind it of one colour: nothing is mixed in.
    pixels, alpha = np.full((8, 8, 3), 200, np.uint8), np.full((8, 8), 128, np.uint8)
    alpha[0], alpha[-1] = 255, 0
    ground = np.full((8, 8, 3), 100, np.float32)
    truth = studio.composite(pixels, alpha, ground)
    scene = colours.Scene("plain", Image.fromarray(pixels), Image.fromarray(alpha), ground, truth)
    found = colours.measure(scene)
    assert found[colours.UNTOUCHED] == 0
    # rembg stores 0.5 * 200 and multiplies by alpha once more: a quarter of 200 is missing.
    assert found[colours.NAIVE] == pytest.approx(50, abs=1)
    assert found[colours.DECONTAMINATE] == pytest.approx(0, abs=1.5)
    assert found[colours.REMBOLT] == pytest.approx(0, abs=1.5)


def test_scenes_take_the_next_photos_for_backgrounds():
    made = [furry(100, 100, seed) for seed in range(4)]
    all_photos = [Photo(str(index), Image.fromarray(one), truth) for index, (one, truth) in enumerate(made)]
    for index, scene in enumerate(colours.scenes(all_photos)):
        photo, alpha = made[index]
        second, third = (made[(index + step) % len(made)][0] for step in (1, 2))
        outside, inside = alpha == 0, alpha == 255
        shown = np.asarray(scene.image)
        assert np.array_equal(shown[outside], second[outside])
        assert np.array_equal(scene.truth[outside], third[outside])
        assert np.array_equal(shown[inside], scene.truth[inside])
        assert np.abs(shown[inside].astype(int) - photo[inside]).mean() < 2
        assert np.array_equal(np.asarray(scene.alpha), alpha)


def test_what_colours_cannot_measure_is_said(measured, tmp_path, data, pairs, capsys):
    assert "colours take 3 photos" in refused(capsys, "colours", "--data", data, "--limit", 2)
    hard = {name: (pixels, (truth > 99).astype(np.uint8) * 255) for name, (pixels, truth) in pairs.items()}
    hard_edged = shard(tmp_path / "hard.tar", hard)
    assert "no alpha here has a soft edge" in refused(capsys, "colours", "--data", hard_edged)
    some = shard(tmp_path / "some.tar", {**pairs, "photo-2": hard["photo-2"]})
    numbers = measured(edges.main, "colours", "--data", some, "--no-time")
    assert list(numbers["photos"]) == ["photo-1", "photo-3"]
    assert numbers["seconds"] == {}
    assert "photo-2: its alpha has no soft edge" in " ".join(capsys.readouterr().out.split())


def test_time_takes_turns_and_leaves_rembg_out_where_it_takes_minutes(measured, monkeypatch, capsys):
    monkeypatch.setattr(clock, "MOST_FOR_REMBG", 160 * 120)
    numbers = measured(edges.main, "time", "--sizes", "160x120", "200x120", "--rounds", 2, "--no-memory")
    small, large = numbers["sizes"]["160x120"]["seconds"], numbers["sizes"]["200x120"]["seconds"]
    assert set(small) - set(large) == {ways.REMBG}
    assert {ways.ENLARGED, ways.FAST, ways.BEST} < set(large)
    for values in (*small.values(), *large.values()):
        assert len(values) == numbers["rounds"] == 2
        assert min(values) > 0
    assert "peak_bytes" not in numbers["sizes"]["160x120"]
    assert "200x120: rembg's matting is left out" in " ".join(capsys.readouterr().out.split())


def test_time_takes_ones_own_photo(tmp_path, pairs, capsys):
    Image.fromarray(pairs["photo-1"][0]).save(tmp_path / "own.png")
    image = clock._photo(tmp_path / "own.png", (90, 90))
    assert image.size == (90, 90)
    assert image.mode == "RGB"
    assert "does not exist; check the path" in refused(capsys, "time", "--photo", tmp_path / "none.jpg")


def test_memory_is_that_of_a_process_with_the_photo(bolt):
    if not children.can_measure():
        pytest.skip("this system does not tell what a child process used")
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (1000, 1500, 3), np.uint8))
    mask = Image.new("L", (320, 320))
    mask.paste(255, (100, 100, 220, 220))
    for peaks in clock.memory(image, mask, 1).values():
        # At least the result, a byte a pixel, comes on top of photo and mask.
        assert peaks["after"][0] - peaks["before"][0] > 1e6
        assert peaks["before"][0] > 1500 * 1000 * 3


def test_the_page_shows_every_way(measured, tmp_path, data, pairs):
    target = tmp_path / "page.png"
    arguments = ("--crops", "photo-1:20,2", "3:10,12", "--out", target)
    numbers = measured(edges.main, "page", "--data", data, *arguments)
    assert [(crop["photo"], crop["left"], crop["top"]) for crop in numbers["crops"]] == [
        ("photo-1", 20, 2),
        ("3", 10, 12),
    ]
    side = page.SIDE * page.ZOOM
    row = 2 * (side + sheet.GAP) + sheet.CAPTION + sheet.GAP
    top = sheet.CAPTION + 2 * sheet.GAP + sheet.CAPTION + sheet.GAP
    with Image.open(target) as drawn:
        pixels = np.asarray(drawn.convert("RGB"))
    columns = 6  # photo, enlarged mask, rembg, fast, best, truth
    assert pixels.shape == (
        sheet.CAPTION + 2 * sheet.GAP + 2 * row,
        columns * (side + sheet.GAP) + sheet.GAP,
        3,
    )

    def cell(down: int, across: int) -> np.ndarray:
        left, upper = sheet.GAP + across * (side + sheet.GAP), top + down
        return pixels[upper : upper + side : page.ZOOM, left : left + side : page.ZOOM]

    photo, truth = pairs["photo-1"]
    window = np.s_[2 : 2 + page.SIDE, 20 : 20 + page.SIDE]
    assert np.array_equal(cell(0, 0), photo[window])
    assert np.array_equal(cell(side + sheet.GAP, 5)[..., 0], truth[window])
    assert (cell(0, 5)[truth[window] == 0] == sheet.GREEN[:3]).all()
    alphas = [cell(side + sheet.GAP, across)[..., 0] for across in range(1, columns)]
    assert all(np.abs(alpha.astype(int) - truth[window]).mean() < 40 for alpha in alphas)
    photo, truth = pairs["photo-3"]
    assert np.array_equal(cell(row, 0), photo[12 : 12 + page.SIDE, 10 : 10 + page.SIDE])


def test_mistakes_are_told_in_a_sentence(tmp_path, data, pairs, capsys):
    out = ("--out", tmp_path / "page.webp")
    assert "invalid choice" in refused(capsys, "edge")
    assert "neither a file nor a folder" in refused(capsys, "alpha", "--data", tmp_path / "no")
    assert "There is no model 'blot'" in refused(capsys, "masks", "--data", data, "--models", "blot")
    assert "no photo whose name ends in GT04" in refused(capsys, "page", "--data", data, *out)
    assert "does not fit at 60,2" in refused(capsys, "page", "--data", data, "--crops", "photo-1:60,2", *out)
    assert "is not PHOTO:X,Y" in refused(capsys, "page", "--data", data, "--crops", "photo-1", *out)
    assert "does not end in" in refused(capsys, "page", "--data", data, "--out", tmp_path / "page.gif")
    wrong = {"photo-1": (pairs["photo-1"][0], np.zeros((5, 6), np.uint8))}
    odd = shard(tmp_path / "odd.tar", wrong)
    for part in ("alpha", "colours"):
        assert "odd.tar: the photo of photo-1 is 132 x 100 and its mask 6 x 5" in refused(
            capsys, part, "--data", odd
        )
    assert "odd.tar, photo-1" in refused(capsys, "masks", "--data", odd, "--models", "bolt")


@pytest.mark.parametrize("part", PARTS)
def test_every_part_and_its_flags_are_documented(part, capsys):
    with pytest.raises(SystemExit) as ended:
        edges.main([part, "--help"])
    assert ended.value.code == 0
    text = (Path(__file__).resolve().parents[2] / "docs" / "accuracy.md").read_text(encoding="utf-8")
    assert f"python -m benchmarks.edges {part}" in text
    flags = set(re.findall(r"--[a-z][a-z0-9-]+", capsys.readouterr().out)) - {"--help"}
    assert "--json" in flags
    assert not {flag for flag in flags if flag not in text}
