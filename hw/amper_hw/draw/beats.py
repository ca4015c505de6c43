"""Beats of random words for the draws of each batch, made before they are needed.

Latency: 3 + ``latency.urng_cycles`` from a record to its first beat; with exact, ``RECORD_CYCLES`` + ``urng_cycles``.
Page: docs/theory/hardware.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import encode, structure
from amper_hw.base.latency import urng_cycles
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import OK, STATUS_WIDTH, lanes, record_layout, stream_load_signature
from amper_hw.base.pipeline import held
from amper_hw.base.variants import has_both, has_candidates, has_exact
from amper_hw.parts.urng import Urng
from amper_hw.planes.ports import height_width, is_stratified, part_width
from amper_spec.config import DRAW_RANDOM_WIDTH, AmperConfig


def beat_layout(config: AmperConfig) -> data.StructLayout:
    """Up to D draws: a ``word`` for each of the ``lanes``; ``last`` of its batch. A refused batch has no lane.

    ``exact``, where another variant is built in, too: the variant of the batch. With stratified draws, ``part`` and
    ``height`` of each lane: it is draw ``part`` of 2^``height`` that are spread together.
    """
    ports = config.draw_ports
    fields: dict[str, ShapeLike] = {"word": lanes(draw_word_width(config), ports), "lanes": ports, "last": 1}
    fields |= {"status": STATUS_WIDTH} | ({"exact": 1} if has_both(config) else {})
    if is_stratified(config):
        fields |= {"part": lanes(part_width(config), ports), "height": lanes(height_width(config), ports)}
    return data.StructLayout(fields)


def draw_word_width(config: AmperConfig) -> int:
    """High bits of a draw word that the built-in variants need."""
    exact = config.place_width if has_exact(config) else 0
    return max(exact, DRAW_RANDOM_WIDTH if has_candidates(config) else 0)


class DrawBeats(Composite):
    """The records of batches, each as ceil(batch / D) beats, or one beat if it was refused.

    The beats of a batch are ready long before its |CSP| is known, and those of the next follow without a gap. With
    variant exact, whose T is known, nothing waits in between: ``beat.ready`` reaches back to the words.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    record : In stream of ``record_layout``. beat : Out stream of ``beat_layout``.
    load, load_zero : see ``Urng``.
    """

    QUEUE = 4  # records that wait; so many requests are taken ahead of the draws
    MOST_RECORDS = QUEUE + 6  # with those taken apart, in the pipeline and in the queue of beats

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "record": In(stream.Signature(record_layout(config))),
                "beat": Out(stream.Signature(beat_layout(config))),
                "load": In(stream_load_signature()),
                "load_zero": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, ports = self._config, self._config.draw_ports
        active, advance, step = (Signal(name=name) for name in ("active", "advance", "step"))
        records, waiting, offered = self._records(m, active)
        exact = [Signal(name="exact")] if has_both(config) else []
        size = Signal(config.batch_width, reset_less=True)
        done = Signal(config.batch_width, reset_less=True)  # draws of the present record sent on
        left = Signal(config.batch_width, reset_less=True)  # draws of the present record after the present beat
        status = Signal(STATUS_WIDTH, reset_less=True)
        # The present beat, known a cycle ahead: whether a record is taken reaches all its registers and those of words.
        wanted = Signal(ports, reset_less=True)
        several = config.batch > ports  # a batch may have more than one beat
        last: Value = Signal(name="last", reset_less=True) if several else Const(1, 1)
        count = Signal(ports.bit_length(), reset_less=True)
        m.d.comb += [step.eq(active & advance), records.r_en.eq(~active | (step & last))]

        beat = Cat(wanted, *([count] if ports > 1 else []), *([last, left] if several else []))

        def present(draws: Value, accepted: Value) -> Value:
            """The present beat where ``draws`` are left; comparisons that no legal batch decides are left out."""
            lanes_of = [(draws > lane) & accepted if lane < config.batch else Const(0, 1) for lane in range(ports)]
            number = (Mux(draws > ports, ports, draws) if several else draws)[: len(count)]
            ends = [~accepted | (draws <= ports), (draws - ports)[: len(left)]] if several else []
            return Cat(*lanes_of, *([number] if ports > 1 else []), *ends)

        with m.If(records.r_en):
            m.d.sync += [active.eq(offered), status.eq(waiting.status), *(kept.eq(waiting.exact) for kept in exact)]
            m.d.sync += beat.eq(present(waiting.batch, waiting.status == OK))
        if several:
            with m.Elif(step):
                m.d.sync += beat.eq(present(left, Const(1, 1)))
        if is_stratified(config):
            with m.If(records.r_en):
                m.d.sync += [size.eq(waiting.batch), done.eq(0)]
            with m.Elif(step):
                m.d.sync += done.eq(done + ports)

        _, (s0, s1) = config.stream_states
        generator = Urng(
            s0=s0, s1=s1, words=ports, high_width=draw_word_width(config), low_width=0, stages=urng_cycles(config)
        )
        urng = self.instantiate(m, "urng", SharedModule.of("amper_draw_urng", generator))
        wiring.connect(m, wiring.flipped(self.load), urng.load)
        m.d.comb += [self.load_zero.eq(urng.load_zero), urng.enable.eq(advance), urng.take.eq(step & wanted[0])]
        if ports > 1:
            m.d.comb += urng.count.eq(count)
        strata = self._strata(m, size, done) if is_stratified(config) else []
        self._send(m, advance, Cat(step, wanted, last, status, *exact, *strata), urng.word.high)
        return m

    def _records(self, m: Module, active: Value) -> tuple[SyncFIFO, data.View, Value]:
        """The queue of records, the record that waits, and whether one does."""
        layout = record_layout(self._config)
        m.submodules.records = records = SyncFIFO(width=layout.size, depth=self.QUEUE)
        waiting = structure(layout, "waiting")
        # With exact, where a batch waits for nothing else, a record does not wait in the queue if none is before it.
        past: Value = ~records.r_rdy & ~active if has_exact(self._config) else Const(0, 1)
        m.d.comb += [
            waiting.as_value().eq(Mux(past, self.record.payload.as_value(), records.r_data)),
            records.w_data.eq(self.record.payload),
            records.w_en.eq(self.record.valid & ~past),
            self.record.ready.eq(records.w_rdy),
        ]
        return records, waiting, records.r_rdy | (past & self.record.valid)

    def _strata(self, m: Module, size: Value, done: Value) -> list[Value]:
        """Parts and heights of all lanes. A batch is cut into powers of two, the largest first: draw j lies in the one
        whose bit is the highest that ``size`` has and j has not, and is as far in it as j's bits below that say."""
        parts, heights = [], []
        for lane in range(self._config.draw_ports):
            draw = done | lane  # D is a power of two: a beat begins at a multiple of it
            open_bits = size & ~draw
            highest = Signal(len(size), name=f"highest_{lane}")
            m.d.comb += highest.eq(Cat(open_bits[bit] & ~open_bits[bit + 1 :].any() for bit in range(len(size))))
            height = encode([highest[bit] for bit in range(len(size))])
            parts.append((draw & (highest - 1))[: part_width(self._config)])
            heights.append(height[: height_width(self._config)])
        return [*parts, *heights]

    def _send(self, m: Module, advance: Signal, tag: Value, word: Value) -> None:
        """What travels beside the words; its lowest bit is the valid bit. It ends in a queue of two, so that whether a
        beat can go on is a register for all that is before it."""
        tag = held(m, advance, tag, "tag", urng_cycles(self._config), reset_less=False)
        if has_exact(self._config):
            m.d.comb += [
                advance.eq(~tag[0] | self.beat.ready),
                self.beat.valid.eq(tag[0]),
                self.beat.payload.as_value().eq(Cat(word, tag[1:])),
            ]
            return
        layout = beat_layout(self._config)
        m.submodules.ahead = ahead = SyncFIFO(width=layout.size, depth=2)
        m.d.comb += [
            ahead.w_en.eq(tag[0]),
            ahead.w_data.eq(Cat(word, tag[1:])),
            advance.eq(~tag[0] | ahead.w_rdy),
            self.beat.valid.eq(ahead.r_rdy),
            self.beat.payload.as_value().eq(ahead.r_data),
            ahead.r_en.eq(self.beat.ready),
        ]
