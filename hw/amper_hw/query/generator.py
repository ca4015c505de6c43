"""Query generator: from a batch's start to its searches, in any variant.

Latency: ``latency.key_cycles`` from the start to the first query in the fr variants, then a beat a cycle while they are
taken; ``representative_cycles`` and ``nearest_cycles`` to the last one in k.
Page: docs/reference/algorithm.md, sections 3 to 5.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.modules import Composite, SharedModule
from amper_hw.base.payload import (
    count_signature,
    parameter_signature,
    query_layout,
    start_signature,
    stream_load_signature,
)
from amper_hw.query.nearest import NearestNeighbours
from amper_hw.query.radius import RadiusKeys
from amper_hw.query.representative import Representatives, k_is_active
from amper_spec.config import AmperConfig


class QueryGenerator(Composite):
    """The queries of one batch after another, in the order of the groups.

    Parameters
    ----------
    config : the variants that are built in, at least one.

    Members
    -------
    start : In stream without a payload. parameters, vmax : In, stable from the start until the last query was taken;
        another variant can only become active while no query is under way.
    load, load_zero : of the query stream (``Urng``); only while no batch is under way.
    query : Out stream of ``query_layout``.
    count : In, with k built in: the answers to its censuses, in order.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        members: dict[str, wiring.Member] = {
            "start": In(start_signature()),
            "parameters": In(parameter_signature(config)),
            "vmax": In(config.priority_width),
            "load": In(stream_load_signature()),
            "load_zero": Out(1),
            "query": Out(stream.Signature(query_layout(config))),
        }
        if "k" in config.variants:
            members["count"] = In(count_signature(config.rows))
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        part = SharedModule.of("amper_representative", Representatives(config))
        points = self.instantiate(m, "representatives", part)
        wiring.connect(m, wiring.flipped(self.start), points.start)
        wiring.connect(m, wiring.flipped(self.parameters), points.parameters)
        wiring.connect(m, wiring.flipped(self.load), points.load)
        m.d.comb += [points.vmax.eq(self.vmax), self.load_zero.eq(points.load_zero)]
        branches = []
        if config.variants != ("k",):
            branches.append(self._radius(m))
        if "k" in config.variants:
            branches.append(self._nearest(m))
        if len(branches) == 1:
            wiring.connect(m, points.point, branches[0].point)
            wiring.connect(m, branches[0].query, wiring.flipped(self.query))
        else:
            self._choose(m, points, *branches)
        return m

    def _radius(self, m: Module) -> wiring.PureInterface:
        part = SharedModule.of("amper_radius", RadiusKeys(self._config))
        keys = self.instantiate(m, "radius", part)
        wiring.connect(m, wiring.flipped(self.parameters), keys.parameters)
        return keys

    def _nearest(self, m: Module) -> wiring.PureInterface:
        part = SharedModule.of("amper_nearest", NearestNeighbours(self._config))
        nearest = self.instantiate(m, "nearest", part)
        wiring.connect(m, wiring.flipped(self.parameters), nearest.parameters)
        wiring.connect(m, wiring.flipped(self.count), nearest.count)
        m.d.comb += nearest.vmax.eq(self.vmax)
        return nearest

    def _choose(
        self, m: Module, points: wiring.PureInterface, keys: wiring.PureInterface, nearest: wiring.PureInterface
    ) -> None:
        """Points go to the branch of the active variant, and its queries come out: the other branch is empty."""
        is_k = k_is_active(self._config, self.parameters)
        for branch, chosen in ((keys, ~is_k), (nearest, is_k)):
            m.d.comb += [
                branch.point.valid.eq(points.point.valid & chosen),
                branch.point.payload.eq(points.point.payload),
                branch.query.ready.eq(self.query.ready & chosen),
            ]
        m.d.comb += [
            points.point.ready.eq(Mux(is_k, nearest.point.ready, keys.point.ready)),
            self.query.valid.eq(Mux(is_k, nearest.query.valid, keys.query.valid)),
            Value.cast(self.query.payload).eq(
                Mux(is_k, Value.cast(nearest.query.payload), Value.cast(keys.query.payload))
            ),
        ]
