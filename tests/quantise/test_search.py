"""The layers to blame are found, and few others."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from rembolt.quantise.search import ROUNDS, layers_to_spare

LAYERS = [f"layer {place}" for place in range(64)]


def additive(costs, asked=None):
    """The effect of layers whose effects add up."""

    def effect(chosen):
        if asked is not None:
            asked.append(tuple(chosen))
        return math.fsum(costs.get(layer, 0.0) for layer in chosen)

    return effect


@given(
    st.integers(0, 100).flatmap(
        lambda count: st.tuples(
            st.just(count), st.dictionaries(st.integers(0, max(0, count - 1)), st.floats(0, 1))
        )
    ),
    st.floats(1e-3, 1),
)
def test_the_rest_is_within_the_limit_and_order_is_kept(network, allowed):
    count, costs = network
    layers = [f"layer {place}" for place in range(count)]
    effect = additive({f"layer {place}": cost for place, cost in costs.items()})
    spared = layers_to_spare(layers, effect, allowed)
    assert list(spared) == [layer for layer in layers if layer in spared]
    rest = [layer for layer in layers if layer not in spared]
    assert not rest or effect(rest) <= allowed
    for layer in layers:
        if effect([layer]) > allowed:
            assert layer in spared


@given(st.sets(st.integers(0, 63), min_size=1, max_size=5), st.floats(1.001, 1000))
def test_few_culprits_are_found_exactly_and_soon(culprits, cost):
    asked = []
    names = [LAYERS[place] for place in sorted(culprits)]
    spared = layers_to_spare(LAYERS, additive(dict.fromkeys(names, cost), asked), 1.0)
    assert list(spared) == names
    assert len(asked) <= 3 + 2 * len(culprits) * (1 + math.log2(len(LAYERS)))


@given(st.floats(0, 0.999))
def test_where_all_are_good_together_one_trial_is_enough(total):
    asked = []
    costs = dict.fromkeys(LAYERS, total / len(LAYERS))
    assert layers_to_spare(LAYERS, additive(costs, asked), 1.0) == ()
    assert len(asked) == 1


def test_many_that_are_each_good_enough_are_looked_into_more_closely():
    """Sixteen layers of a quarter of what is allowed: no half of them is ever alone to blame."""
    costs = dict.fromkeys(LAYERS[::4], 0.25)
    spared = layers_to_spare(LAYERS, additive(costs), 1.0)
    assert set(spared) <= set(costs)
    assert 12 <= len(spared) <= 16


def test_where_even_the_fewest_are_too_many_all_are_spared():
    """Effects that do not add up: any layer at all does the same harm."""
    asked = []

    def effect(chosen):
        asked.append(len(chosen))
        return 2.0 if chosen else 0.0

    assert layers_to_spare(LAYERS, effect, 1.0) == tuple(LAYERS)
    assert len(asked) <= 1 + ROUNDS * (2 * len(LAYERS) + 1)


def test_no_layers():
    assert layers_to_spare([], lambda chosen: 0.0, 0.1) == ()
