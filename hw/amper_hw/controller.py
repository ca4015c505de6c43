"""Sampling controller: from requests to searches, and from counts to candidate sets that can be drawn from."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import delayed
from amper_hw.base.latency import any_answer_cycles, count_cycles
from amper_hw.base.payload import (
    BAD_BATCH,
    DISABLED,
    NO_VALID_ROW,
    OK,
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
from amper_spec.config import AmperConfig


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
    enable, nearest : In, parameters: requests are not refused; the variant is k.
    open : Out, no batch needs the rows as they are: writes and changes may be done.
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
        idle = self._front(m)
        complete = Signal()  # the last query of a CSP enters the array in this cycle
        full = Signal()  # the bitmap holds a CSP that the draws have not taken over
        by_count = Signal()  # it may be taken over only once it was counted
        counted = Signal()
        fallback = Signal()  # it is that of all valid rows
        everything = Signal()  # the search of all valid rows waits for the array
        first, for_csp, census = self._search(m, full, complete, everything)
        matched, matches, empty = self._answers(m, first, for_csp, complete)
        self._counts(m, census, counted, fallback)

        drawing = Signal()  # a CSP was transferred, and not all of its draws have entered the array
        ready = Signal()
        m.d.comb += [
            # A count that comes now counts from the next cycle on: its first draw enters the array later still.
            ready.eq(full & Mux(by_count, counted, matched)),
            self.transfer.eq(ready & (~drawing | self.released)),
        ]
        with m.If(self.transfer):
            m.d.sync += [full.eq(0), drawing.eq(1), counted.eq(0)]
        with m.Elif(self.released):
            m.d.sync += drawing.eq(0)
        with m.If(complete):
            m.d.sync += [full.eq(1), by_count.eq(self.nearest), counted.eq(0)]
        with m.If(empty):
            m.d.sync += everything.eq(1)
        with m.If(everything & ~self.probing):
            m.d.sync += [everything.eq(0), fallback.eq(1), by_count.eq(1), counted.eq(0)]
        with m.If(first):
            m.d.sync += fallback.eq(0)

        under_way = self._under_way(m, complete)
        # Nothing more depends on the rows once the searches are done and one has matched, or all valid rows were taken.
        m.d.comb += self.open.eq(idle & ~under_way & (~full | matched | matches | fallback))
        return m

    def _front(self, m: Module) -> Signal:
        """Requests to records and starts; returns whether none waits."""
        batch = Signal(self._config.batch_width, reset_less=True)
        illegal = Signal(reset_less=True)
        idle = Signal()
        asked = self.request.payload.batch
        # No field value is above the largest batch that fills the field.
        too_many = asked > self._config.batch if self._config.batch < (1 << len(asked)) - 1 else Const(0, 1)
        refused = Signal()
        status = Signal(record_layout(self._config).members["status"])
        m.d.comb += [
            refused.eq(~self.enable | illegal | (self.settled & ~self.occupied)),
            status.eq(Mux(~self.enable, DISABLED, Mux(illegal, BAD_BATCH, Mux(self.occupied, OK, NO_VALID_ROW)))),
            self.record.payload.as_value().eq(Cat(batch, status)),
        ]
        with m.FSM(name="state"):
            with m.State("IDLE"):
                m.d.comb += [idle.eq(1), self.request.ready.eq(self.record.ready & ~self.hold)]
                with m.If(self.request.valid & self.request.ready):
                    m.d.sync += [batch.eq(asked), illegal.eq((asked == 0) | too_many)]
                    m.next = "PREPARE"
            with m.State("PREPARE"):
                m.d.comb += [
                    self.start.valid.eq(self.settled & ~refused),
                    self.record.valid.eq(refused | (self.start.valid & self.start.ready)),
                ]
                with m.If(self.record.valid):
                    m.next = "IDLE"
        return idle

    def _under_way(self, m: Module, complete: Value) -> Value:
        """Some batch was started whose queries have not all entered the array."""
        # As many as have a record, and one that was just taken for its draws.
        batches = Signal(4)
        started = self.start.valid & self.start.ready
        m.d.sync += batches.eq(batches + started - complete)
        return batches != 0

    def _search(self, m: Module, full: Signal, complete: Signal, everything: Signal) -> tuple[Signal, Signal, Signal]:
        """Queries, or all valid rows, to the array; (the first of a CSP, any for a CSP, a census) enters now."""
        search = self.search
        query, key = Signal(query_layout(self._config)), Signal(key_layout(self._config))
        taken, first, for_csp, census = Signal(name="query_taken"), Signal(), Signal(), Signal(name="census_taken")
        free = ~full | self.transfer
        valid, payload = skid(m, self.query, taken, "query")
        m.d.comb += [
            query.as_value().eq(payload),
            key.eq(query.key),
            search.valid.eq(Mux(everything, ~self.probing, valid & free)),
            search.payload.as_value().eq(Mux(everything, self._every_row(), key)),
            taken.eq(valid & free & ~everything),
            for_csp.eq(taken & ~query.census),
            first.eq(for_csp & key.first),
            complete.eq(for_csp & key.last),
            census.eq(taken & query.census),
        ]
        return first, for_csp, census

    def _every_row(self) -> Value:
        """A search that matches every valid row."""
        fields = key_layout(self._config)
        ones = {"valid": 1, "first": 1, "last": 1}
        if self._config.range_match:
            ones["high"] = (1 << fields["high"].width) - 1
        return Cat(Const(ones.get(name, 0), field.width) for name, field in fields)

    def _answers(self, m: Module, first: Signal, for_csp: Signal, complete: Signal) -> tuple[Signal, Signal, Signal]:
        """(some query of the latest CSP has matched, one does by the answer that comes now, that is the last and none
        has)."""
        matched, matches, empty = Signal(), Signal(), Signal()
        # Answers of the batch before may still come when the next one has begun: they carry another parity.
        parity, asked = Signal(), Signal(name="asked_parity")
        m.d.comb += asked.eq(parity ^ first)
        m.d.sync += parity.eq(asked)
        due: Value = Cat(for_csp, asked, complete)
        due = delayed(m, due, "answer_due", any_answer_cycles(self._config), reset_less=False)
        answer = due[0] & (due[1] == parity)
        m.d.comb += [matches.eq(answer & self.match_any), empty.eq(answer & due[2] & ~matched & ~matches)]
        with m.If(first):
            m.d.sync += matched.eq(0)
        with m.Elif(matches):
            m.d.sync += matched.eq(1)
        return matched, matches, empty

    def _counts(self, m: Module, census: Signal, counted: Signal, fallback: Signal) -> None:
        """Counts of whole CSPs to the draws, those of census queries back to where they were asked."""
        real = Signal(name="count_of_csp")
        m.d.comb += real.eq(self.count.valid)
        if "k" in self._config.variants:
            due = delayed(m, census, "census_due", count_cycles(self._config), reset_less=False)
            m.d.comb += [
                real.eq(self.count.valid & ~due),
                self.census.valid.eq(self.count.valid & due),
                self.census.rows.eq(self.count.rows),
            ]
        # An empty CSP is never drawn from: the count of all valid rows follows.
        m.d.comb += [
            self.csp.valid.eq(real & (self.count.rows != 0)),
            self.csp.payload.as_value().eq(Cat(self.count.rows, fallback)),
        ]
        with m.If(self.csp.valid):
            m.d.sync += counted.eq(1)
