"""The least of many numbers, against ``numpy.min``."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from amper.adapters.lazy_minimum import LazyMinimum

VALUES = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, np.inf])
WRITES = st.lists(st.tuples(st.lists(st.tuples(st.integers(0, 5), VALUES), min_size=1, max_size=4), st.booleans()))


@given(WRITES)
def test_the_least_after_any_writes(writes):
    """Repeated rows, rows emptied by infinity, and whether or not the least was asked for in between."""
    minimum, expected = LazyMinimum(6), np.full(6, np.inf)
    for pairs, ask in writes:
        for row, value in pairs:
            expected[row] = value
        rows, values = zip(*pairs, strict=True)
        minimum.write(np.array(rows), np.array(values, dtype=np.float32))
        if ask:
            assert minimum.least == expected.min()
    assert minimum.least == expected.min()
    assert minimum.values.tolist() == expected.tolist()


def test_clear():
    minimum = LazyMinimum(3)
    minimum.write(np.array([1]), np.array([2.0], dtype=np.float32))
    minimum.clear()
    assert minimum.least == np.inf
    assert minimum.values.tolist() == [np.inf] * 3
