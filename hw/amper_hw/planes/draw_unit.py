"""Draws where variant exact is built in: from random words and the planes' sums to rows and their priorities.

Latency: ``latency.draw_cycles`` from a word to its result entering the queue.
Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base import latency
from amper_hw.base.bits import delayed
from amper_hw.base.modules import SharedModule
from amper_hw.base.payload import FALLBACK, OK, lane
from amper_hw.base.pipeline import held
from amper_hw.base.variants import has_both, has_candidates
from amper_hw.draw.beats import DrawBeats
from amper_hw.draw.unit import DrawUnit
from amper_hw.parts.multiplier import multiplied
from amper_hw.parts.passing_queue import PassingQueue
from amper_hw.parts.stored_multiples import odd_multiples
from amper_hw.planes.choice import PlaneChoice
from amper_hw.planes.place import Place, has_stored_multiples, place_word
from amper_hw.planes.ports import plane_signature, sums_signature
from amper_hw.planes.splitter import PlaneSplitter
from amper_spec.config import DRAW_RANDOM_WIDTH, AmperConfig

_CANDIDATES = ("csp", "released", "csp_size")  # members that only variants with a candidate set need


class PlaneDrawUnit(DrawUnit):
    """D draws a cycle at most: place, plane and rank, bank, bit, priority.

    In front of the row array the pipeline stands still while the result queue has no room; a draw whose plane has
    entered the array never has to. With another variant built in, its ranks within the CSP take the same way, in the
    same number of cycles.

    Parameters
    ----------
    config : the configuration, with variant exact built in.

    Members: those of ``DrawUnit``; ``csp``, ``released`` and ``csp_size`` only with another variant built in, and
    -------
    sums : In, the census's; current and stable while a batch of exact has a record and is not ``drained``.
    plane : Out, the plane of the draws that enter the array now; ``census`` is 0.
    drained : Out, no batch that has a record will look at the rows any more, from now on.
    total : Out, T of the latest batch of exact that began to draw.
    """

    def _members(self, config: AmperConfig) -> dict[str, wiring.Member]:
        members = super()._members(config)
        if not has_candidates(config):
            members = {name: member for name, member in members.items() if name not in _CANDIDATES}
        return members | {
            "sums": In(sums_signature(config)),
            "plane": Out(plane_signature(config)),
            "drained": Out(1),
            "total": Out(config.total_width),
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        beats = self.instantiate(m, "beats", SharedModule.of("amper_draw_beats", DrawBeats(config)))
        wiring.connect(m, wiring.flipped(self.record), beats.record)
        wiring.connect(m, wiring.flipped(self.load), beats.load)
        m.d.comb += self.load_zero.eq(beats.load_zero)

        # A place for each one under way: between the plane and the queue, in the queue, in being freed.
        depth = latency.plane_draw_cycles(config) + latency.queue_cycles(config) + 2
        m.submodules.queue = queue = PassingQueue(width=self._layout.size, depth=depth)
        m.d.comb += [
            self.result.valid.eq(queue.r_rdy),
            self.result.payload.eq(queue.r_data),
            queue.r_en.eq(self.result.ready),
        ]
        advance = Signal()
        sent = Signal()
        room = self._room(m, sent, depth)
        tag, exact, csp_size = self._begin(m, beats.beat, advance)
        choices = self._choices(m, beats.beat.payload, advance)
        tag = self._send(m, tag, exact, choices, room, advance, sent)
        ranks = self._ranks(m, beats.beat.payload, csp_size, exact, choices, advance)
        asked, done = self._later(m, tag)
        rows = self._drawn(m, asked, ranks)
        m.d.comb += [queue.w_data.eq(self._entry(m, done, rows)), queue.w_en.eq(done[0])]
        return m

    # --- in front of the row array: may stand still --------------------------------------------------------------

    def _begin(self, m: Module, stream: wiring.PureInterface, advance: Value) -> tuple[Value, Value, Value]:
        """Takes beats; (a beat where its planes are known: valid, last, lanes, status; whether it is of exact; |CSP| of
        the one that begins)."""
        config, beat = self._config, stream.payload
        refused = beat.status != OK
        exact: Value = Const(1, 1)
        ready: Value = Const(1, 1)
        status: Value = beat.status
        csp_size: Value = Const(0, 0)
        begins = Signal()
        m.d.comb += [begins.eq(stream.valid & stream.ready)]
        if has_both(config):
            exact = beat.exact
            used = begins & beat.last & ~refused & ~exact
            csp, available = self._csp(m, used)
            ready = refused | exact | available
            csp_size = csp.rows
            status = Mux(refused | exact, beat.status, Mux(csp.fallback, FALLBACK, OK))
            with m.If(begins & ~refused & ~exact):
                m.d.sync += self.csp_size.eq(Mux(csp.fallback, 0, csp.rows))
        m.d.comb += stream.ready.eq(advance & ready)
        with m.If(begins & ~refused & exact):
            m.d.sync += self.total.eq(self.sums.total)
        cycles = latency.front_cycles(config)
        tag: Value = Cat(stream.valid & ready, beat.last, beat.lanes, status)
        tag = held(m, advance, tag, "front_tag", cycles, reset_less=False)
        if has_both(config):
            exact = held(m, advance, exact, "front_exact", cycles)
        return tag, exact, csp_size

    def _choices(self, m: Module, beat: wiring.PureInterface, advance: Value) -> list[wiring.PureInterface]:
        """The planes of all lanes, ``front_cycles`` after their words."""
        config, ports = self._config, self._config.draw_ports
        place = SharedModule.of("amper_place", Place(config))
        choice = SharedModule.of("amper_plane_choice", PlaneChoice(config))
        # T is known three cycles and more before the first word.
        odd = odd_multiples(m, self.sums.total) if has_stored_multiples(config) else None
        choices = []
        for index in range(ports):
            to_place = self.instantiate(m, f"place_{index}", place)
            to_plane = self.instantiate(m, f"choice_{index}", choice)
            wiring.connect(m, wiring.flipped(self.sums), to_plane.sums)
            m.d.comb += [
                to_place.enable.eq(advance),
                to_plane.enable.eq(advance),
                to_plane.place.eq(to_place.place),
            ]
            place_word(m, config, to_place, beat=beat, index=index, total=self.sums.total, odd=odd)
            choices.append(to_plane)
        return choices

    def _send(
        self,
        m: Module,
        tag: Value,
        exact: Value,
        choices: list[wiring.PureInterface],
        room: Value,
        advance: Value,
        sent: Value,
    ) -> Value:
        """Planes to the row array, one a cycle; returns the tag of the draws that go with it."""
        ports = self._config.draw_ports
        valid, last, lanes, status = tag[0], tag[1], tag[2 : 2 + ports], tag[2 + ports :]
        if ports == 1:
            # Without room all stand still, wherever there is a gap: so the enables need no more than a register.
            m.d.comb += [advance.eq(room), sent.eq(valid & room), self.plane.index.eq(choices[0].plane)]
        else:
            part = PlaneSplitter(lanes=ports, plane_width=len(self.plane.index))
            splitter = self.instantiate(m, "splitter", SharedModule.of("amper_plane_splitter", part))
            m.d.comb += [
                splitter.valid.eq(valid),
                splitter.lanes.eq(lanes),
                splitter.whole.eq(~exact),
                splitter.room.eq(room),
                advance.eq(~valid | splitter.taken),
                sent.eq(splitter.sent),
                self.plane.index.eq(splitter.plane),
            ]
            m.d.comb += [splitter.planes[index].eq(choice.plane) for index, choice in enumerate(choices)]
            last, lanes = last & splitter.last, splitter.group
        if has_both(self._config):
            m.d.comb += self.plane.candidates.eq(~exact)
            # In the cycle of the plane itself: that of the next batch may follow at once, and is of the next CSP.
            m.d.comb += self.released.eq(sent & last & lanes.any() & ~exact)
        return Cat(sent, last, lanes, status)

    # --- from the row array on: never stands still ---------------------------------------------------------------

    def _ranks(
        self,
        m: Module,
        beat: wiring.PureInterface,
        csp_size: Value,
        exact: Value,
        choices: list[wiring.PureInterface],
        advance: Value,
    ) -> list[Value]:
        """The ranks of all lanes, in the cycle in which they enter the row array."""
        config, ports = self._config, self._config.draw_ports
        ranks = []
        for index, choice in enumerate(choices):
            rank: Value = (choice.reached - choice.upper - choice.borrow)[: len(choice.reached)]
            if has_both(config):
                word = lane(beat.word, index, ports)[-DRAW_RANDOM_WIDTH:]
                product = multiplied(self, m, f"rank_multiplier_{index}", config, enable=advance, a=word, b=csp_size)
                more = latency.front_cycles(config) - latency.multiplier_cycles(config)
                in_csp = held(m, advance, product[DRAW_RANDOM_WIDTH:], f"rank_in_csp_{index}", more)
                rank = Mux(exact, rank, in_csp)
            ranks.append(delayed(m, rank, f"rank_{index}", latency.plane_lead_cycles(config)))
        return ranks

    def _drawn(self, m: Module, asked: Value, ranks: list[Value]) -> list[Value]:
        """The rows of all lanes, in the cycle of their results; ``asked``: the tag of the draws that go in now."""
        config, array = self._config, self.array
        select = self._bit_select()
        rows = []
        for index, rank in enumerate(ranks):
            m.d.comb += [
                array.select[index].valid.eq(asked[0] & asked[2 + index]),
                array.select[index].rank.eq(rank),
            ]
            row, found = self._bit(m, self.instantiate(m, f"bit_select_{index}", select), array.selected[index])
            if config.result_priority:
                m.d.comb += [array.read[index].valid.eq(found), array.read[index].row.eq(row)]
                row = delayed(m, row, f"row_{index}", latency.read_answer_cycles(config))
            rows.append(row)
        return rows

    def _later(self, m: Module, sent: Value) -> tuple[Value, Value]:
        """The tag of the draws whose ranks enter the row array now, and of those that enter the queue."""
        config = self._config
        lead, read = latency.plane_lead_cycles(config), latency.read_answer_cycles(config)
        asked = delayed(m, sent, "asked_tag", lead, reset_less=False)
        to_row = latency.plane_draw_cycles(config) - lead - (read if config.result_priority else 0)
        found = delayed(m, asked, "found_tag", to_row, reset_less=False)
        if not config.result_priority:
            # The rows are looked at for the plane, and never again.
            self._idle(m, sent[0] & sent[1], lead + to_row)
            return asked, found
        self._idle(m, found[0] & found[1], read)
        return asked, delayed(m, found, "read_tag", read, reset_less=False)

    def _idle(self, m: Module, seen: Value, rest: int) -> None:
        """``seen``: the last draw of a batch looks at the rows for the last time; ``rest`` cycles later it is in the
        queue."""
        most = 2 * DrawBeats.MOST_RECORDS + latency.draw_cycles(self._config)
        batches = Signal(range(most), name="batches_to_see")
        taken = self.record.valid & self.record.ready
        taken_before = delayed(m, taken, "record_taken", reset_less=False)
        to_queue = Signal(rest)
        m.d.sync += [batches.eq(batches + taken_before - seen), to_queue.eq(Cat(seen, to_queue[:-1]))]
        m.d.comb += [
            self.drained.eq((batches == 0) & ~taken_before),
            self.idle.eq(self.drained & ~to_queue.any()),
        ]
