"""Bench of the query generator: every key against the golden model, in its exact cycle if nothing stalls it.

For k, the bench counts what each census matches, and compares what the final searches match.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import cocotb

from amper_hw.base.latency import count_cycles, key_cycles
from amper_verif.benches.query.query_keys import Query, cover_key, key_codes, read_query
from amper_verif.benches.query.query_support import BatchBench


class Search(NamedTuple):
    """A final search of k: the rows that it matches."""

    rows: frozenset[int]
    first: int
    last: int


class QueryBench(BatchBench):
    output = "query"
    latency_of = staticmethod(key_cycles)

    # --- expectation ---------------------------------------------------------------------------------------------

    def expected_batch(self) -> list[Any]:
        batch = self.changing.batch()
        groups = len(batch.representatives)
        if self.changing.is_k:
            return [
                Search(rows, int(group == 0), int(group == groups - 1)) for group, rows in enumerate(batch.match_sets)
            ]
        keys = []
        for value, radius, mask in zip(batch.representatives, batch.radii, batch.masks, strict=True):
            cover_key(self.changing.model, value, radius, mask)
            keys.append(key_codes(self.changing.model, value, radius, mask))
        ports = self.config.search_ports
        beats = []
        for index in range(0, groups, ports):
            codes = tuple(keys[index : index + ports])
            beats.append(Query((1 << len(codes)) - 1, codes, int(index == 0), int(index + ports >= groups)))
        return beats

    def _matched(self, low: int, high: int) -> frozenset[int]:
        priorities = enumerate(self.changing.model.priorities)
        return frozenset(row for row, priority in priorities if priority is not None and low <= priority <= high)

    # --- the device ----------------------------------------------------------------------------------------------

    @property
    def is_timed(self) -> bool:
        return not self.changing.is_k

    def read(self) -> Query:
        return read_query(self.device, self.config)

    def taken(self, beat: Query) -> None:
        if not self.changing.is_k:
            super().taken(beat)
            return
        assert (beat.valid, beat.probe) == (1, 0), f"more than one lane, or a probe: {beat}"
        rows = self._matched(*beat.codes[0])
        if beat.census:
            self.counts.append((self.device.cycle + count_cycles(self.config), len(rows)))
        else:
            super().taken(Search(rows, beat.first, beat.last))

    def inputs(self) -> dict[str, int]:
        """The count that is due, in a configuration that has the port."""
        if "k" not in self.config.variants:
            return {}
        due = bool(self.counts) and self.counts[0][0] == self.device.cycle
        rows = self.counts.popleft()[1] if due else self.chance.randint(0, self.config.rows)
        return {"count_valid": int(due), "count_rows": rows}

    def restart(self) -> None:
        super().restart()
        self.counts: deque[tuple[int, int]] = deque()  # of censuses: cycle, rows


@cocotb.test()
async def against_golden_model(dut: Any) -> None:
    await QueryBench.test(dut)
