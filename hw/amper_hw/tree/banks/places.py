"""Draws of organisation tree in banks, the first half: from random words to banks and the places there.

Latency: ``latency.place_cycles`` + ``latency.BANK_CYCLES`` from a word to its beat being offered.
Page: docs/hardware/tree-banks.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base import latency
from amper_hw.base.bits import delayed, nth, structure
from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import STATUS_WIDTH
from amper_hw.draw.beats import beat_layout
from amper_hw.draw.unit import room_in_queue
from amper_hw.parts.passing_queue import PassingQueue
from amper_hw.parts.stored_multiples import odd_multiples
from amper_hw.planes.place import Place, has_stored_multiples, place_word
from amper_hw.tree.shape import bank_bits, of_a_bank
from amper_spec.config import AmperConfig


def bank_beat_layout(config: AmperConfig) -> data.StructLayout:
    """Up to D draws: of each of the ``lanes`` its ``bank``, its ``place`` there, and ``meets``, the lanes below it that
    have the same bank; ``last`` of its batch. A refused batch has no lane."""
    ports = config.draw_ports
    return data.StructLayout(
        {
            "last": 1,
            "lanes": ports,
            "status": STATUS_WIDTH,
            "bank": data.ArrayLayout(bank_bits(config), ports),
            "place": data.ArrayLayout(of_a_bank(config).total_width, ports),
            "meets": data.ArrayLayout(ports, ports),
        }
    )


class BankPlaces(Composite):
    """A beat a cycle. Words are taken only when the queue at the end has room for their beat, so that nothing on the
    way has to wait for the beats that go out in parts: whether they do would reach thousands of registers.

    Parameters
    ----------
    config : the configuration, with several banks.

    Members
    -------
    beat : In stream of ``beat_layout``. ends : In, of each bank, where its places end; the last is T. Stable from the
        cycle of a word on until its beat is offered, with stored multiples from the cycle before.
    found : Out stream of ``bank_beat_layout``, from registers.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "beat": In(stream.Signature(beat_layout(config))),
                "ends": In(config.total_width).array(config.banks),
                "found": Out(stream.Signature(bank_beat_layout(config))),
            }
        )

    @staticmethod
    def depth(config: AmperConfig) -> int:
        """Beats that may be under way or wait: enough for one a cycle, and for a beat that goes out in D parts."""
        return latency.place_cycles(config) + latency.BANK_CYCLES + 2 + config.draw_ports

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        begins = Signal()
        beat, found = self.beat.payload, self.found
        depth = self.depth(config)
        room = room_in_queue(m, found.valid & found.ready, begins, depth)
        m.d.comb += [self.beat.ready.eq(room), begins.eq(self.beat.valid & room)]
        cycles = latency.place_cycles(config) + latency.BANK_CYCLES - 1
        tag = delayed(m, Cat(begins, beat.last, beat.lanes, beat.status), "tag", cycles, reset_less=False)
        entry = structure(bank_beat_layout(config), "entry")
        for index, place in enumerate(self._places(m, beat)):
            self._bank_of(m, place, entry, index)
            same = [entry.bank[below] == entry.bank[index] for below in range(index)]
            m.d.comb += entry.meets[index].eq(Cat(*same, Const(0, config.draw_ports - index)))
        m.submodules.queue = queue = PassingQueue(
            width=entry.shape().size, depth=depth, pieces=config.primitives == "blocks"
        )
        m.d.comb += [
            entry.last.eq(tag[1]),
            entry.lanes.eq(tag[2:]),
            entry.status.eq(tag[2 + config.draw_ports :]),
            queue.w_en.eq(tag[0]),
            queue.w_data.eq(entry),
            found.valid.eq(queue.r_rdy),
            found.payload.as_value().eq(queue.r_data),
            queue.r_en.eq(found.ready),
        ]
        return m

    def _places(self, m: Module, beat: wiring.PureInterface) -> list[Value]:
        """The place in T of each lane's word."""
        config, ports = self._config, self._config.draw_ports
        part = SharedModule.of("amper_place", Place(config))
        odd = odd_multiples(m, self.ends[-1]) if has_stored_multiples(config) else None
        places = []
        for index in range(ports):
            place = self.instantiate(m, f"place_{index}", part)
            m.d.comb += place.enable.eq(1)
            place_word(m, config, place, beat=beat, index=index, total=self.ends[-1], odd=odd)
            places.append(place.place)
        return places

    def _bank_of(self, m: Module, place: Value, entry: data.View, index: int) -> None:
        """The bank that has a place, and the place there: what lies before it is taken off."""
        width, bits = of_a_bank(self._config).total_width, bank_bits(self._config)
        insides, passed = [delayed(m, place[:width], f"from_start_{index}")], []
        for number in range(self._config.banks - 1):
            beyond = Signal(len(place) + 1, name=f"beyond_{index}_{number}")
            m.d.comb += beyond.eq(place - self.ends[number])
            insides.append(delayed(m, beyond[:width], f"inside_{index}_{number}"))
            passed.append(delayed(m, ~beyond[-1], f"passed_{index}_{number}"))
        bank = Signal(bits, name=f"bank_found_{index}")
        m.d.comb += bank.eq(_passed(passed))
        m.d.comb += [
            entry.bank[index].eq(delayed(m, bank, f"bank_{index}")),
            entry.place[index].eq(delayed(m, nth(insides, bank), f"inside_bank_{index}")),
        ]


def _passed(passed: list[Value]) -> Value:
    """How many of 1, 3 or 7 ends a place has passed; they ascend, so that it has passed all before the last."""
    middle = len(passed) // 2
    if not middle:
        return passed[0]
    low, high = _passed(passed[:middle]), _passed(passed[middle + 1 :])
    top = passed[middle]
    return Cat((low & ~top.replicate(len(low))) | (high & top.replicate(len(low))), top)
