"""Bench of the representatives: every point against the golden model, in its exact cycle if nothing stalls it."""

from __future__ import annotations

from typing import Any, NamedTuple

import cocotb

from amper_hw.base.latency import representative_cycles
from amper_verif.benches.query.query_keys import lane_of
from amper_verif.benches.query.query_support import BatchBench


class Beat(NamedTuple):
    """A beat of points; codes and dithers of the valid lanes."""

    valid: int
    codes: tuple[int, ...]
    dithers: tuple[int, ...]
    first: int
    last: int
    boundary: int


class RepresentativeBench(BatchBench):
    output = "point"
    latency_of = staticmethod(representative_cycles)

    def expected_batch(self) -> list[Beat]:
        config, changing = self.config, self.changing
        batch = changing.batch()
        groups = len(batch.representatives)
        together = changing.groups_in_a_beat
        points = []
        if changing.is_k:
            points = [(changing.model._representative(group, 0, batch.vmax), None) for group in range(groups)]
        points += zip(batch.representatives, batch.query_words, strict=True)
        beats = []
        for index in range(0, groups, together) if not changing.is_k else range(2 * groups):
            beat = points[index : index + together]
            boundary = changing.is_k and index < groups
            dithers = [word % (1 << config.priority_width - 1) for _, word in beat if word is not None]
            beats.append(
                Beat(
                    valid=(1 << len(beat)) - 1,
                    codes=tuple(code for code, _ in beat),
                    dithers=tuple(dithers) if "fr-dithered" in config.variants else (),
                    first=int(index == 0),
                    last=int(index + together >= len(points)),
                    boundary=int(boundary),
                )
            )
        return beats

    def read(self) -> Beat:
        read, config = self.device.read, self.config
        valid, code = read("point_payload_valid"), read("point_code")
        boundary = read("point_boundary") if "k" in config.variants else 0
        used = [index for index in range(config.search_ports) if valid >> index & 1]
        dithers = []
        if "fr-dithered" in config.variants and not boundary:
            dithers = [lane_of(read("point_dither"), index, config.priority_width - 1) for index in used]
        return Beat(
            valid,
            tuple(lane_of(code, index, config.priority_width) for index in used),
            tuple(dithers),
            read("point_first"),
            read("point_last"),
            boundary,
        )


@cocotb.test()
async def against_golden_points(dut: Any) -> None:
    await RepresentativeBench.test(dut)
