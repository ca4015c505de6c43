"""Uniform random number generator: xoroshiro128++, up to a fixed number of words a cycle.

Source: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021.
Latency: 1 or 2 cycles, ``latency.urng_cycles``. Page: docs/reference/urng.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of, delayed
from amper_hw.base.payload import lanes, stream_load_signature
from amper_hw.base.pipeline import held
from amper_spec.config import RANDOM_WIDTH
from amper_spec.parameters import VALUE_WIDTH


class Urng(wiring.Component):
    """The next words of the stream, as many as are taken.

    Every lane has the state of its next word in registers, so that no addition waits for the steps between the lanes.
    A state steps by XORs and rotations alone; with two stages, the two additions of the output function are a stage
    each, so that the clock does not see them in a row. The states are set in the cycle after a reset.

    Parameters
    ----------
    s0, s1 : 64 bits each, the state at reset, not both 0.
    words : the most that are taken in a cycle.
    high_width, low_width : how many of the word's top and bottom bits the user takes, together 1 to 64.
    stages : cycles from words being taken to the words, 1 or 2.

    Members
    -------
    enable : In; nothing moves while it is 0.
    take : In, words are taken in this cycle, ``count`` of them, 1 to ``words``; not in the first cycle after a reset.
        Only the enables of registers wait for ``take``. There is no ``count`` for one word.
    word : Out {low, high}, without the one that has no width: lane j is the j-th of the words taken ``stages`` enabled
        cycles before. Lanes beyond those taken do not matter.
    load : In, sets 32 bits of the state in the next cycle, whether enabled or not. Nothing may be taken from the cycle
        before (nor may that be the reset's last) to the one after, or loaded before the third one after.
    load_zero : Out, 1 in the cycle after a load that would have made the whole state 0 and was ignored.
    """

    def __init__(self, *, s0: int, s1: int, words: int, high_width: int, low_width: int, stages: int) -> None:
        if s0 == s1 == 0:
            raise ValueError("s0 and s1 must not both be 0: the generator would stay at 0")
        if words < 1:
            raise ValueError(f"words must be at least 1, not {words}")
        if not 1 <= high_width + low_width <= RANDOM_WIDTH:
            raise ValueError(f"high_width + low_width must be 1 to {RANDOM_WIDTH}, not {high_width + low_width}")
        if stages not in (1, 2):
            raise ValueError(f"stages must be 1 or 2, not {stages}")
        self._init = s0, s1
        self._words = words
        self._widths = {"low": low_width, "high": high_width}
        self._stages = stages
        layout = data.StructLayout({name: lanes(width, words) for name, width in self._widths.items() if width})
        super().__init__(
            {
                "enable": In(1),
                "take": In(1),
                **({"count": In(words.bit_length())} if words > 1 else {}),
                "word": Out(layout),
                "load": In(stream_load_signature()),
                "load_zero": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        states: list[Value] = [
            Signal(2 * RANDOM_WIDTH, name=f"state_{lane}", reset_less=True) for lane in range(self._words)
        ]
        ahead = self._steps(m, states[-1], self._words, "ahead")
        after = _without(states, ahead, self.count) if self._words > 1 else ahead
        step = self.enable & self.take
        start = Const(self._init[0] | self._init[1] << RANDOM_WIDTH, 2 * RANDOM_WIDTH)
        fresh = Signal(init=1)  # the first cycle after a reset
        m.d.sync += fresh.eq(0)
        loads, loaded = self._first(m, states[0], Mux(fresh, start, after[0]), step | fresh, fresh)
        # The other lanes follow in the same cycle.
        after_reset = self._steps(m, start, self._words - 1, "start")
        after_load = self._steps(m, loaded, self._words - 1, "loaded")
        with m.If(step | loads | fresh):
            for state, initial, other, next_one in zip(states[1:], after_reset, after_load, after[1:], strict=True):
                m.d.sync += state.eq(Mux(fresh, initial, Mux(loads, other, next_one)))

        words = [self._word(m, state, lane) for lane, state in enumerate(states)]
        lows = (word[: self._widths["low"]] for word in words)
        highs = (word[RANDOM_WIDTH - self._widths["high"] :] for word in words)
        m.d.comb += self.word.eq(Cat(*lows, *highs))
        return m

    @staticmethod
    def _steps(m: Module, state: Value, count: int, name: str) -> list[Value]:
        """The states after 1 to ``count`` more words."""
        states: list[Value] = []
        for step in range(count):
            s0, s1 = state[:RANDOM_WIDTH], state[RANDOM_WIDTH:]
            mixed = Signal(RANDOM_WIDTH, name=f"{name}_mixed_{step}")
            state = Signal(2 * RANDOM_WIDTH, name=f"{name}_{step}")
            m.d.comb += [
                mixed.eq(s0 ^ s1),
                state.eq(Cat(s0.rotate_left(49) ^ mixed ^ (mixed << 21)[:RANDOM_WIDTH], mixed.rotate_left(28))),
            ]
            states.append(state)
        return states

    def _first(self, m: Module, state: Value, after: Value, step: Value, fresh: Value) -> tuple[Value, Value]:
        """Lane 0: what comes ``after`` in a ``step``, or what is loaded. A load is checked now and done a cycle later,
        so that the path from where it comes from ends at a register.

        Returns (a load is done in this cycle, what lane 0 is then).
        """
        value = Signal(VALUE_WIDTH, name="load_value", reset_less=True)
        loads = Signal(2 * RANDOM_WIDTH // VALUE_WIDTH, name="load_parts")
        parts, used = [], []
        for index, here in enumerate(loads):
            part, next_part = (whole.word_select(index, VALUE_WIDTH) for whole in (state, after))
            with m.If(step | here):
                m.d.sync += part.eq(Mux(here, value, next_part))
            parts.append(Mux(here, value, part))
            # Whether the part is not 0, a cycle late: loads come rarely enough.
            used.append(delayed(m, Mux(fresh, next_part, part).any(), f"part_{index}_used"))
        others = [any_of(used[:index] + used[index + 1 :]) for index in range(len(used))]
        chosen = [self.load.valid & (self.load.word == index) for index in range(len(used))]
        legal = [here & (self.load.value.any() | other) for here, other in zip(chosen, others, strict=True)]
        m.d.sync += [
            value.eq(self.load.value),
            loads.eq(Cat(*legal)),
            self.load_zero.eq(self.load.valid & ~any_of(legal)),
        ]
        return loads.any(), Cat(parts)

    def _word(self, m: Module, state: Value, lane: int) -> Value:
        """The word that goes with a state, ``stages`` cycles later."""
        s0, s1 = state[:RANDOM_WIDTH], state[RANDOM_WIDTH:]
        total: Value = (s0 + s1)[:RANDOM_WIDTH]
        addend: Value = s0
        if self._stages == 2:
            total = held(m, self.enable, total, f"total_{lane}")
            addend = held(m, self.enable, addend, f"addend_{lane}")
        return held(m, self.enable, (total.rotate_left(17) + addend)[:RANDOM_WIDTH], f"word_{lane}")


def _without(states: list[Value], ahead: list[Value], count: Value) -> list[Value]:
    """Of ``states`` and then ``ahead``, each as many, those after the first ``count``, at least 1, as many again.

    Mostly a count is the most, all ``states``: so what is ahead, which comes late, then passes one multiplexer.
    """
    whole = count == len(states)
    rest = states + ahead[:-1]
    for bit in range((len(states) - 1).bit_length()):
        later = rest[1 << bit :]
        rest = [Mux(count[bit], after, state) for state, after in zip(rest, later, strict=False)] + rest[len(later) :]
    return [Mux(whole, after, state) for after, state in zip(ahead, rest, strict=False)]
