"""Draws of organisation tree: from random words to places, and from rows that come out of the tree to results.

Latency: ``latency.draw_cycles`` from a word to its result entering the queue. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base import latency
from amper_hw.base.bits import delayed, structure
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import OK, STATUS_WIDTH, record_layout, result_layout, stream_load_signature
from amper_hw.draw.beats import DrawBeats
from amper_hw.draw.unit import room_in_queue
from amper_hw.parts.passing_queue import PassingQueue
from amper_hw.parts.stored_multiples import odd_multiples
from amper_hw.planes.place import Place, has_stored_multiples, place_word
from amper_hw.tree.ports import operation_layout, unless_faulty
from amper_spec.config import AmperConfig


class TreeDrawUnit(Composite):
    """A draw a cycle. A word is taken only when the result queue has room for its draw, so that nothing ever stalls.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    record : In stream of ``record_layout``: batches in their order; a refused one becomes one beat without a row.
    load, load_zero : the draw stream's state, see ``Urng``; only while idle.
    sum : In, T; stable from the cycle in which a word of it comes to that in which its place enters the tree, with
        stored multiples from the cycle before.
    operation : Out, ``operation_layout`` of the root: draws. drawn : In, that of a row: what came out of the tree.
    faulty : In, with protection: what came out of the tree in the cycle before may be wrong; then so is all that is
        under way in it.
    drained : Out, no batch that has a record will take a word, from now on. draining : Out, this is the last word.
    idle : Out, all results of all records are in the queue. total : Out, T of the latest batch that began to draw.
    result : Out stream of ``result_layout``.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "record": In(stream.Signature(record_layout(config))),
                "load": In(stream_load_signature()),
                "load_zero": Out(1),
                "sum": In(config.total_width),
                "operation": Out(operation_layout(config, sum_width=config.total_width)),
                "drawn": In(operation_layout(config, sum_width=config.priority_width)),
                **({"faulty": In(1)} if config.protected else {}),
                "drained": Out(1),
                "draining": Out(1),
                "idle": Out(1),
                "total": Out(config.total_width),
                "result": Out(stream.Signature(result_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        beats = self.instantiate(m, "beats", SharedModule.of("amper_draw_beats", DrawBeats(config)))
        wiring.connect(m, wiring.flipped(self.record), beats.record)
        wiring.connect(m, wiring.flipped(self.load), beats.load)
        m.d.comb += self.load_zero.eq(beats.load_zero)
        beat = beats.beat.payload
        begins = Signal()
        # A place for each one under way, in the queue, in being freed.
        depth = latency.draw_cycles(config) + latency.queue_cycles(config) + 2
        room = room_in_queue(m, self.result.valid & self.result.ready, begins, depth)
        m.d.comb += [beats.beat.ready.eq(room), begins.eq(beats.beat.valid & room)]
        with m.If(begins & (beat.status == OK)):
            m.d.sync += self.total.eq(self.sum)
        tag: Value = Cat(begins, beat.lanes, beat.last, beat.status)
        tag = delayed(m, tag, "place_tag", latency.place_cycles(config), reset_less=False)
        self._enter(m, beat, tag[0] & tag[1])
        tag = delayed(m, tag, "tree_tag", latency.sum_tree_cycles(config) + 1, reset_less=False)
        m.submodules.queue = queue = PassingQueue(
            width=result_layout(config).size, depth=depth, pieces=config.primitives == "blocks"
        )
        m.d.comb += [
            queue.w_en.eq(tag[0]),
            queue.w_data.eq(self._entry(m, tag)),
            self.result.valid.eq(queue.r_rdy),
            self.result.payload.eq(queue.r_data),
            queue.r_en.eq(self.result.ready),
        ]
        self._count(m, begins, begins & beat.last, tag[0], depth)
        return m

    def _enter(self, m: Module, beat: wiring.PureInterface, draws: Value) -> None:
        """Places to the root."""
        config = self._config
        place = self.instantiate(m, "word_to_place", SharedModule.of("amper_place", Place(config)))
        m.d.comb += [
            place.enable.eq(1),
            self.operation.draw.eq(draws),
            self.operation.value.eq(place.place),
            self.operation.past.eq(place.place - self.sum),
        ]
        odd = odd_multiples(m, self.sum) if has_stored_multiples(config) else None
        place_word(m, config, place, beat=beat, total=self.sum, odd=odd)

    def _entry(self, m: Module, tag: Value) -> Value:
        """The result of a beat, a cycle after its row came out of the tree; 0 where it has none."""
        config, drawn = self._config, self.drawn
        entry: data.View = structure(result_layout(config), "entry")
        row = Signal(config.row_width, reset_less=True)
        m.d.sync += row.eq(Mux(drawn.draw, drawn.row, 0))
        m.d.comb += [entry.row.eq(row), entry.last.eq(tag[2]), entry.status.eq(tag[3:][:STATUS_WIDTH])]
        if config.result_priority:
            priority = Signal(config.priority_width, reset_less=True)
            # From where the row's places begin, and from where they end.
            m.d.sync += priority.eq(Mux(drawn.draw, drawn.value - drawn.past, 0))
            m.d.comb += entry.priority.eq(priority)
        if config.protected:
            return unless_faulty(entry, self.faulty)
        value: Value = entry.as_value()
        return value

    def _count(self, m: Module, begins: Value, last: Value, ends: Value, depth: int) -> None:
        """Batches that will still take words, and draws that are not in the queue."""
        batches = Signal(range(2 * DrawBeats.MOST_RECORDS))
        under_way = Signal(range(depth + 1))
        taken_before = delayed(m, self.record.valid & self.record.ready, "record_taken", reset_less=False)
        m.d.sync += [batches.eq(batches + taken_before - last), under_way.eq(under_way + begins - ends)]
        m.d.comb += [
            self.drained.eq((batches == 0) & ~taken_before),
            self.draining.eq((batches == 1) & ~taken_before & last),
            self.idle.eq(self.drained & (under_way == 0)),
        ]
