"""Uniform random number generator: xoroshiro128++, up to a fixed number of words a cycle.

Source: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from amper.config import RANDOM_WIDTH
from amper.parameters import VALUE_WIDTH
from amper_hw.bits import any_of, delayed
from amper_hw.payload import lanes, stream_load_signature
from amper_hw.pipeline import held


class Urng(wiring.Component):
    """The next words of the stream, as many as are taken.

    Every lane has the state of its next word in registers, so that no addition waits for the steps between the lanes.
    A state steps by XORs and rotations alone; with two stages, the two additions of the output function are a stage
    each, so that the clock does not see them in a row. Only the state of lane 0 is reset, the others follow it.

    Parameters
    ----------
    s0, s1 : 64 bits each, the state at reset, not both 0.
    words : the most that are taken in a cycle.
    high_width, low_width : how many of the word's top and bottom bits the user takes, together 1 to 64.
    stages : cycles from words being taken to the words, 1 or 2.

    Members
    -------
    enable : In; nothing moves while it is 0.
    take : In, how many words are taken in this cycle, 0 to ``words``; 0 in the first cycle after a reset.
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
                "take": In(words.bit_length()),
                "word": Out(layout),
                "load": In(stream_load_signature()),
                "load_zero": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s0, s1 = (Signal(RANDOM_WIDTH, name=f"s{half}", init=init) for half, init in enumerate(self._init))
        first: Value = Cat(s0, s1)
        rest = [Signal(2 * RANDOM_WIDTH, name=f"state_{lane}", reset_less=True) for lane in range(1, self._words)]
        states: list[Value] = [first, *rest]
        ahead = self._steps(m, states[-1], self._words, "ahead")
        with m.If(self.enable):
            for state, after in zip(states, _without(states, ahead, self.take), strict=True):
                m.d.sync += state.eq(after)
        loaded, parts = self._load(m, s0, s1)
        with m.If(loaded):
            m.d.sync += first.eq(Cat(parts))
        if rest:
            # Where lane 0 is set from outside, the other lanes follow; after a reset, a cycle later.
            fresh = Signal(init=1)
            m.d.sync += fresh.eq(0)
            following = self._steps(m, Cat(parts), len(rest), "following")
            with m.If(loaded | fresh):
                m.d.sync += Cat(rest).eq(Cat(following))

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

    def _load(self, m: Module, s0: Signal, s1: Signal) -> tuple[Value, list[Value]]:
        """(a load is done in this cycle, lane 0 with what it loads).

        A load is checked now and done a cycle later: so the path from where it comes from ends at a register.
        """
        parts = [half[low : low + VALUE_WIDTH] for half in (s0, s1) for low in range(0, RANDOM_WIDTH, VALUE_WIDTH)]
        # Whether each part is not 0, a cycle late: loads come rarely enough.
        used = [delayed(m, part.any(), f"part_{index}_used", reset_less=False) for index, part in enumerate(parts)]
        others = [any_of(used[:index] + used[index + 1 :]) for index in range(len(parts))]
        value = Signal(VALUE_WIDTH, name="load_value", reset_less=True)
        loaded = Signal(len(parts), name="load_parts")
        chosen = [self.load.valid & (self.load.word == index) for index in range(len(parts))]
        legal = [here & (self.load.value.any() | other) for here, other in zip(chosen, others, strict=True)]
        m.d.sync += [
            value.eq(self.load.value),
            loaded.eq(Cat(*legal)),
            self.load_zero.eq(self.load.valid & ~any_of(legal)),
        ]
        return loaded.any(), [Mux(here, value, part) for part, here in zip(parts, loaded, strict=True)]

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
    """Of ``states`` and then ``ahead``, each as many, those after the first ``count``, as many again.

    Mostly a count is the most, all ``states``: so what is ahead, which comes late, then passes one multiplexer.
    """
    whole = count == len(states)
    rest = states + ahead[:-1]
    for bit in range((len(states) - 1).bit_length()):
        later = rest[1 << bit :]
        rest = [Mux(count[bit], after, state) for state, after in zip(rest, later, strict=False)] + rest[len(later) :]
    return [Mux(whole, after, state) for after, state in zip(ahead, rest, strict=False)]
