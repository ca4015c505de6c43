"""Sampling controller: from requests to searches, and from counts to candidate sets that can be drawn from.

Latency: ``latency.PREPARE_CYCLES`` from a request to the start of its queries, 0 for these and for counts.
Page: docs/theory/hardware.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import delayed
from amper_hw.base.latency import any_answer_cycles, count_cycles
from amper_hw.base.payload import (
    count_signature,
    csp_layout,
    key_layout,
    query_layout,
    record_layout,
    request_layout,
    start_signature,
    strobe_signature,
)
from amper_hw.base.pipeline import skid
from amper_hw.base.variants import has_exact
from amper_hw.control.front import request_front
from amper_spec.config import AmperConfig


class State:
    """What the parts of the controller tell each other."""

    def __init__(self) -> None:
        self.idle = Signal()  # no request waits
        # A query enters the array in this cycle: the first of a CSP; any of a CSP; the last of a CSP; a census.
        self.first = Signal()
        self.for_csp = Signal()
        self.complete = Signal()
        self.census_taken = Signal()
        self.everything = Signal()  # the search of all valid rows waits for the array
        self.full = Signal()  # the bitmap holds a CSP that the draws have not taken over
        self.fallback = Signal()  # it is that of all valid rows
        self.counted = Signal()
        # Some query of the latest CSP has matched; one does, by the answer that comes now.
        self.matched = Signal()
        self.matches = Signal()
        self.empty = Signal()  # the last answer comes now, and none has matched


class Controller(wiring.Component):
    """Orders the parts, so that the next batch searches while the present one draws.

    A request becomes a record for the draw unit and, unless it is refused, a start for the query generator. The queries
    of a batch enter the row array as soon as the bitmap there is free. When the last of them is under way and one is
    known to have matched, the bitmap goes to the draws as soon as those of the batch before are done with theirs. If
    none matched, one more search takes all valid rows.

    A search is a stream transaction with its own latency: the controller only hands queries on, and goes on when the
    row array reports |CSP|. So several searches a group (k) change nothing here.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    request : In stream of ``request_layout``. hold : In, take no request in this cycle.
    settled : In, Vmax and the parameters are those of all writes and changes so far. occupied : In, some row is valid.
    enable, nearest, exact : In, parameters: requests are not refused; the variant is k, or exact if that is built in.
    open : Out, no batch needs the rows as they are for its searches: writes and changes may be done.
    start : Out, ``start_signature``. query : In stream of ``query_layout``, the queries of
        the batches that were started.
    search : Out {valid, payload} for the row array. match_any, count : In, its answers.
    probing : In, a probe of the Vmax unit enters the array in this cycle; only the search of all valid rows, which
        waits for it, can meet one.
    census : Out {valid, rows}: counts of the census queries.
    transfer : Out, the CSP is now the one to draw from. released : In, the last draw from the one before enters the
        array.
    record : Out stream of ``record_layout``, one a request. csp : Out {valid, payload}: |CSP| of the next accepted
        record; always taken.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        census = {"census": Out(count_signature(config.rows))} if "k" in config.variants else {}
        super().__init__(
            {
                "request": In(stream.Signature(request_layout(config))),
                "hold": In(1),
                "settled": In(1),
                "occupied": In(1),
                "enable": In(1),
                "nearest": In(1),
                **({"exact": In(1)} if has_exact(config) else {}),
                "open": Out(1),
                "start": Out(start_signature()),
                "query": In(stream.Signature(query_layout(config))),
                "search": Out(strobe_signature(key_layout(config))),
                "probing": In(1),
                "match_any": In(1),
                "count": In(count_signature(config.rows)),
                **census,
                "transfer": Out(1),
                "released": In(1),
                "record": Out(stream.Signature(record_layout(config))),
                "csp": Out(strobe_signature(csp_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        state = State()
        self._front(m, state)
        self._search(m, state)
        self._answers(m, state)
        self._counts(m, state)
        self._bitmap(m, state)
        return m

    def _bitmap(self, m: Module, state: State) -> None:
        """When the bitmap goes to the draws, and when the rows may change."""
        drawing = Signal()  # a CSP was transferred, and not all of its draws have entered the array
        by_count = Signal()  # the CSP in the bitmap may be taken over only once it was counted
        ready = Signal()
        m.d.comb += [
            # A count that comes now counts from the next cycle on: its first draw enters the array later still.
            ready.eq(state.full & Mux(by_count, state.counted, state.matched)),
            self.transfer.eq(ready & (~drawing | self.released)),
        ]
        with m.If(self.transfer):
            m.d.sync += [state.full.eq(0), drawing.eq(1), state.counted.eq(0)]
        with m.Elif(self.released):
            m.d.sync += drawing.eq(0)
        with m.If(state.complete):
            m.d.sync += [state.full.eq(1), by_count.eq(self.nearest), state.counted.eq(0)]
        with m.If(state.empty):
            m.d.sync += state.everything.eq(1)
        with m.If(state.everything & ~self.probing):
            m.d.sync += [state.everything.eq(0), state.fallback.eq(1), by_count.eq(1), state.counted.eq(0)]
        with m.If(state.first):
            m.d.sync += state.fallback.eq(0)
        # Nothing more depends on the rows once the searches are done and one has matched, or all valid rows were taken.
        settled = ~state.full | state.matched | state.matches | state.fallback
        m.d.comb += self.open.eq(state.idle & ~self._under_way(m, state.complete) & settled)

    def _front(self, m: Module, state: State) -> None:
        """Requests to records and starts; a batch of exact needs no start."""

        def begin(may_begin: Value) -> Value:
            if not has_exact(self._config):
                m.d.comb += self.start.valid.eq(may_begin)
                begins: Value = self.start.valid & self.start.ready
                return begins
            m.d.comb += self.start.valid.eq(may_begin & ~self.exact)
            begins = may_begin & (self.start.ready | self.exact)
            return begins

        request_front(m, self._config, self, idle=state.idle, begin=begin)

    def _under_way(self, m: Module, complete: Value) -> Value:
        """Some batch was started whose queries have not all entered the array."""
        # As many as have a record, and one that was just taken for its draws.
        batches = Signal(4)
        started = self.start.valid & self.start.ready
        m.d.sync += batches.eq(batches + started - complete)
        return batches != 0

    def _search(self, m: Module, state: State) -> None:
        """Queries, or all valid rows, to the array."""
        search = self.search
        query = Signal(query_layout(self._config))
        key = Signal(key_layout(self._config))
        taken = Signal(name="query_taken")
        free = ~state.full | self.transfer
        valid, payload = skid(m, self.query, taken, "query")
        m.d.comb += [
            query.as_value().eq(payload),
            key.eq(query.key),
            search.valid.eq(Mux(state.everything, ~self.probing, valid & free)),
            search.payload.as_value().eq(Mux(state.everything, self._every_row(), key)),
            taken.eq(valid & free & ~state.everything),
            state.for_csp.eq(taken & ~query.census),
            state.first.eq(state.for_csp & key.first),
            state.complete.eq(state.for_csp & key.last),
            state.census_taken.eq(taken & query.census),
        ]

    def _every_row(self) -> Value:
        """A search that matches every valid row."""
        fields = key_layout(self._config)
        ones = {"valid": 1, "first": 1, "last": 1}
        if self._config.range_match:
            ones["high"] = (1 << fields["high"].width) - 1
        return Cat(Const(ones.get(name, 0), field.width) for name, field in fields)

    def _answers(self, m: Module, state: State) -> None:
        """Whether the queries of a CSP match."""
        # Answers of the batch before may still come when the next one has begun: they carry another parity.
        parity = Signal()
        asked = Signal(name="asked_parity")
        m.d.comb += asked.eq(parity ^ state.first)
        m.d.sync += parity.eq(asked)
        due: Value = Cat(state.for_csp, asked, state.complete)
        due = delayed(m, due, "answer_due", any_answer_cycles(self._config), reset_less=False)
        answer = due[0] & (due[1] == parity)
        m.d.comb += [
            state.matches.eq(answer & self.match_any),
            state.empty.eq(answer & due[2] & ~state.matched & ~state.matches),
        ]
        with m.If(state.first):
            m.d.sync += state.matched.eq(0)
        with m.Elif(state.matches):
            m.d.sync += state.matched.eq(1)

    def _counts(self, m: Module, state: State) -> None:
        """Counts of whole CSPs to the draws, those of census queries back to where they were asked."""
        real = Signal(name="count_of_csp")
        m.d.comb += real.eq(self.count.valid)
        if "k" in self._config.variants:
            due = delayed(m, state.census_taken, "census_due", count_cycles(self._config), reset_less=False)
            m.d.comb += [
                real.eq(self.count.valid & ~due),
                self.census.valid.eq(self.count.valid & due),
                self.census.rows.eq(self.count.rows),
            ]
        # An empty CSP is never drawn from: the count of all valid rows follows.
        m.d.comb += [
            self.csp.valid.eq(real & (self.count.rows != 0)),
            self.csp.payload.as_value().eq(Cat(self.count.rows, state.fallback)),
        ]
        with m.If(self.csp.valid):
            m.d.sync += state.counted.eq(1)
