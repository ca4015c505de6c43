"""Nearest neighbours: the searches of variant k, by bisection.

Latency: ``latency.nearest_cycles`` from the first point to the last query.
Page: docs/reference/algorithm.md, section 5.
"""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import memory, stream
from amaranth.lib.wiring import In, Out

from amper_hw.base.latency import is_deep, multiplier_cycles
from amper_hw.base.modules import Composite
from amper_hw.base.payload import count_signature, lane, parameter_signature, query_layout
from amper_hw.base.pipeline import held
from amper_hw.parts.multiplier import multiplied
from amper_hw.query.representative import point_layout
from amper_spec.config import COEFFICIENT_WIDTH, SCALE_FRACTION_WIDTH, AmperConfig


class Range(NamedTuple):
    """The codes of a group, if ``valid``."""

    valid: Value
    low: Value
    high: Value


class Turn(NamedTuple):
    """A group that is about to send a query, if ``valid``, and its state."""

    valid: Value
    group: Value
    value: Value
    members: Value
    radius: Value
    undecided: Value  # ones where bits of the radius are not decided yet
    is_last: Value  # of its round


class NearestNeighbours(Composite):
    """Finds the radius of every group by a bisection, and then sends the groups' searches.

    Q + 2 rounds of m queries. Round 0 counts the rows C_i of each group. Rounds 1 to Q find a bit of each radius, from
    the top: is the condition N_i <= count met by the largest radius with a 0 here? The last round are the searches.
    All but the last are a ``census``. The groups take turns: a query a cycle with ``loop_cycles`` groups or more.

    Parameters
    ----------
    config : the configuration; variant "k" must be built in.

    Members
    -------
    point : In stream of ``point_layout``, lane 0: first B_0 to B_(m-1), with ``boundary``, then V_0 to V_(m-1).
    parameters : In, vmax : In, Q bits; both stable while a batch is under way.
    count : In {valid, rows}: the counts of the censuses, in order, each ``latency.count_cycles`` or more after its
        query was taken.
    query : Out stream of ``query_layout``, lane 0.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        self._memories: dict[str, memory.Memory] = {}
        super().__init__(
            {
                "point": In(stream.Signature(point_layout(config))),
                "parameters": In(parameter_signature(config)),
                "vmax": In(config.priority_width),
                "count": In(count_signature(config.rows)),
                "query": Out(stream.Signature(query_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        width, count_width = config.priority_width, config.count_width
        memories = {
            "values": width,  # V_i
            "members": count_width,  # C_i
            "radii": width,  # the bits that are decided
            # lambda V_i C_i, without its fraction bits, but for whether any of them is 1
            "targets": COEFFICIENT_WIDTH - SCALE_FRACTION_WIDTH + width + count_width + 1,
        }
        for name, bits in memories.items():
            # A memory of one word would have an address without bits, which Verilog cannot say.
            m.submodules[name] = self._memories[name] = memory.Memory(shape=bits, depth=max(2, config.groups), init=[])
        advance = Signal()
        last_group = Signal(config.group_width)
        m.d.comb += [advance.eq(~self.query.valid | self.query.ready), last_group.eq(self.parameters.groups - 1)]
        stored = Signal(config.groups_width)  # V_i of this batch so far
        group_range = self._take_points(m, advance, stored)
        answered = self._answers(m, last_group)
        turn = self._turns(m, advance, last_group, stored, answered)
        self._set_targets(m, turn)
        self._send(m, advance, group_range, turn)
        return m

    def _read(self, name: str, group: Value, m: Module) -> Value:
        port = self._memories[name].read_port(domain="comb")
        m.d.comb += port.addr.eq(group)
        data: Value = port.data
        return data

    def _write(self, name: str, m: Module, enable: Value, group: Value, data: Value) -> None:
        port = self._memories[name].write_port()
        m.d.comb += [port.en.eq(enable), port.addr.eq(group), port.data.eq(data)]

    def _take_points(self, m: Module, advance: Value, stored: Signal) -> Range:
        """Stores the V_i; returns the codes of a group as soon as the first one of the next group, or V_0, is there."""
        point = self.point.payload
        code = lane(point.code, 0, self._config.search_ports)
        first_code = Signal(self._config.priority_width, reset_less=True)
        taken = Signal()
        m.d.comb += [
            # The next batch has to wait for this one's searches.
            self.point.ready.eq(advance & (stored != self.parameters.groups)),
            taken.eq(self.point.valid & self.point.ready),
        ]
        with m.If(taken & point.boundary):
            m.d.sync += first_code.eq(code)
        with m.If(taken & ~point.boundary):
            m.d.sync += stored.eq(stored + 1)
        self._write("values", m, taken & ~point.boundary, stored[: self._config.group_width], code)
        known = taken & Mux(point.boundary, ~point.first, stored == 0)
        # A group that would end below code 0 is empty, as is any that ends below its first code.
        empty = point.boundary & ~code.any()
        last_code = Mux(point.boundary, code - 1, self.vmax)[: len(code)]
        return Range(known, Mux(empty, 1, first_code), Mux(empty, 0, last_code))

    def _answers(self, m: Module, last_group: Value) -> Value:
        """Takes the counts: C_i first, then each decides a bit of a radius. Returns whether that was done now."""
        config = self._config
        stages = multiplier_cycles(config)
        always = Const(1, 1)
        group = Signal(config.group_width, name="answer_group")
        # The bits of the radii that are not decided yet, but for the lowest, which the last answer decides, and above
        # them whether the C_i are not known yet.
        unknown = Signal(config.priority_width, init=-1)
        with m.If(self.count.valid):
            m.d.sync += group.eq(group + 1)
            with m.If(group == last_group):
                m.d.sync += [group.eq(0), unknown.eq(Mux(unknown[0], unknown >> 1, -1))]
        is_members = self.count.valid & unknown[-1]
        self._write("members", m, is_members, group, self.count.rows)

        product = multiplied(self, m, "count_multiplier", config, enable=always, a=self.count.rows, b=self.vmax)
        some = held(m, always, self.count.rows.any(), "some", stages)
        undecided = held(m, always, unknown[:-1], "answer_undecided", stages)
        decides = held(m, always, self.count.valid & ~unknown[-1], "decides", stages, reset_less=False)
        before = held(m, always, group, "before_answer_group", stages - 1)
        target = held(m, always, self._read("targets", before, m), "target")
        radius = held(m, always, self._read("radii", before, m)[1:], "answer_radius")
        met = some & (Cat(Const(0, 1), product) >= target)
        bit = Cat(Const(1, 1), undecided) ^ undecided
        decided = Cat(Const(0, 1), radius & ~undecided) | Mux(met, 0, bit)
        self._write("radii", m, decides, held(m, always, before, "decided_group"), decided)
        recorded: Value = is_members | decides
        return recorded

    def _turns(self, m: Module, advance: Value, last_group: Value, stored: Signal, answered: Value) -> Turn:
        """The groups one after the other, round by round from round 1, each when its last answer is known."""
        config = self._config
        group = Signal(config.group_width, name="turn_group")
        undecided = Signal(config.priority_width, init=-1)  # bits of the radius; none is left in the last round
        answers = Signal(config.groups_width)  # whose next query has not begun
        begins = Signal()
        m.d.comb += begins.eq(advance & (answers != 0) & (group < stored))
        m.d.sync += answers.eq(answers + answered - begins)
        with m.If(begins):
            m.d.sync += group.eq(group + 1)
            with m.If(group == last_group):
                m.d.sync += [group.eq(0), undecided.eq(Mux(undecided[0], undecided >> 1, -1))]
                with m.If(~undecided[0]):
                    m.d.sync += stored.eq(0)
        turn = Turn(
            begins,
            group,
            self._read("values", group, m),
            self._read("members", group, m),
            self._read("radii", group, m),
            undecided,
            group == last_group,
        )
        if not is_deep(config):
            return turn
        later = (
            held(m, advance, field, f"turn_{name}_held", reset_less=name != "valid")
            for name, field in turn._asdict().items()
        )
        return Turn(*later)

    def _set_targets(self, m: Module, turn: Turn) -> None:
        """lambda V_i C_i, while round 1 is under way."""
        config, always = self._config, Const(1, 1)
        stages = multiplier_cycles(config)
        scaled = multiplied(
            self, m, "value_multiplier", config, enable=always, a=self.parameters.neighbours, b=turn.value
        )
        members = held(m, always, turn.members, "target_members", stages)
        product = multiplied(self, m, "target_multiplier", config, enable=always, a=scaled, b=members)
        fraction, whole = product[:SCALE_FRACTION_WIDTH], product[SCALE_FRACTION_WIDTH:]
        known = held(m, always, turn.valid & turn.undecided[-1], "target_known", 2 * stages, reset_less=False)
        group = held(m, always, turn.group, "target_group", 2 * stages)
        self._write("targets", m, known, group, Cat(fraction.any(), whole))

    def _send(self, m: Module, advance: Value, group_range: Range, turn: Turn) -> None:
        config = self._config
        largest = config.priority_max
        width, ports = config.priority_width, config.search_ports
        # The largest radius with a 0 where this round decides.
        radius = Signal(width)
        below = Signal(signed(width + 1))
        above = Signal(width + 1)
        m.d.comb += [
            radius.eq((turn.radius & ~turn.undecided) | (turn.undecided >> 1)),
            below.eq(turn.value - radius),
            above.eq(turn.value + radius),
        ]
        searches = ~turn.undecided[0]
        nothing = searches & ~turn.members.any()
        low = Mux(nothing, 1, Mux(below < 0, 0, below[:width]))
        high = Mux(nothing, 0, Mux(above[width], largest, above[:width]))
        key = self.query.payload.key
        census = group_range.valid | ~searches
        with m.If(advance):
            m.d.sync += [
                self.query.valid.eq(group_range.valid | turn.valid),
                self.query.payload.census.eq(census),
                key.valid.eq(1),
                lane(key.low, 0, ports).eq(Mux(group_range.valid, group_range.low, low)),
                lane(key.high, 0, ports).eq(Mux(group_range.valid, group_range.high, high)),
                key.first.eq(census | (turn.group == 0)),
                key.last.eq(census | turn.is_last),
            ]
