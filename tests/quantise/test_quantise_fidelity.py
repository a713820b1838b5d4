"""How near masks are to each other and to the truth, by counts that can be done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from quantise.small_networks import SIZE, own_model

from rembolt.bench.photos import photo, subject
from rembolt.engine.session import Placement, Session
from rembolt.metrics import f_measure, mae, precision_and_recall
from rembolt.models.catalogue import find_model
from rembolt.quantise.fidelity import accuracy, difference, masks_of
from rembolt.quantise.photos import Photo
from rembolt.segmenters.saliency import SaliencySegmenter

MASK = arrays(np.uint8, (4, 5))


@given(st.lists(st.tuples(MASK, MASK), min_size=1, max_size=5))
def test_differences_are_those_of_numpy(pairs):
    found = difference([one for one, _ in pairs], [other for _, other in pairs])
    apart = [np.abs(one.astype(float) - other.astype(float)) / 255 for one, other in pairs]
    assert found.photos == pytest.approx([each.mean() for each in apart])
    assert found.mean == pytest.approx(np.mean(apart))
    assert found.percentile_99 == pytest.approx(np.percentile(apart, 99))
    other_way = difference([other for _, other in pairs], [one for one, _ in pairs])
    assert (found.mean, found.photos) == (other_way.mean, other_way.photos)


def test_the_ends_of_the_scale():
    black, white = np.zeros((3, 3), np.uint8), np.full((3, 3), 255, np.uint8)
    assert difference([black], [black]) == (0, 0, (0,))
    assert difference([black], [white]) == (1, 1, (1,))
    assert difference([black, white], [white, white]).photos == (1, 0)


def test_accuracy_is_that_of_the_measures():
    image = photo(120, 90)
    truth = np.asarray(subject(120, 90))
    perfect = accuracy([truth], [Photo("a", image, truth)])
    assert perfect.mae == 0
    assert perfect.max_f > 0.98
    rough = np.asarray(subject(120, 90).point(lambda value: min(255, 128 + value // 2)))
    found = accuracy([truth, rough], [Photo("a", image, truth), Photo("b", image, truth)])
    assert found.mae == pytest.approx((mae(truth, truth) + mae(rough, truth)) / 2)
    curves = [precision_and_recall(mask, truth) for mask in (truth, rough)]
    best = max(f_measure(*np.mean(curves, axis=0)))
    assert found.max_f == pytest.approx(best)


def test_photos_without_truth_do_not_count():
    image = photo(120, 90)
    truth = np.asarray(subject(120, 90))
    wrong = 255 - truth
    assert accuracy([wrong], [Photo("a", image, None)]) is None
    both = accuracy([wrong, truth], [Photo("a", image, None), Photo("b", image, truth)])
    assert both.mae == 0


def test_masks_are_enlarged_to_the_truths_size():
    image = photo(240, 180)
    truth = np.asarray(subject(240, 180))
    small = np.asarray(subject(240, 180).resize((64, 64), Image.Resampling.BOX))
    found = accuracy([small], [Photo("a", image, truth)])
    assert 0 < found.mae < 0.03
    assert found.max_f > 0.95


def test_masks_are_the_segmenters(tmp_path):
    spec = find_model(str(own_model(tmp_path)))
    segmenter = SaliencySegmenter(Session(spec, spec.path, Placement("cpu", runtime="onnxruntime")))
    pictures = [Photo(str(seed), photo(120, 90, seed), None) for seed in range(2)]
    masks = masks_of(segmenter, pictures)
    assert [(mask.shape, mask.dtype) for mask in masks] == [((SIZE, SIZE), np.uint8)] * 2
    there = np.asarray(subject(120, 90).resize((SIZE, SIZE))) > 128
    for mask in masks:  # the network finds its subject: the tests that compare masks compare something
        assert mask[there].mean() > 200
        assert mask[~there].mean() < 40
