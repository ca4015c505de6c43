"""Draws of organisation tree in banks: words to places, those to their banks, and rows that come out to results.

Latency: ``latency.draw_cycles`` from a word to its result entering the queue. Page: docs/hardware/tree-banks.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base import latency
from amper_hw.base.bits import any_of, delayed, nth, structure
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import OK, STATUS_WIDTH, lane, record_layout, result_layout, stream_load_signature
from amper_hw.draw.beats import DrawBeats
from amper_hw.draw.unit import rooms_in_queue
from amper_hw.parts.passing_queue import PassingQueue
from amper_hw.tree.banks.places import BankPlaces
from amper_hw.tree.banks.splitter import BankSplitter
from amper_hw.tree.ports import operation_layout, unless_faulty
from amper_hw.tree.shape import of_a_bank
from amper_spec.config import AmperConfig


class BankDrawUnit(Composite):
    """D draws a cycle at most, one a bank. In front of the banks beats wait in a queue while one goes out in parts, or
    the result queue has no room; before and behind, nothing ever has to stand still.

    Parameters
    ----------
    config : the configuration, with several banks.

    Members
    -------
    record, load, load_zero, total, idle, result : as of ``TreeDrawUnit``.
    ends : In, of each bank, where its places end; the last is T. Stable while a batch has a record and is not
        ``drained``. sums : In, T of each bank, as stable.
    draw : Out, to each bank, ``operation_layout`` of its root. drawn : In, what came out of each.
    faulty : In, with protection: as of ``TreeDrawUnit``.
    drained : Out, all draws of batches that have a record are on their way into their banks. draining : Out, the last
        beat goes on, so that what is written from now on comes behind it.
    """

    _PARTS = 4  # cycles that a beat may take while writes are taken: by two less than these take to their root

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        self._bank = of_a_bank(config)
        root = operation_layout(self._bank, sum_width=self._bank.total_width)
        row = operation_layout(self._bank, sum_width=config.priority_width)
        super().__init__(
            {
                "record": In(stream.Signature(record_layout(config))),
                "load": In(stream_load_signature()),
                "load_zero": Out(1),
                "ends": In(config.total_width).array(config.banks),
                "sums": In(self._bank.total_width).array(config.banks),
                "draw": Out(root).array(config.banks),
                "drawn": In(row).array(config.banks),
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
        config, ports = self._config, self._config.draw_ports
        beats = self.instantiate(m, "beats", SharedModule.of("amper_draw_beats", DrawBeats(config)))
        wiring.connect(m, wiring.flipped(self.record), beats.record)
        wiring.connect(m, wiring.flipped(self.load), beats.load)
        m.d.comb += self.load_zero.eq(beats.load_zero)
        places = self.instantiate(m, "bank_places", SharedModule.of("amper_bank_places", BankPlaces(config)))
        wiring.connect(m, beats.beat, places.beat)
        m.d.comb += [inner.eq(outer) for inner, outer in zip(places.ends, self.ends, strict=True)]
        with m.If(beats.beat.valid & beats.beat.ready & (beats.beat.payload.status == OK)):
            m.d.sync += self.total.eq(self.ends[-1])
        splitter = self.instantiate(m, "splitter", SharedModule.of("amper_bank_splitter", BankSplitter(lanes=ports)))
        # A place for each one under way: between the banks and the queue, in the queue, in being freed; and, while
        # those are taken, for a whole beat in parts.
        depth = latency.bank_draw_cycles(config) + latency.queue_cycles(config) + 2 + ports
        sent = splitter.sent
        found = places.found.payload
        room, enough = rooms_in_queue(m, self.result.valid & self.result.ready, sent, depth, 1, ports)
        m.d.comb += [
            splitter.valid.eq(places.found.valid),
            splitter.lanes.eq(found.lanes),
            splitter.meets.eq(found.meets),
            splitter.room.eq(room),
            places.found.ready.eq(splitter.taken),
        ]
        group = splitter.group & sent.replicate(ports)
        last = found.last & splitter.last
        self._enter(m, group, splitter.first, found)
        self._results(m, Cat(sent, last, group, found.status), found, depth)
        self._idle(m, sent & last, places.found.valid & found.last & enough)
        return m

    def _results(self, m: Module, tag: Value, found: data.View, depth: int) -> None:
        """What goes to the banks as results, in the queue behind them."""
        config, ports = self._config, self._config.draw_ports
        cycles = latency.bank_draw_cycles(config) - 1
        tag = delayed(m, tag, "tree_tag", cycles, reset_less=False)
        banks = [delayed(m, found.bank[index], f"tree_bank_{index}", cycles) for index in range(ports)]
        entry = self._entry(m, tag, banks)
        done = delayed(m, tag, "done_tag", reset_less=False)
        m.submodules.queue = queue = PassingQueue(
            width=result_layout(config).size, depth=depth, pieces=config.primitives == "blocks"
        )
        m.d.comb += [
            entry.last.eq(done[1]),
            entry.status.eq(done[2 + ports :][:STATUS_WIDTH]),
            queue.w_en.eq(done[0]),
            queue.w_data.eq(unless_faulty(entry, self.faulty) if config.protected else entry),
            self.result.valid.eq(queue.r_rdy),
            self.result.payload.eq(queue.r_data),
            queue.r_en.eq(self.result.ready),
        ]
        if ports > 1:
            m.d.comb += entry.lanes.eq(done[2 : 2 + ports])

    def _enter(self, m: Module, group: Value, first: Value, found: data.View) -> None:
        """Each bank's draw, from the lane that has one for it; its place is there before it is known to go."""
        width, ports = self._bank.total_width, self._config.draw_ports
        for bank in range(self._config.banks):
            chosen = Signal(width, name=f"place_to_{bank}")
            mine = [first[index] & (found.bank[index] == bank) for index in range(ports)]
            m.d.comb += chosen.eq(any_of([found.place[index] & one.replicate(width) for index, one in enumerate(mine)]))
            goes = (Cat(mine) & group).any()
            valid = delayed(m, goes, f"draw_to_{bank}", reset_less=False)
            entered = delayed(m, chosen, f"entered_{bank}")
            m.d.comb += [
                self.draw[bank].draw.eq(valid),
                self.draw[bank].value.eq(entered),
                self.draw[bank].past.eq(entered - self.sums[bank]),
            ]

    def _entry(self, m: Module, tag: Value, banks: list[Value]) -> data.View:
        """The result of each lane, two cycles after its row came out of its bank; 0 where it has none."""
        config, ports = self._config, self._config.draw_ports
        entry: data.View = structure(result_layout(config), "entry")
        rows = [delayed(m, each.row, f"row_of_{bank}") for bank, each in enumerate(self.drawn)]
        codes = []
        if config.result_priority:
            # From where the row's places begin, and from where they end.
            codes = [
                delayed(m, (each.value - each.past)[: config.priority_width], f"code_of_{bank}")
                for bank, each in enumerate(self.drawn)
            ]
        for index, bank in enumerate(banks):
            has = tag[2 + index]
            row = Signal(config.row_width, name=f"row_{index}", reset_less=True)
            m.d.sync += row.eq(Mux(has, Cat(bank, nth(rows, bank)), 0))
            m.d.comb += lane(entry.row, index, ports).eq(row)
            if config.result_priority:
                priority = Signal(config.priority_width, name=f"priority_{index}", reset_less=True)
                m.d.sync += priority.eq(Mux(has, nth(codes, bank), 0))
                m.d.comb += lane(entry.priority, index, ports).eq(priority)
        return entry

    def _idle(self, m: Module, seen: Value, ending: Value) -> None:
        """``seen``: the last draw of a batch goes to its bank; some cycles later it is in the queue. ``ending``: the
        last beat goes, in D cycles at most, for nothing hinders it."""
        config = self._config
        most = DrawBeats.MOST_RECORDS + BankPlaces.depth(config) + 2
        batches = Signal(range(most), name="batches_to_see")
        taken_before = delayed(m, self.record.valid & self.record.ready, "record_taken", reset_less=False)
        to_queue = Signal(latency.bank_draw_cycles(config))
        m.d.sync += [batches.eq(batches + taken_before - seen), to_queue.eq(Cat(seen, to_queue[:-1]))]
        m.d.comb += [
            self.drained.eq((batches == 0) & ~taken_before),
            self.draining.eq((batches == 1) & ~taken_before & ending if config.draw_ports <= self._PARTS else 0),
            self.idle.eq(self.drained & ~to_queue.any()),
        ]
