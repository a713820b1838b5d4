"""Alpha from lines through a photo's colours, against a plain reference in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from rembolt.cutout.guided import COLUMNS, OPEN, Guided, Lines
from rembolt.images import bands

SIDES = st.integers(1, 300)
STEPS = st.sampled_from([1.0, 2.0, 3.0, 3.7, 8.0, 12.5, 33.3])


@pytest.fixture(params=[1, 3], autouse=True)
def _cores(request, monkeypatch) -> None:
    monkeypatch.setattr(bands, "own_cores", lambda: request.param)


def lines_for(size: tuple[int, int], step: tuple[float, float], seed: int = 0) -> Lines:
    """Random lines, open in some parts of the grid, 0 or 255 in the others."""
    random = np.random.default_rng(seed)
    width, height = (max(1, -int(-side // one)) for side, one in zip(size, step, strict=True))
    levels = np.full((height, width), random.choice([0, OPEN, 255]), np.uint8)
    for _ in range(4):
        top, left = random.integers(0, height), random.integers(0, width)
        bottom, right = top + random.integers(1, height + 1), left + random.integers(1, width + 1)
        levels[top:bottom, left:right] = random.choice([0, OPEN, 255])
    coefficients = random.normal(0, 0.8, (4, height, width)).astype(np.float32)
    coefficients[3] *= 100
    known = levels != OPEN
    coefficients[:, known] = 0
    coefficients[3, known] = levels[known]
    return Lines(coefficients, levels, step)


def noise(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(sum(size)).integers(0, 256, (size[1], size[0], 3), np.uint8)


def unrounded(pixels: np.ndarray, lines: Lines) -> np.ndarray:
    """What the alpha is before it is rounded, by the text of the definition."""
    down, across = (
        np.clip((np.arange(side) + 0.5) / step - 0.5, 0, length - 1)
        for side, step, length in zip(
            pixels.shape[:2], lines.step[::-1], lines.coefficients.shape[1:], strict=True
        )
    )
    grid = lines.coefficients.astype(np.float64)
    rows, columns = (np.floor(places).astype(int) for places in (down, across))
    below, beside = (
        np.minimum(places + 1, length - 1)
        for places, length in zip((rows, columns), grid.shape[1:], strict=True)
    )
    y, x = (down - rows)[:, None], across - columns
    upper = grid[:, rows[:, None], columns] * (1 - x) + grid[:, rows[:, None], beside] * x
    lower = grid[:, below[:, None], columns] * (1 - x) + grid[:, below[:, None], beside] * x
    line = upper * (1 - y) + lower * y
    return np.clip((line[:3].transpose(1, 2, 0) * pixels).sum(axis=2) + line[3], 0, 255)


def assert_rounded(alpha: np.ndarray, exact: np.ndarray) -> None:
    """To the nearest level, except where float32 may see the middle of two on the other side."""
    assert alpha.dtype == np.uint8
    assert alpha.shape == exact.shape
    assert np.abs(alpha - exact).max(initial=0) <= 0.5 + 5e-3


@settings(max_examples=60)
@given(size=st.tuples(SIDES, SIDES), step=st.tuples(STEPS, STEPS), seed=st.integers(0, 1000))
@example((1, 1), (2.0, 2.0), 0)
@example((1, 299), (2.0, 2.0), 1)
@example((299, 1), (3.7, 3.7), 2)
@example((2 * COLUMNS + 1, 129), (2.0, 8.0), 3)
def test_it_is_the_plain_bilinear_reference(size, step, seed) -> None:
    pixels, lines = noise(size), lines_for(size, step, seed)
    assert_rounded(Guided(Image.fromarray(pixels), lines).whole(), unrounded(pixels, lines))


@settings(max_examples=60)
@given(size=st.tuples(SIDES, SIDES), step=st.tuples(STEPS, STEPS), seed=st.integers(0, 1000), data=st.data())
def test_any_part_is_the_same_part_of_the_whole(size, step, seed, data) -> None:
    (width, height), pixels, lines = size, noise(size), lines_for(size, step, seed)
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    guided = Guided(Image.fromarray(pixels), lines)
    part, same = guided.part(top, bottom, left, right), guided.whole()[top:bottom, left:right]
    # In other groups of rows a sum may round otherwise, which shows only in the middle between two levels.
    exact = unrounded(pixels, lines)[top:bottom, left:right]
    settled = np.abs(exact % 1 - 0.5) > 5e-3
    assert np.array_equal(part[settled], same[settled])
    assert_rounded(part, exact)


@pytest.mark.parametrize(
    "make",
    [
        Image.fromarray,
        lambda pixels: Image.fromarray(pixels.repeat(2, axis=0).repeat(2, axis=1)).reduce(2),
        lambda pixels: Image.fromarray(pixels.repeat(2, axis=0)).resize(
            pixels.shape[1::-1], Image.Resampling.BOX
        ),
        lambda pixels: Image.fromarray(np.dstack([pixels, noise(pixels.shape[1::-1])[..., 0]])).convert(
            "RGB"
        ),
        lambda pixels: Image.frombuffer("RGB", pixels.shape[1::-1], pixels.tobytes(), "raw", "RGB", 0, 1),
        lambda pixels: Image.merge("RGB", Image.fromarray(pixels).split()),
        lambda pixels: Image.fromarray(np.pad(pixels, ((3, 3), (5, 5), (0, 0)))).crop(
            (5, 3, 5 + pixels.shape[1], 3 + len(pixels))
        ),
    ],
    ids=["fromarray", "reduce", "resize", "convert", "frombuffer", "merge", "crop"],
)
def test_it_does_not_matter_how_the_picture_was_made(make) -> None:
    """Pillow keeps a fourth byte beside red, green and blue, with whatever is left there."""
    size = (141, 77)
    pixels, lines = noise(size), lines_for(size, (2.0, 2.0), 5)
    image = make(pixels)
    assert np.array_equal(np.asarray(image), pixels), "the premise"
    assert np.array_equal(Guided(image, lines).whole(), Guided(Image.fromarray(pixels), lines).whole())


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("step", [2.0, 3.7])
def test_flat_levels_are_exact_even_beside_what_is_open(level: int, step: float) -> None:
    size = (200, 150)
    lines = lines_for(size, (step, step), 9)
    lines.coefficients[:], lines.coefficients[3], lines.levels[:] = 0, level, level
    pixels = noise(size)
    assert (Guided(Image.fromarray(pixels), lines).whole() == level).all()
    lines.levels[10:20, 10:20] = OPEN
    lines.coefficients[:, 10:20, 10:20] = np.random.default_rng(0).normal(0, 1, (4, 10, 10))
    alpha = Guided(Image.fromarray(pixels), lines).whole()
    near, far = int(9 * step), int(21 * step) + 1  # the positions beside the open ones and their reach
    outside = np.ones_like(alpha, bool)
    outside[near:far, near:far] = False
    assert (alpha[outside] == level).all()
    assert (alpha[~outside] != level).any()


def test_values_beyond_the_range_are_cut_off_rather_than_wrapped() -> None:
    lines = Lines(np.zeros((4, 1, 2), np.float32), np.full((1, 2), OPEN, np.uint8), (1.0, 1.0))
    lines.coefficients[3] = (-1e5, 1e5)
    assert Guided(Image.new("RGB", (2, 1)), lines).whole().tolist() == [[0, 255]]


def test_it_describes_itself_as_an_enlarged_mask_does() -> None:
    lines = lines_for((41, 30), (2.0, 3.0), 4)
    guided = Guided(Image.new("RGB", (41, 30)), lines)
    assert guided.size == (41, 30)
    assert guided.scale == (0.5, 1 / 3)
    assert np.array_equal(np.asarray(guided.mask), lines.levels)


def test_neither_the_picture_nor_the_lines_are_changed() -> None:
    pixels, lines = noise((50, 40)), lines_for((50, 40), (2.0, 2.0), 6)
    before = [part.copy() for part in (pixels, lines.coefficients, lines.levels)]
    image = Image.fromarray(pixels)
    Guided(image, lines).whole()
    for now, then in zip((np.asarray(image), lines.coefficients, lines.levels), before, strict=True):
        assert np.array_equal(now, then)
