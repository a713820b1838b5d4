"""The measures against figures worked out by hand, and against slow programs written from the papers."""

from __future__ import annotations

import numpy as np
import pytest

metrics = pytest.importorskip("benchmarks.metrics", reason="needs the repository, not only the package")

EMPTY = np.zeros((10, 20), np.uint8)
FULL = np.full((10, 20), 255, np.uint8)


def left_of(column: int) -> np.ndarray:
    """A mask whose subject is everything left of a column."""
    mask = EMPTY.copy()
    mask[:, :column] = 255
    return mask


def blobs(seed: int, height: int = 37, width: int = 53) -> tuple[np.ndarray, np.ndarray]:
    """An alpha and a truth that have something in common."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    centre, radius = rng.uniform(0.3, 0.7, 2) * (height, width), rng.uniform(0.2, 0.4) * height
    distance = np.hypot(y - centre[0], x - centre[1])
    truth = np.where(distance < radius, 255, 0).astype(np.uint8)
    softness = rng.uniform(2, 8)
    alpha = 1 / (1 + np.exp((distance - radius + rng.normal(0, 3)) / softness))
    alpha = np.clip(alpha + rng.normal(0, 0.05, alpha.shape), 0, 1)
    return np.rint(alpha * 255).astype(np.uint8), truth


def scores(*pairs: tuple[np.ndarray, np.ndarray]):
    accuracy = metrics.Accuracy()
    for alpha, truth in pairs:
        accuracy.add(alpha, truth)
    return accuracy.scores()


def test_a_perfect_mask():
    _, truth = blobs(0)
    assert scores((truth, truth)) == (1, 0, pytest.approx(1), 1, 0)
    assert metrics.iou(truth, truth) == 1


def test_an_inverted_mask():
    _, truth = blobs(0)
    result = scores((255 - truth, truth))
    assert result.mae == 1
    assert result.s_measure == 0
    share = (truth > 0).mean()  # at threshold 0 all is found, which is the best there is
    assert result.max_f == pytest.approx(1.3 * share / (0.3 * share + 1))
    assert metrics.iou(255 - truth, truth) == 0


def test_half_right():
    alpha, truth = left_of(5), left_of(10)
    result = scores((alpha, truth))
    assert result.mae == pytest.approx(0.25)
    assert result.max_f == pytest.approx(1.3 * 0.5 / (0.3 + 0.5))  # precision 1, recall 1/2
    assert result.boundary_error == pytest.approx(100 * 5 / np.hypot(10, 20))
    assert metrics.iou(alpha, truth) == 0.5


def test_a_photo_without_a_subject():
    assert scores((EMPTY, EMPTY)) == (1, 0, 0, 1, 0)  # there is no F-measure without a subject
    assert scores((FULL, EMPTY)) == (1, 1, 0, 0, metrics.WORST_BOUNDARY)
    assert metrics.s_measure(np.full((4, 4), 51, np.uint8), np.zeros((4, 4), np.uint8)) == pytest.approx(0.8)
    assert metrics.iou(EMPTY, EMPTY) == 1


def test_a_photo_that_is_all_subject():
    assert scores((FULL, FULL)) == (1, 0, pytest.approx(1), 1, 0)
    assert metrics.s_measure(np.full((4, 4), 51, np.uint8), np.full((4, 4), 255, np.uint8)) == pytest.approx(
        0.2
    )


def test_nothing_found():
    result = scores((EMPTY, left_of(10)))
    assert result.mae == 0.5
    assert result.boundary_error == metrics.WORST_BOUNDARY
    assert metrics.iou(EMPTY, left_of(10)) == 0


def test_floats_bytes_and_bools_are_the_same_alpha():
    alpha, truth = blobs(1)
    expected = scores((alpha, truth))
    assert scores((alpha.astype(np.float32) / np.float32(255), truth)) == expected
    assert scores((alpha, truth > 0)) == expected


def test_means_are_over_photos_of_any_size():
    result = scores((left_of(5), left_of(10)), (np.ones((3, 3), bool), np.ones((3, 3), bool)))
    assert result.photos == 2
    assert result.mae == pytest.approx(0.125)
    assert result.max_f == pytest.approx(1.3 * 0.75 / (0.3 + 0.75))  # precision 1, recall (1/2 + 1) / 2


def test_the_f_measure_is_that_of_the_averages_not_the_average_of_the_best():
    sure, unsure = blobs(2), blobs(3)
    unsure = (unsure[0] // 3, unsure[1])
    alone = [scores(pair).max_f for pair in (sure, unsure)]
    assert scores(sure, unsure).max_f < sum(alone) / 2


def test_add_gives_the_photos_own_scores():
    accuracy = metrics.Accuracy()
    alpha, truth = blobs(4)
    photo = accuracy.add(alpha, truth)
    total = accuracy.scores()
    assert (photo.mae, photo.s_measure, photo.boundary_error) == (
        total.mae,
        total.s_measure,
        total.boundary_error,
    )
    assert photo.iou == metrics.iou(alpha, truth)


@pytest.mark.parametrize(
    ("alpha", "truth", "words"),
    [
        (EMPTY, EMPTY[:5], "the true mask"),
        (EMPTY[..., np.newaxis], EMPTY, r"\(height, width\)"),
        (EMPTY[:0], EMPTY[:0], "not empty"),
        (EMPTY.astype(np.int32), EMPTY, "not int32"),
        (np.full((2, 2), 1.5, np.float32), EMPTY[:2, :2], "in \\[0, 1\\]"),
        (np.full((2, 2), np.nan, np.float32), EMPTY[:2, :2], "in \\[0, 1\\]"),
    ],
)
def test_what_cannot_be_measured_is_refused(alpha, truth, words):
    accuracy = metrics.Accuracy()
    with pytest.raises(ValueError, match=words):
        accuracy.add(alpha, truth)
    with pytest.raises(ValueError, match="no photo"):
        accuracy.scores()


def slow_max_f(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
    best = 0.0
    for threshold in range(256):
        precisions, recalls = [], []
        for alpha, truth in pairs:
            found, subject = alpha >= threshold, truth >= 128
            right = (found & subject).sum()
            precisions.append(right / found.sum() if found.any() else 0)
            recalls.append(right / subject.sum())
        precision, recall = np.mean(precisions), np.mean(recalls)
        if precision + recall:
            best = max(best, 1.3 * precision * recall / (0.3 * precision + recall))
    return best


def test_max_f_against_the_definition():
    pairs = [blobs(seed) for seed in range(5)]
    pairs[1] = (pairs[1][0] // 2, pairs[1][1])
    assert scores(*pairs).max_f == pytest.approx(slow_max_f(pairs), abs=1e-12)


def slow_boundary(mask: np.ndarray) -> list[tuple[int, int]]:
    height, width = mask.shape
    found = []
    for y, x in np.ndindex(height, width):
        beside = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        inside = [(row, column) for row, column in beside if 0 <= row < height and 0 <= column < width]
        if mask[y, x] >= 128 and any(mask[place] < 128 for place in inside):
            found.append((y, x))
    return found


def slow_boundary_error(alpha: np.ndarray, truth: np.ndarray) -> float:
    ours, theirs = slow_boundary(alpha), slow_boundary(truth)

    def way(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> float:
        return np.mean([min(np.hypot(y - row, x - column) for row, column in others) for y, x in some])

    return 100 * (way(ours, theirs) + way(theirs, ours)) / 2 / np.hypot(*alpha.shape)


@pytest.mark.parametrize("seed", range(4))
def test_the_boundary_error_against_the_definition(seed):
    alpha, truth = blobs(seed, 23, 31)
    expected = slow_boundary_error(alpha, truth)
    assert expected > 0
    assert metrics.boundary_error(alpha, truth) == pytest.approx(expected, rel=1e-9)
    assert metrics.boundary_error(truth, alpha) == pytest.approx(expected, rel=1e-9)


def paper_s_measure(alpha: np.ndarray, truth: np.ndarray) -> float:
    """The program of the paper's authors, line by line."""
    tiny = np.finfo(np.float64).eps
    predicted, gt = alpha / 255, truth >= 128

    def object_score(values: np.ndarray) -> float:
        return 2 * values.mean() / (values.mean() ** 2 + 1 + values.std(ddof=1) + tiny)

    def ssim(predicted: np.ndarray, gt: np.ndarray) -> float:
        x, y, count = predicted.mean(), gt.mean(), gt.size
        sigma_x = ((predicted - x) ** 2).sum() / (count - 1 + tiny)
        sigma_y = ((gt - y) ** 2).sum() / (count - 1 + tiny)
        sigma_xy = ((predicted - x) * (gt - y)).sum() / (count - 1 + tiny)
        above, below = 4 * x * y * sigma_xy, (x**2 + y**2) * (sigma_x + sigma_y)
        if above != 0:
            return above / (below + tiny)
        return 1.0 if below == 0 else 0.0

    share = gt.mean()
    objects = share * object_score(predicted[gt]) + (1 - share) * object_score(1 - predicted[~gt])
    rows, columns = np.nonzero(gt)
    y, x = round(rows.mean()) + 1, round(columns.mean()) + 1
    regions = 0.0
    for part in (np.s_[:y, :x], np.s_[:y, x:], np.s_[y:, :x], np.s_[y:, x:]):
        if gt[part].size:
            regions += gt[part].size / gt.size * ssim(predicted[part], gt[part].astype(float))
    return max(0.0, 0.5 * objects + 0.5 * regions)


@pytest.mark.parametrize("seed", range(8))
def test_the_s_measure_against_the_papers_program(seed):
    alpha, truth = blobs(seed)
    expected = paper_s_measure(alpha, truth)
    assert 0.3 < expected < 1
    assert metrics.s_measure(alpha, truth) == pytest.approx(expected, abs=1e-9)


def test_the_s_measure_falls_as_the_alpha_gets_worse():
    _, truth = blobs(5)
    veils = [np.where(truth > 0, 255 - veil, veil).astype(np.uint8) for veil in (0, 30, 60, 90, 120)]
    values = [metrics.s_measure(veil, truth) for veil in veils]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)


def test_an_even_quarter_has_no_variance():
    # .3 has no exact float: means of it that are off by a bit would make a correlation out of nothing.
    even = np.full((40, 30), 77, np.uint8)
    truth = np.zeros((40, 30), np.uint8)
    truth[10:20, 10:20] = 255
    share, level = 100 / 1200, 77 / 255
    objects = share * 2 * level / (level**2 + 1) + (1 - share) * 2 * (1 - level) / ((1 - level) ** 2 + 1)
    assert metrics.s_measure(even, truth) == pytest.approx(objects / 2, abs=1e-12)
