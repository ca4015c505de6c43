"""Any sequence of calls against a model of a few lines: a list of priorities and a cursor.

Priorities are powers of two, which every mode keeps as they are, but for those with aligned blocks: within 2^-8.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from amper import Sampler
from amper.sampler.options import MODES

MACHINE = settings(deadline=None, derandomize=True, max_examples=6, stateful_step_count=30)
POWERS = st.integers(-20, 20).map(lambda exponent: 2.0**exponent)
ANY = st.integers(0, 1 << 20)  # of which a row is made once it is known how many there are


class Machine(RuleBasedStateMachine):
    """``mode`` and ``compiled`` are its subclasses'."""

    mode = "per"
    compiled = True

    @initialize(rows=st.sampled_from([1, 2, 15, 16, 17, 257, 1000]))
    def open(self, rows):
        self.sampler = self.new(rows)
        self.held = [0.0] * rows  # 0: none
        self.cursor = 0

    def new(self, rows):
        return Sampler(rows, mode=self.mode, seed=rows, compiled=self.compiled)

    def rows_that_are_held(self, numbers):
        held = [row for row, value in enumerate(self.held) if value]
        return [held[number % len(held)] for number in numbers]

    @property
    def anything(self):
        return any(self.held)

    @rule(value=st.none() | POWERS)
    def add(self, value):
        assert self.sampler.add(value) == self.cursor
        self.held[self.cursor] = (max(self.held) or 1.0) if value is None else value
        self.cursor = (self.cursor + 1) % len(self.held)

    @rule(values=st.lists(POWERS, min_size=1, max_size=40))
    def extend(self, values):
        places = [(self.cursor + at) % len(self.held) for at in range(len(values))]
        assert self.sampler.extend(values).tolist() == places
        for place, value in zip(places, values, strict=True):
            self.held[place] = value
        self.cursor = (self.cursor + len(values)) % len(self.held)

    @precondition(lambda self: self.anything)
    @rule(pairs=st.lists(st.tuples(ANY, POWERS), min_size=1, max_size=40))
    def update(self, pairs):
        rows = self.rows_that_are_held(number for number, _ in pairs)
        self.sampler.update(rows, [value for _, value in pairs])
        for row, (_, value) in zip(rows, pairs, strict=True):
            self.held[row] = value

    @precondition(lambda self: self.anything)
    @rule(numbers=st.lists(ANY, min_size=1, max_size=10))
    def remove(self, numbers):
        rows = self.rows_that_are_held(numbers)
        self.sampler.remove(rows)
        for row in rows:
            self.held[row] = 0.0

    @precondition(lambda self: self.anything)
    @rule(batch=st.integers(1, 100), beta=st.sampled_from([0.0, 0.5, 1.0]))
    def sample(self, batch, beta):
        indices, weights = self.sampler.sample(batch, beta)
        drawn = np.array(self.held)[indices]
        assert indices.shape == weights.shape == (batch,)
        assert (drawn > 0).all()
        assert weights.max() == 1.0
        wanted = np.ones(batch) if self.mode == "uniform" else (drawn.min() / drawn) ** beta
        np.testing.assert_allclose(weights, wanted, rtol=0.01)

    @precondition(lambda self: not self.anything)
    @rule()
    def sample_nothing(self):
        with pytest.raises(ValueError, match="there is none: add one first"):
            self.sampler.sample(1)

    @rule()
    def go_on_from_its_state(self):
        again = self.new(len(self.held))
        again.restore(self.sampler.state())
        if self.anything:
            np.testing.assert_array_equal(again.sample(20)[0], self.sampler.sample(20)[0])
        self.sampler = again

    @invariant()
    def same_priorities(self):
        if hasattr(self, "held"):
            exact = self.mode in ("per", "uniform", "amper-fr", "amper-k")
            np.testing.assert_allclose(self.sampler.priorities(), self.held, rtol=0 if exact else 2**-8)
            assert len(self.sampler) == sum(value > 0 for value in self.held)


@pytest.mark.parametrize("mode", MODES)
def test_any_sequence_of_calls(mode):
    test = type("OfMode", (Machine,), {"mode": mode}).TestCase
    test.settings = MACHINE
    test("runTest").runTest()
