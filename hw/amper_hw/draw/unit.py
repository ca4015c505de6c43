"""Draws: from random words and |CSP| to rows and their priorities.

Latency: ``latency.CSP_CYCLES`` from |CSP| to its first draw, ``draw_cycles`` to the result in the queue, and
``queue_cycles`` to its being offered. Page: docs/reference/algorithm.md, section 6.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO, SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from amper_hw.base import latency
from amper_hw.base.bits import delayed, structure
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import (
    FALLBACK,
    OK,
    STATUS_WIDTH,
    array_signature,
    csp_layout,
    lane,
    record_layout,
    result_layout,
    stream_load_signature,
    strobe_signature,
)
from amper_hw.draw.beats import DrawBeats
from amper_hw.parts.multiplier import shared_multiplier
from amper_hw.parts.rank_select import BitSelect
from amper_spec.config import DRAW_RANDOM_WIDTH, AmperConfig

# Never more wait: the count of a batch comes after the one before was transferred, so after its draws have begun.
COUNTED = 2


def select_signature(config: AmperConfig) -> wiring.Signature:
    """What the draw unit asks of the row array and is answered, seen from the draw unit."""
    members = array_signature(config, rows=config.rows).members
    names = ["select", "selected", *(("read", "data") if config.result_priority else ())]
    return wiring.Signature({name: members[name].flip() for name in names})


def room_in_queue(m: Module, freed: Value, reserved: Value, depth: int) -> Signal:
    """Whether a queue of results has a place that no beat under way will take."""
    return rooms_in_queue(m, freed, reserved, depth, 1)[0]


def rooms_in_queue(m: Module, freed: Value, reserved: Value, depth: int, *needs: int) -> list[Signal]:
    """Whether a queue of results has as many places as each of ``needs`` that no beat under way will take."""
    places = Signal(range(depth + 1), init=depth)
    left = Signal(range(depth + 1))
    m.d.comb += left.eq(places - reserved + freed)
    # A register, since everything in front of what never stands still may do so for want of room.
    rooms = [Signal(init=1, name="room" if need == 1 else f"room_of_{need}") for need in needs]
    m.d.sync += [places.eq(left), *(room.eq(left >= need) for room, need in zip(rooms, needs, strict=True))]
    return rooms


class DrawUnit(Composite):
    """D draws a cycle, without a scan of the CSP: rank, bank, bit, priority.

    A beat of draws enters the pipeline only when the result queue has room for it, so that nothing inside ever has to
    stall.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    record : In stream of ``record_layout``: batches in their order; a refused one becomes one beat without a row.
    csp : In {valid, payload}, the CSP of each accepted record, in the same order.
    released : Out, the last draw of a batch enters the row array in this cycle.
    load, load_zero : the draw stream's state, see ``Urng``; only while idle.
    array : ports of the row array. idle : Out, all results of all records are in the queue.
    csp_size : Out, |CSP| of the latest batch that began to draw, 0 if no row had matched.
    result : Out stream of ``result_layout``.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        self._blocks = config.primitives == "blocks"
        self._several = config.rows > config.bank_rows  # banks: a selection has the index of its bank
        self._layout = result_layout(config)
        super().__init__(self._members(config))

    def _members(self, config: AmperConfig) -> dict[str, wiring.Member]:
        return {
            "record": In(stream.Signature(record_layout(config))),
            "csp": In(strobe_signature(csp_layout(config))),
            "released": Out(1),
            "load": In(stream_load_signature()),
            "load_zero": Out(1),
            "array": Out(select_signature(config)),
            "idle": Out(1),
            "csp_size": Out(config.count_width),
            "result": Out(stream.Signature(self._layout)),
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, ports = self._config, self._config.draw_ports
        beats = self.instantiate(m, "beats", SharedModule.of("amper_draw_beats", DrawBeats(config)))
        wiring.connect(m, wiring.flipped(self.record), beats.record)
        wiring.connect(m, wiring.flipped(self.load), beats.load)
        m.d.comb += self.load_zero.eq(beats.load_zero)
        used = Signal()  # the last beat of a CSP begins
        csp, available = self._csp(m, used)

        # A beat a cycle needs a place for each one under way: in the pipeline, in the queue (2 cycles), in being freed.
        depth = latency.draw_cycles(config) + latency.queue_cycles(config) + 2
        m.submodules.queue = queue = SyncFIFOBuffered(width=self._layout.size, depth=depth)
        beat = beats.beat.payload
        refused = beat.status != OK
        begins = Signal()
        m.d.comb += [
            beats.beat.ready.eq((refused | available) & self._room(m, begins, depth)),
            begins.eq(beats.beat.valid & beats.beat.ready),
            used.eq(begins & beat.last & ~refused),
            self.result.valid.eq(queue.r_rdy),
            self.result.payload.eq(queue.r_data),
            queue.r_en.eq(self.result.ready),
        ]
        with m.If(begins & ~refused):
            m.d.sync += self.csp_size.eq(Mux(csp.fallback, 0, csp.rows))

        status = Mux(refused, beat.status, Mux(csp.fallback, FALLBACK, OK))
        tag: Value = Cat(begins, beat.last, beat.lanes, status)
        tag = delayed(m, tag, "rank_tag", latency.multiplier_cycles(config) - 1, reset_less=False)
        m.d.sync += self.released.eq(tag[0] & tag[1] & tag[2])  # a refused beat has no lane
        tag = delayed(m, tag, "select_tag", reset_less=False)
        rows = self._rows(m, beat.word, csp.rows, [tag[0] & tag[2 + index] for index in range(ports)])
        rest = latency.draw_cycles(config) - latency.multiplier_cycles(config)
        tag = delayed(m, tag, "row_tag", rest, reset_less=False)
        m.d.comb += [queue.w_data.eq(self._entry(m, tag, rows)), queue.w_en.eq(tag[0])]
        self._count(m, tag[0] & tag[1])
        return m

    def _csp(self, m: Module, used: Value) -> tuple[data.View, Value]:
        """The CSP to draw from next, and whether there is one: from ``latency.CSP_CYCLES`` after its count came."""
        csp = structure(csp_layout(self._config), "csp")
        if self._blocks:
            first, available = self._first_of_two(m, used)
            m.d.comb += csp.as_value().eq(first)
            return csp, available
        m.submodules.counted = counted = SyncFIFO(width=len(csp.as_value()), depth=COUNTED)
        m.d.comb += [
            csp.as_value().eq(counted.r_data),
            counted.w_data.eq(self.csp.payload),
            counted.w_en.eq(self.csp.valid),
            counted.r_en.eq(used),
        ]
        return csp, counted.r_rdy

    def _first_of_two(self, m: Module, used: Value) -> tuple[Value, Value]:
        """The same queue with its first entry in a register: an FPGA's multiplier, which takes it, lies far away and
        takes half of a cycle itself, so that no memory can be read on the way."""
        new, payload = self.csp.valid, self.csp.payload.as_value()
        waiting, both = Signal(name="csp_waiting"), Signal(name="csp_both")
        first = Signal(len(payload), name="csp_first", reset_less=True)
        second = Signal(len(payload), name="csp_second", reset_less=True)
        m.d.sync += [waiting.eq(new | both | (waiting & ~used)), both.eq(Mux(used, both & new, both | (waiting & new)))]
        with m.If(used | ~waiting):
            m.d.sync += first.eq(Mux(both, second, payload))
        with m.If(new):
            m.d.sync += second.eq(payload)
        return first, waiting

    def _room(self, m: Module, reserved: Value, depth: int) -> Signal:
        return room_in_queue(m, self.result.valid & self.result.ready, reserved, depth)

    def _count(self, m: Module, finished: Value) -> None:
        """Batches whose results are not all in the queue."""
        batches = Signal(range(2 * DrawBeats.MOST_RECORDS + latency.draw_cycles(self._config)))
        taken = self.record.valid & self.record.ready
        taken_before = delayed(m, taken, "record_taken", reset_less=False)
        m.d.sync += batches.eq(batches + taken_before - finished)
        m.d.comb += self.idle.eq((batches == 0) & ~taken_before)

    def _rows(self, m: Module, words: Value | data.View, csp_size: Value, valid: list[Value]) -> list[Value]:
        """The pipelines of the lanes, whose ranks are ``valid``; returns the rows in the cycle of their results."""
        config, array, ports = self._config, self.array, self._config.draw_ports
        multiply = shared_multiplier(config, a_width=DRAW_RANDOM_WIDTH, b_width=config.count_width)
        select = self._bit_select()
        rows = []
        for index in range(ports):
            multiplier = self.instantiate(m, f"rank_multiplier_{index}", multiply)
            m.d.comb += [
                multiplier.enable.eq(1),
                multiplier.a.eq(lane(words, index, ports)),
                multiplier.b.eq(csp_size),
                array.select[index].valid.eq(valid[index]),
                array.select[index].rank.eq(multiplier.product[DRAW_RANDOM_WIDTH:]),
            ]
            row, found = self._bit(m, self.instantiate(m, f"bit_select_{index}", select), array.selected[index])
            if config.result_priority:
                m.d.comb += [array.read[index].valid.eq(found), array.read[index].row.eq(row)]
                row = delayed(m, row, f"row_{index}", latency.row_answer_cycles(config))
            rows.append(row)
        return rows

    def _bit_select(self) -> SharedModule:
        selected = self.array.selected[0]
        width, tag_width = len(selected.vector), len(selected.bank) if self._several else 0
        stages = latency.bit_select_cycles(self._config, width)
        select = BitSelect(width=width, tag_width=tag_width, stages=stages, blocks=self._blocks)
        return SharedModule.of("amper_bit_select", select)

    def _bit(self, m: Module, part: wiring.PureInterface, selected: wiring.PureInterface) -> tuple[Value, Value]:
        """(row, valid): the bit of the bank's CSP vector that has the rank."""
        m.d.comb += [
            part.start.valid.eq(selected.valid),
            part.start.vector.eq(selected.vector),
            part.start.rank.eq(selected.rank),
        ]
        row: Value = part.done.position
        if self._several:
            m.d.comb += part.start.tag.eq(selected.bank)
            row = Cat(row, part.done.tag)
        return row[: self._config.row_width], part.done.valid

    def _entry(self, m: Module, tag: Value, rows: list[Value]) -> Value:
        """The result of a beat; lanes without a draw are 0."""
        config, ports = self._config, self._config.draw_ports
        entry = Signal(self._layout)
        lanes = tag[2 : 2 + ports]
        for index, row in enumerate(rows):
            m.d.comb += lane(entry.row, index, ports).eq(Mux(lanes[index], row, 0))
            if config.result_priority:
                # 0 when nothing was read
                m.d.comb += lane(entry.priority, index, ports).eq(self.array.data[index].priority)
        if ports > 1:
            m.d.comb += entry.lanes.eq(lanes)
        m.d.comb += [entry.last.eq(tag[1]), entry.status.eq(tag[2 + ports :][:STATUS_WIDTH])]
        value: Value = entry.as_value()
        return value
