"""Results in memory: bounded by bytes, and those last used stay."""

from __future__ import annotations

import gc
import tracemalloc

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from server.cached import address, result

from rembolt.server.cache.memory import MemoryCache, weight
from rembolt.server.result import Result

BOUNDS = 20_000


class Model(RuleBasedStateMachine):
    """The cache beside a plain list of what was used last, the newest at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = MemoryCache(BOUNDS)
        self.used: list[tuple[str, Result]] = []

    @rule(
        name=st.integers(0, 30), size=st.integers(0, BOUNDS // 3), model=st.sampled_from(["bolt", "ü" * 200])
    )
    def put(self, name: int, size: int, model: str) -> None:
        key, value = address(name), result(bytes(size), model=model)
        self.cache.put(key, value)
        self.used = [entry for entry in self.used if entry[0] != key]
        if weight(key, value) <= BOUNDS // 4:
            self.used.append((key, value))
            while sum(weight(*entry) for entry in self.used) > BOUNDS:
                self.used.pop(0)

    @rule(name=st.integers(0, 30))
    def get(self, name: int) -> None:
        key = address(name)
        expected = dict(self.used).get(key)
        assert self.cache.get(key) is expected
        if expected is not None:
            self.used = [entry for entry in self.used if entry[0] != key] + [(key, expected)]

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.used = []

    @invariant()
    def keeps_what_was_used_last(self) -> None:
        assert len(self.cache) == len(self.used)
        assert all(key in self.cache for key, _ in self.used)

    @invariant()
    def stays_within_its_bounds(self) -> None:
        assert self.cache.bytes_used == sum(weight(*entry) for entry in self.used) <= BOUNDS


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=30)


def test_the_one_unused_for_longest_goes_first():
    cache = MemoryCache(4 * weight(address(0), result(bytes(1000))))
    for name in range(4):
        cache.put(address(name), result(bytes(1000)))
    cache.get(address(0))
    cache.put(address(4), result(bytes(1000)))
    assert [name for name in range(5) if address(name) in cache] == [0, 2, 3, 4]


def test_a_result_larger_than_a_quarter_is_not_kept_and_drives_nothing_out():
    cache = MemoryCache(100_000)
    cache.put(address("small"), result(b"small"))
    cache.put(address("large"), result(bytes(25_000)))
    assert address("large") not in cache
    cache.put(address("fits"), result(bytes(23_000)))
    assert address("small") in cache
    assert address("fits") in cache


def test_one_that_became_too_large_leaves_its_place():
    cache = MemoryCache(100_000)
    cache.put(address("a"), result(b"small"))
    cache.put(address("a"), result(bytes(50_000)))
    assert cache.get(address("a")) is None
    assert (len(cache), cache.bytes_used) == (0, 0)


def test_with_no_bytes_nothing_is_kept():
    cache = MemoryCache(0)
    cache.put(address("a"), result(b""))
    assert (len(cache), cache.bytes_used) == (0, 0)


def test_what_it_counts_covers_what_python_takes():
    # Small results are the hard case: what is not their file weighs most. After 5461 the table grows.
    for count in (500, 3000, 5600):
        cache = MemoryCache(1 << 30)
        blobs = [result(b"x" * 100, width=5000 + number).to_bytes() for number in range(count)]
        gc.collect()
        tracemalloc.start()
        try:
            for number, blob in enumerate(blobs):
                cache.put(address(number), Result.from_bytes(blob))
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(cache) == count
        assert 0.5 * cache.bytes_used < taken <= cache.bytes_used
