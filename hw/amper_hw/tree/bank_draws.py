"""Draws of organisation tree in banks: words to places, places to banks, and rows that come out of them to results.

Latency: ``latency.draw_cycles`` from a word to its result entering the queue. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base import latency
from amper_hw.base.bits import delayed, nth, structure
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import OK, STATUS_WIDTH, lane, record_layout, result_layout, stream_load_signature
from amper_hw.base.pipeline import held
from amper_hw.draw.beats import DrawBeats
from amper_hw.draw.unit import room_in_queue
from amper_hw.parts.passing_queue import PassingQueue
from amper_hw.parts.stored_multiples import odd_multiples
from amper_hw.planes.place import Place, has_stored_multiples
from amper_hw.planes.ports import is_stratified
from amper_hw.tree.ports import operation_layout, unless_faulty
from amper_hw.tree.shape import bank_bits, of_a_bank
from amper_hw.tree.splitter import BankSplitter
from amper_spec.config import AmperConfig


class BankDrawUnit(Composite):
    """D draws a cycle at most, one a bank. In front of the banks the pipeline stands still while a beat goes out in
    parts, or the result queue has no room; behind, nothing ever has to.

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
        ones begin it.
    """

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
        beat = beats.beat.payload
        advance = Signal()
        m.d.comb += [self.load_zero.eq(beats.load_zero), beats.beat.ready.eq(advance)]
        with m.If(beats.beat.valid & advance & (beat.status == OK)):
            m.d.sync += self.total.eq(self.ends[-1])
        front = latency.place_cycles(config) + latency.BANK_CYCLES
        tag = held(
            m, advance, Cat(beats.beat.valid, beat.last, beat.lanes, beat.status), "front_tag", front, reset_less=False
        )
        banks, places = self._found(m, beat, advance)
        # A place for each one under way: between the banks and the queue, in the queue, in being freed.
        depth = latency.bank_draw_cycles(config) + latency.queue_cycles(config) + 2
        sent = Signal()
        group = Signal(ports)
        last = Signal()
        room = room_in_queue(m, self.result.valid & self.result.ready, sent, depth)
        self._split(m, tag, banks, room, advance=advance, sent=sent, group=group, last=last)
        self._enter(m, group, banks, places)
        tag = Cat(sent, last, group, tag[2 + ports :])
        tag = delayed(m, tag, "tree_tag", latency.bank_draw_cycles(config) - 1, reset_less=False)
        lanes_of = [
            delayed(m, bank, f"tree_bank_{index}", latency.bank_draw_cycles(config) - 1)
            for index, bank in enumerate(banks)
        ]
        entry = self._entry(m, tag, lanes_of)
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
        self._idle(m, sent & last)
        return m

    # --- in front of the banks: may stand still ------------------------------------------------------------------

    def _found(self, m: Module, beat: wiring.PureInterface, advance: Value) -> tuple[list[Value], list[Value]]:
        """Of each lane its bank and its place there, ``place_cycles`` and ``BANK_CYCLES`` after its word."""
        config, ports = self._config, self._config.draw_ports
        part = SharedModule.of("amper_place", Place(config))
        odd = odd_multiples(m, self.ends[-1]) if has_stored_multiples(config) else None
        banks, places = [], []
        for index in range(ports):
            place = self.instantiate(m, f"place_{index}", part)
            word = lane(beat.word, index, ports)
            m.d.comb += [
                place.enable.eq(advance),
                place.word.eq(word[len(word) - config.place_width :]),
                place.total.eq(self.ends[-1]),
            ]
            if odd is not None:
                m.d.comb += place.odd.eq(odd)
            if is_stratified(config):
                m.d.comb += [
                    place.part.eq(lane(beat.part, index, ports)),
                    place.height.eq(lane(beat.height, index, ports)),
                ]
            bank, inside = self._bank_of(m, place.place, advance, index)
            banks.append(bank)
            places.append(inside)
        return banks, places

    def _bank_of(self, m: Module, place: Value, advance: Value, index: int) -> tuple[Value, Value]:
        """The bank that has a place, and the place there: what lies before it is taken off."""
        width = self._bank.total_width
        insides, passed = [held(m, advance, place[:width], f"from_start_{index}", 1)], []
        for number in range(self._config.banks - 1):
            beyond = Signal(len(place) + 1, name=f"beyond_{index}_{number}")
            m.d.comb += beyond.eq(place - self.ends[number])
            insides.append(held(m, advance, beyond[:width], f"inside_{index}_{number}", 1))
            passed.append(held(m, advance, ~beyond[-1], f"passed_{index}_{number}", 1))
        # Ends ascend: the bank is the number of those that the place has passed.
        bank = Signal(bank_bits(self._config), name=f"bank_found_{index}")
        m.d.comb += bank.eq(sum(passed[1:], passed[0]))
        inside = nth(insides, bank)
        return held(m, advance, bank, f"bank_{index}", 1), held(m, advance, inside, f"place_in_bank_{index}", 1)

    def _split(
        self,
        m: Module,
        tag: Value,
        banks: list[Value],
        room: Value,
        *,
        advance: Value,
        sent: Value,
        group: Value,
        last: Value,
    ) -> None:
        """Lanes to the banks, one a bank and cycle."""
        ports = self._config.draw_ports
        valid, lanes = tag[0], tag[2 : 2 + ports]
        if ports == 1:
            m.d.comb += [
                sent.eq(valid & room),
                group.eq(lanes & sent),
                last.eq(tag[1]),
                advance.eq(~valid | room),
            ]
            return
        part = BankSplitter(lanes=ports, bank_width=bank_bits(self._config))
        splitter = self.instantiate(m, "splitter", SharedModule.of("amper_bank_splitter", part))
        m.d.comb += [
            splitter.valid.eq(valid),
            splitter.lanes.eq(lanes),
            splitter.room.eq(room),
            advance.eq(~valid | splitter.taken),
            sent.eq(splitter.sent),
            group.eq(splitter.group & sent.replicate(ports)),
            last.eq(tag[1] & splitter.last),
        ]
        m.d.comb += [splitter.banks[index].eq(bank) for index, bank in enumerate(banks)]

    # --- from the banks on: never stands still -------------------------------------------------------------------

    def _enter(self, m: Module, group: Value, banks: list[Value], places: list[Value]) -> None:
        """Each bank's draw, from the lane that has one for it."""
        width = self._bank.total_width
        for bank in range(self._config.banks):
            chosen: Value = Signal(width, name=f"place_to_{bank}")
            mine = [group[index] & (found == bank) for index, found in enumerate(banks)]
            value: Value = places[0] & mine[0].replicate(width)
            for one, place in zip(mine[1:], places[1:], strict=True):
                value = value | (place & one.replicate(width))
            m.d.comb += chosen.eq(value)
            valid = delayed(m, Cat(mine).any(), f"draw_to_{bank}", reset_less=False)
            entered = delayed(m, chosen, f"entered_{bank}")
            m.d.comb += [
                self.draw[bank].draw.eq(valid),
                self.draw[bank].value.eq(entered),
                self.draw[bank].past.eq(entered - self.sums[bank]),
            ]

    def _entry(self, m: Module, tag: Value, banks: list[Value]) -> data.View:
        """The result of each lane, a cycle after its row came out of its bank; 0 where it has none."""
        config, ports = self._config, self._config.draw_ports
        entry: data.View = structure(result_layout(config), "entry")
        for index, bank in enumerate(banks):
            has = tag[2 + index]
            rows = [each.row for each in self.drawn]
            row = Signal(config.row_width, name=f"row_{index}", reset_less=True)
            m.d.sync += row.eq(Mux(has, Cat(bank, nth(rows, bank)), 0))
            m.d.comb += lane(entry.row, index, ports).eq(row)
            if config.result_priority:
                # From where the row's places begin, and from where they end.
                codes = [(each.value - each.past)[: config.priority_width] for each in self.drawn]
                priority = Signal(config.priority_width, name=f"priority_{index}", reset_less=True)
                m.d.sync += priority.eq(Mux(has, nth(codes, bank), 0))
                m.d.comb += lane(entry.priority, index, ports).eq(priority)
        return entry

    def _idle(self, m: Module, seen: Value) -> None:
        """``seen``: the last draw of a batch goes to its bank; some cycles later it is in the queue."""
        config = self._config
        most = 2 * DrawBeats.MOST_RECORDS + latency.draw_cycles(config)
        batches = Signal(range(most), name="batches_to_see")
        taken_before = delayed(m, self.record.valid & self.record.ready, "record_taken", reset_less=False)
        to_queue = Signal(latency.bank_draw_cycles(config))
        m.d.sync += [batches.eq(batches + taken_before - seen), to_queue.eq(Cat(seen, to_queue[:-1]))]
        m.d.comb += [
            self.drained.eq((batches == 0) & ~taken_before),
            self.draining.eq((batches == 1) & ~taken_before & seen),
            self.idle.eq(self.drained & ~to_queue.any()),
        ]
