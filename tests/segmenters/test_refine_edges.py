"""The embedded networks that bring a mask's edge to where the photo has it."""

from __future__ import annotations

import logging
from pathlib import Path

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from rembolt.cutout.guided import OPEN, Guided
from rembolt.cutout.small import Copies
from rembolt.cutout.subject import Box
from rembolt.engine.session import Placement, Session
from rembolt.errors import BrokenWeightsError
from rembolt.models.edges import EDGES
from rembolt.segmenters import edges
from rembolt.segmenters.edges import SIDES, find_lines, refine
from rembolt.segmenters.opening import open_edges
from rembolt.settings import CutoutOptions

QUALITIES = ("fast", "best")


def disc(width: int, height: int, radius: float) -> np.ndarray:
    """The alpha of a disc in the middle, its edge one pixel soft."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    distance = np.hypot(rows - height / 2, columns - width / 2)
    return np.rint(np.clip(radius - distance + 0.5, 0, 1) * 255).astype(np.uint8)


def surface(colour: tuple[int, int, int], width: int, height: int, seed: int) -> np.ndarray:
    """A colour with some grain and a slow change of light."""
    random = np.random.default_rng(seed)
    light = Image.fromarray(random.integers(0, 50, (3, 4), np.uint8)).resize((width, height))
    grain = random.normal(0, 5, (height, width, 3))
    return np.clip(colour + np.asarray(light)[..., None] + grain, 0, 255)


def photo_of(alpha: np.ndarray) -> Image.Image:
    """Something orange of this alpha in front of something blue."""
    height, width = alpha.shape
    share = alpha[..., None] / 255
    front, back = surface((200, 110, 40), width, height, 0), surface((30, 60, 120), width, height, 1)
    return Image.fromarray(np.rint(share * front + (1 - share) * back).astype(np.uint8))


def coarse(alpha: np.ndarray, side: int) -> Image.Image:
    """The mask as a network with little detail gives it."""
    image = Image.fromarray(alpha)
    scale = side / max(image.size)
    size = tuple(max(1, round(length * scale)) for length in image.size)
    return image.resize(size, Image.Resampling.BILINEAR)


def wrong(alpha: Image.Image | np.ndarray, truth: np.ndarray) -> float:
    """The mean absolute error in levels."""
    return float(np.abs(np.asarray(alpha).astype(float) - truth).mean())


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("size", [(320, 240), (903, 701)])
def test_the_edge_of_a_coarse_mask_goes_to_the_photos(quality: str, size: tuple[int, int]) -> None:
    truth = disc(*size, 0.35 * size[1])
    mask = coarse(truth, 40)
    result = refine(photo_of(truth), mask, quality)
    assert (result.mode, result.size) == ("L", size)
    enlarged = mask.resize(size, Image.Resampling.BICUBIC)
    assert wrong(result, truth) < 0.7 * wrong(enlarged, truth)


def test_a_mask_that_misses_the_edge_by_a_little_is_put_right() -> None:
    truth = disc(480, 360, 120)
    mask = coarse(np.roll(truth, 5, axis=1), 160)
    enlarged = mask.resize((480, 360), Image.Resampling.BICUBIC)
    assert wrong(refine(photo_of(truth), mask), truth) < wrong(enlarged, truth)


def test_a_disc_cut_out_of_one_photo_on_another(cat: Image.Image, astronaut: Image.Image) -> None:
    truth = disc(*cat.size, 100)
    photo = Image.composite(astronaut.resize(cat.size), cat, Image.fromarray(truth))
    mask = coarse(truth, 40)
    enlarged = mask.resize(cat.size, Image.Resampling.BICUBIC)
    assert wrong(refine(photo, mask), truth) < wrong(enlarged, truth)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("level", [0, 255])
def test_where_there_is_no_edge_the_alpha_is_flat(quality: str, level: int) -> None:
    image = photo_of(disc(700, 300, 90))
    result = np.asarray(refine(image, Image.new("L", (320, 320), level), quality))
    assert (result == level).all()


@pytest.mark.parametrize("quality", QUALITIES)
def test_away_from_the_edge_the_alpha_is_exact(quality: str) -> None:
    truth = disc(640, 480, 170)
    alpha = np.asarray(refine(photo_of(truth), coarse(truth, 160), quality))
    assert (alpha[disc(640, 480, 140) == 255] == 255).all()
    assert (alpha[disc(640, 480, 200) == 0] == 0).all()


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 2000), (2000, 3), (1, 1100), (9, 8)])
def test_tiny_and_very_elongated_pictures(quality: str, size: tuple[int, int]) -> None:
    width, height = size
    ramp = np.linspace(0, 255, width * height).reshape(height, width).astype(np.uint8)
    for mask in (Image.fromarray(ramp), Image.fromarray(ramp).resize((32, 32)), Image.new("L", (1, 1), 99)):
        result = refine(photo_of(ramp), mask, quality)
        assert (result.mode, result.size) == ("L", size)


def test_odd_sizes_lie_where_even_ones_do() -> None:
    """A row and a column more at the far sides move nothing."""
    truth = disc(320, 240, 80)
    image, mask = photo_of(truth), Image.fromarray(truth)
    wider = [
        Image.fromarray(
            np.pad(np.asarray(one), ((0, 1), (0, 1), (0, 0))[: np.asarray(one).ndim], mode="edge")
        )
        for one in (image, mask)
    ]
    even, odd = np.asarray(refine(image, mask)), np.asarray(refine(*wider))
    assert wrong(odd[:-1, :-1], even) < 1


class TestThresholds:
    """The numbers of rembg's alpha matting say where the alpha is open."""

    def band(self, **numbers: int) -> tuple[np.ndarray, np.ndarray]:
        """The alpha, and where it is open."""
        truth = disc(320, 240, 80)
        image = photo_of(truth)
        options = CutoutOptions(alpha_matting=True, **numbers)
        lines = find_lines(open_edges("best"), Copies(image), coarse(truth, 80), SIDES["best"], options)
        open_ = Image.fromarray((lines.levels == OPEN).astype(np.uint8) * 255)
        near = np.asarray(open_.resize(image.size, Image.Resampling.BILINEAR)) > 0
        return Guided(image, lines).whole(), near

    def test_outside_of_the_band_the_alpha_is_flat(self) -> None:
        alpha, near = self.band(alpha_matting_erode_size=4)
        assert 0 < near.mean() < 0.5
        assert set(np.unique(alpha[~near])) == {0, 255}
        assert len(np.unique(alpha[near])) > 20

    def test_a_wider_erosion_opens_more(self) -> None:
        narrow, wide = (self.band(alpha_matting_erode_size=size)[1] for size in (4, 40))
        assert wide.mean() > 2 * narrow.mean()
        assert wide[narrow].all()

    def test_numbers_that_leave_nothing_sure_leave_all_open(self) -> None:
        alpha, near = self.band(alpha_matting_foreground_threshold=255, alpha_matting_background_threshold=0)
        assert near.all()
        assert alpha.shape == (240, 320)

    def test_without_alpha_matting_they_count_nothing(self) -> None:
        truth = disc(320, 240, 80)
        found = [
            find_lines(
                open_edges("fast"),
                Copies(photo_of(truth)),
                coarse(truth, 80),
                SIDES["fast"],
                CutoutOptions(alpha_matting_erode_size=size),
            )
            for size in (1, 90)
        ]
        assert np.array_equal(found[0].levels, found[1].levels)


class TestLooks:
    """What the networks look at, and for how long."""

    def picture(self) -> tuple[Image.Image, Image.Image]:
        truth = disc(1100, 260, 100)
        return photo_of(truth), coarse(truth, 320)

    def test_best_looks_at_a_finer_copy(self) -> None:
        image, mask = self.picture()
        session = open_edges("best")
        fast, best = (find_lines(session, Copies(image), mask, SIDES[quality]) for quality in QUALITIES)
        assert best.step[0] < fast.step[0]
        assert best.levels.size > fast.levels.size

    def test_past_its_time_the_faster_network_does_it_and_that_is_said(self, monkeypatch, caplog) -> None:
        image, mask = self.picture()
        expected = find_lines(open_edges("fast"), Copies(image), mask, SIDES["best"])
        monkeypatch.setattr(edges, "PATIENCE", -1.0)
        with caplog.at_level(logging.WARNING, "rembolt"):
            late = find_lines(
                open_edges("best"),
                Copies(image),
                mask,
                SIDES["best"],
                faster=lambda: open_edges("fast"),
            )
        (record,) = caplog.records
        assert "the faster network does the rest" in record.getMessage()
        assert np.array_equal(late.coefficients, expected.coefficients)

    def test_within_its_time_it_says_nothing(self, caplog) -> None:
        image, mask = self.picture()
        with caplog.at_level(logging.WARNING, "rembolt"):
            find_lines(open_edges("best"), Copies(image), mask, SIDES["best"], faster=pytest.fail)
        assert not caplog.records

    def test_only_the_surroundings_of_the_edge_are_looked_at(self, monkeypatch) -> None:
        truth = disc(1000, 1000, 400)
        image, mask, session = photo_of(truth), coarse(truth, 320), open_edges("best")
        looks = []
        real = session.outputs
        monkeypatch.setattr(session, "outputs", lambda batch: looks.append(batch.size) or real(batch))
        find_lines(session, Copies(image), mask, SIDES["best"])
        assert len(looks) > 1
        assert sum(looks) < 0.8 * 900 * 900 * 4

    def test_how_the_surroundings_are_cut_changes_little(self, monkeypatch) -> None:
        truth = disc(1000, 700, 300)
        image, mask, session = photo_of(truth), coarse(truth, 320), open_edges("best")
        parts = find_lines(session, Copies(image), mask, SIDES["best"])
        monkeypatch.setattr(edges, "boxes", lambda wanted, *_: [Box(0, 0, wanted.shape[1], wanted.shape[0])])
        whole = find_lines(session, Copies(image), mask, SIDES["best"])
        assert wrong(Guided(image, parts).whole(), Guided(image, whole).whole()) < 0.1

    @pytest.mark.parametrize(
        ("photo", "mask", "side"),
        [(2600, 64, 640), (2600, 320, 640), (2600, 640, 1280), (4000, 2600, edges.LARGEST), (100, 320, 200)],
    )
    def test_how_large_a_copy_is_looked_at(self, photo: int, mask: int, side: int) -> None:
        truth = disc(photo, photo // 4, photo // 9)
        found = find_lines(open_edges("fast"), Copies(photo_of(truth)), coarse(truth, mask), SIDES["fast"])
        assert found.levels.shape[1] * edges.GRID == side
        assert found.step[0] == pytest.approx(photo / side * edges.GRID)


def whole_size_network(path: Path) -> Path:
    """It takes what a refiner takes, and answers at twice the size."""
    nodes = [
        helper.make_node("Cast", ["seen"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["lines"], perm=[0, 3, 1, 2]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("seen", TensorProto.UINT8, ["batch", "height", "width", 4])],
        [helper.make_tensor_value_info("lines", TensorProto.FLOAT, ["batch", 4, "rows", "columns"])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (whole_size_network, "these are not the weights of a refiner of edges"),
        (lambda path: networks.saliency(path, size=64), "are these the weights of another model"),
    ],
    ids=["answers another shape", "another family"],
)
def test_another_network_in_its_place_is_told(make, said: str, tmp_path: Path) -> None:
    session = Session(EDGES["fast"], make(tmp_path / "edges-fast.onnx"), Placement("cpu"))
    truth = disc(120, 90, 30)
    with pytest.raises(BrokenWeightsError, match=said) as told:
        find_lines(session, Copies(photo_of(truth)), coarse(truth, 40), SIDES["fast"])
    assert "edges-fast" in str(told.value)


def test_they_always_run_on_the_cpu() -> None:
    for quality in QUALITIES:
        assert open_edges(quality).device == "cpu"
        assert open_edges(quality) is open_edges(quality)
