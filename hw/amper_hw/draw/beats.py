"""Beats of random words for the draws of each batch, made before they are needed.

Latency: 3 + ``latency.urng_cycles`` from a record to its first beat. Page: docs/theory/hardware.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from amper_hw.base.latency import urng_cycles
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import OK, STATUS_WIDTH, lanes, record_layout, stream_load_signature
from amper_hw.base.pipeline import held
from amper_hw.parts.urng import Urng
from amper_spec.config import DRAW_RANDOM_WIDTH, AmperConfig


def beat_layout(config: AmperConfig) -> data.StructLayout:
    """Up to D draws: a ``word`` for each of the ``lanes``; ``last`` of its batch. A refused batch has no lane."""
    ports = config.draw_ports
    return data.StructLayout(
        {"word": lanes(DRAW_RANDOM_WIDTH, ports), "lanes": ports, "last": 1, "status": STATUS_WIDTH}
    )


class DrawBeats(Composite):
    """The records of batches, each as ceil(batch / D) beats, or one beat if it was refused.

    The beats of a batch are ready long before its |CSP| is known, and those of the next follow without a gap.

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
        layout = record_layout(config)
        m.submodules.records = records = SyncFIFO(width=layout.size, depth=self.QUEUE)
        waiting = Signal(layout)
        m.d.comb += [
            waiting.as_value().eq(records.r_data),
            records.w_data.eq(self.record.payload),
            records.w_en.eq(self.record.valid),
            self.record.ready.eq(records.w_rdy),
        ]
        active = Signal()
        left = Signal(config.batch_width, reset_less=True)  # draws of the present record not yet sent on
        status = Signal(STATUS_WIDTH, reset_less=True)
        advance = Signal()
        step = Signal()
        last = Signal()
        accepted = status == OK
        m.d.comb += [
            step.eq(active & advance),
            last.eq(~accepted | (left <= ports) if config.batch > ports else 1),
            records.r_en.eq(~active | (step & last)),
        ]
        with m.If(records.r_en):
            m.d.sync += [active.eq(records.r_rdy), left.eq(waiting.batch), status.eq(waiting.status)]
        with m.Elif(step):
            m.d.sync += left.eq(left - ports)

        _, (s0, s1) = config.stream_states
        generator = Urng(
            s0=s0, s1=s1, words=ports, high_width=DRAW_RANDOM_WIDTH, low_width=0, stages=urng_cycles(config)
        )
        urng = self.instantiate(m, "urng", SharedModule.of("amper_draw_urng", generator))
        wiring.connect(m, wiring.flipped(self.load), urng.load)
        # Comparisons that no legal batch decides are left out.
        wanted = Cat((left > index) & accepted if index < config.batch else Const(0, 1) for index in range(ports))
        m.d.comb += [
            self.load_zero.eq(urng.load_zero),
            urng.enable.eq(advance),
            urng.take.eq(step & accepted),
        ]
        if ports > 1:
            m.d.comb += urng.count.eq(Mux(left > ports, ports, left) if config.batch > ports else left)
        self._send(m, advance, Cat(step, wanted, last, status), urng.word.high)
        return m

    def _send(self, m: Module, advance: Signal, tag: Value, word: Value) -> None:
        """What travels beside the words; its lowest bit is the valid bit. It ends in a queue of two, so that whether a
        beat can go on is a register for all that is before it."""
        tag = held(m, advance, tag, "tag", urng_cycles(self._config), reset_less=False)
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
