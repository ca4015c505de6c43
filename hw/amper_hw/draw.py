"""Draws: from random words and |CSP| to rows and their priorities (docs/algorithm.md, section 6)."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from amper.config import DRAW_RANDOM_WIDTH, AmperConfig
from amper_hw.bits import delayed
from amper_hw.latency import QUEUE_CYCLES, draw_cycles, row_answer_cycles
from amper_hw.modules import Composite, SharedModule
from amper_hw.multiplier import PipelinedMultiplier
from amper_hw.payload import BAD_BATCH, NO_VALID_ROW, STATUS_WIDTH, array_signature, draw_signature, result_layout
from amper_hw.rank_select import BitSelect
from amper_hw.urng import Urng


def select_signature(config: AmperConfig) -> wiring.Signature:
    """What the draw unit asks of the row array and is answered, seen from the draw unit."""
    members = array_signature(config, rows=config.rows).members
    return wiring.Signature({name: members[name].flip() for name in ("select", "selected", "read", "data")})


class DrawUnit(Composite):
    """One draw a cycle, without a scan of the CSP: rank, bank, bit, priority.

    A draw enters the pipeline only when the result queue has room for it, so that nothing inside ever has to stall. A
    result enters the queue ``latency.draw_cycles`` after its random word was taken and is offered ``QUEUE_CYCLES`` on.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    start : In {valid, batch, csp_size, status}, only while ``idle``: draw ``batch`` rows from a CSP of ``csp_size``
        rows. With status NO_VALID_ROW or BAD_BATCH instead one beat with row and priority 0. The values are taken
        over at valid.
    array : ports of the row array. idle : Out, everything started is in the queue; the row array is not needed.
    result : Out stream of ``result_layout``.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        self._layout = result_layout(config)
        super().__init__(
            {
                "start": In(draw_signature(config)),
                "array": Out(select_signature(config)),
                "idle": Out(1),
                "result": Out(stream.Signature(self._layout)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # A draw a cycle needs a place for each one under way: in the pipeline, in the queue (2 cycles), in being freed.
        depth = draw_cycles(self._config) + QUEUE_CYCLES + 2
        m.submodules.queue = queue = SyncFIFOBuffered(width=self._layout.size, depth=depth)
        m.d.comb += [
            self.result.valid.eq(queue.r_rdy),
            self.result.payload.eq(queue.r_data),
            queue.r_en.eq(self.result.ready),
        ]
        remaining = Signal(self._config.batch_width)  # draws to begin
        pending = Signal(self._config.batch_width)  # beats to enter the queue
        csp_size = Signal(self._config.count_width, reset_less=True)
        status = Signal(STATUS_WIDTH, reset_less=True)
        refused = (status == NO_VALID_ROW) | (status == BAD_BATCH)
        drawn = Signal()
        refusal = Signal()
        room = self._room(m, drawn | refusal, depth)

        _, (s0, s1) = self._config.stream_states
        generator = Urng(s0=s0, s1=s1, high_width=DRAW_RANDOM_WIDTH, low_width=0)
        urng = self.instantiate(m, "urng", SharedModule.of("amper_draw_urng", generator))
        m.d.comb += [
            urng.word.ready.eq((remaining != 0) & room),
            drawn.eq(urng.word.ready & urng.word.valid),
            refusal.eq((pending != 0) & refused & room),
            self.idle.eq(pending == 0),
        ]
        row, valid = self._row(m, urng.word.payload.high, csp_size, drawn)
        with m.If(drawn):
            m.d.sync += remaining.eq(remaining - 1)
        with m.If(valid | refusal):
            m.d.sync += pending.eq(pending - 1)
        with m.If(self.start.valid):
            refuse = (self.start.status == NO_VALID_ROW) | (self.start.status == BAD_BATCH)
            m.d.sync += [
                remaining.eq(Mux(refuse, 0, self.start.batch)),
                pending.eq(Mux(refuse, 1, self.start.batch)),
                csp_size.eq(self.start.csp_size),
                status.eq(self.start.status),
            ]

        entry = Signal(self._layout)
        m.d.comb += [
            entry.row.eq(Mux(refused, 0, row)),
            entry.priority.eq(self.array.data.priority),  # 0 when nothing was read
            entry.last.eq(pending == 1),
            entry.status.eq(status),
            queue.w_data.eq(entry),
            queue.w_en.eq(valid | refusal),
        ]
        return m

    def _room(self, m: Module, reserved: Value, depth: int) -> Signal:
        """Whether the queue has a place that no draw under way will take."""
        places = Signal(range(depth + 1), init=depth)
        freed = self.result.valid & self.result.ready
        m.d.sync += places.eq(places - reserved + freed)
        room = Signal()
        m.d.comb += room.eq(places != 0)
        return room

    def _row(self, m: Module, word: Value, csp_size: Value, drawn: Value) -> tuple[Value, Value]:
        """The pipeline of one draw; returns (row, valid) in the cycle of its priority at ``array.data``."""
        config, array = self._config, self.array
        product = PipelinedMultiplier(a_width=DRAW_RANDOM_WIDTH, b_width=config.count_width)
        multiplier = self.instantiate(m, "rank_multiplier", SharedModule.of(product.name, product))
        m.d.comb += [multiplier.enable.eq(1), multiplier.a.eq(word), multiplier.b.eq(csp_size)]
        valid = drawn
        for stage in range(PipelinedMultiplier.LATENCY):
            valid = delayed(m, valid, f"rank_valid_{stage}", reset_less=False)
        rank = multiplier.product[DRAW_RANDOM_WIDTH:]
        m.d.comb += [array.select.valid.eq(valid), array.select.rank.eq(rank)]

        bank = getattr(array.selected, "bank", Const(0, 0))
        selector = BitSelect(width=len(array.selected.vector), tag_width=len(bank))
        bit_select = self.instantiate(m, "bit_select", SharedModule.of("amper_bit_select", selector))
        m.d.comb += [
            bit_select.start.valid.eq(array.selected.valid),
            bit_select.start.vector.eq(array.selected.vector),
            bit_select.start.rank.eq(array.selected.rank),
        ]
        if len(bank):
            m.d.comb += bit_select.start.tag.eq(bank)
        row: Value = Cat(bit_select.done.position, getattr(bit_select.done, "tag", Const(0, 0)))
        m.d.comb += [array.read.valid.eq(bit_select.done.valid), array.read.row.eq(row)]
        for stage in range(row_answer_cycles(config)):
            row = delayed(m, row[: config.row_width], f"row_{stage}")
        return row, array.data.valid
