"""Requests where only variant exact is built in: to records of the draw unit, once the census is that of all writes.

Latency: 0 from a request to its record, if the census is that of all writes, and else 1 or more.
Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.payload import record_layout, request_layout
from amper_hw.control.front import request_front
from amper_spec.config import AmperConfig


class PlaneController(wiring.Component):
    """A request becomes a record: there is nothing to search, so nothing more to order.

    Parameters
    ----------
    config : the configuration, with no variant but exact built in.

    Members
    -------
    request : In stream of ``request_layout``. hold : In, take no request in this cycle.
    settled : In, census and parameters are those of all writes and changes so far. occupied : In, T is not 0.
    at_once : In, what ``settled`` says holds for a request of this cycle, too: nothing else comes; then ``hold`` is 0.
    row_fault : In, with parity: it is wrong, where ``settled``. enable : In, parameter: requests are not refused.
    open : Out, no request waits: writes and changes may be done, as far as the draws have seen the rows.
    record : Out stream of ``record_layout``, one a request.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "request": In(stream.Signature(request_layout(config))),
                "hold": In(1),
                "settled": In(1),
                "at_once": In(1),
                "occupied": In(1),
                **({"row_fault": In(1)} if config.protected else {}),
                "enable": In(1),
                "open": Out(1),
                "record": Out(stream.Signature(record_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        request_front(
            m,
            self._config,
            self,
            idle=self.open,
            begin=lambda may_begin: may_begin,
            at_once=self.settled & self.at_once,
        )
        return m
