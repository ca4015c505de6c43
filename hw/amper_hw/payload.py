"""Payloads of the sampler's streams and the ports of the row array; all widths come from the configuration."""

from __future__ import annotations

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from amper.config import AmperConfig
from amper_hw.bits import index_width

STATUS_WIDTH = 2

# Values of a result's status (docs/algorithm.md, "Statuses of a result").
OK, FALLBACK, NO_VALID_ROW, BAD_BATCH = range(4)


def write_layout(config: AmperConfig) -> data.StructLayout:
    """A priority write: ``priority`` into ``row``, or ``row`` made invalid when ``invalidate`` is 1."""
    return data.StructLayout({"row": config.row_width, "priority": config.priority_width, "invalidate": 1})


def request_layout(config: AmperConfig) -> data.StructLayout:
    """A sample request: the number of draws, 1 to b."""
    return data.StructLayout({"batch": config.batch_width})


def result_layout(config: AmperConfig) -> data.StructLayout:
    """One draw: ``row`` and its ``priority``; ``last`` of its batch; ``status``."""
    return data.StructLayout(
        {"row": config.row_width, "priority": config.priority_width, "last": 1, "status": STATUS_WIDTH}
    )


def draw_signature(config: AmperConfig) -> wiring.Signature:
    """The start of a batch's draws: ``batch`` rows from a CSP of ``csp_size`` rows; ``status`` of its results."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "batch": Out(config.batch_width),
            "csp_size": Out(config.count_width),
            "status": Out(STATUS_WIDTH),
        }
    )


def key_layout(config: AmperConfig) -> data.StructLayout:
    """A search: ternary key (``mask``: 1 = compare); ``first`` and ``last`` of the searches whose union is the CSP.

    A ``probe`` leaves the CSP alone: it only asks whether any row matches, other than one written in the same cycle.
    """
    width = config.priority_width
    return data.StructLayout({"value": width, "mask": width, "first": 1, "last": 1, "probe": 1})


def sampler_signature(config: AmperConfig) -> wiring.Signature:
    """The native interface of the sampler, seen from inside; docs/architecture.md has the contract of each port."""
    return wiring.Signature(
        {
            "write": In(stream.Signature(write_layout(config))),
            "request": In(stream.Signature(request_layout(config))),
            "result": Out(stream.Signature(result_layout(config))),
            "write_refused": Out(1),
            "busy": Out(1),
            "vmax": Out(config.priority_width),
            "vmax_exact": Out(1),
            "csp_size": Out(config.count_width),
        }
    )


def array_signature(config: AmperConfig, *, rows: int) -> wiring.Signature:
    """The port of a row array, seen from inside: of one bank, or of a tree of banks, with ``rows`` rows in all.

    All are registered valid strobes without back-pressure, each answer a fixed number of cycles after its question,
    in order (``amper_hw.latency``). A question may come every cycle.

    Members
    -------
    write : row, priority, invalidate; searches in the same or an earlier cycle do not see it, later ones do.
    search: a probe -> match (does any row match); after the ``last`` of the others -> count (rows in the CSP).
    select (rank within the CSP) -> selected (CSP bits of the bank that holds that rank, rank within it, bank's index).
    read (row) -> data (its priority).
    """
    banks = -(-rows // config.bank_rows)
    position_width = index_width(min(rows, config.bank_rows))
    row_width = index_width(rows)
    selected: dict[str, wiring.Member] = {
        "valid": Out(1),
        "vector": Out(min(rows, config.bank_rows)),
        "rank": Out(position_width),
    }
    if banks > 1:
        selected["bank"] = Out(index_width(banks))
    return wiring.Signature(
        {
            "write": In(wiring.Signature({"valid": Out(1), "payload": Out(_local_write(config, row_width))})),
            "search": In(wiring.Signature({"valid": Out(1), "payload": Out(key_layout(config))})),
            "match": Out(wiring.Signature({"valid": Out(1), "any": Out(1)})),
            "count": Out(wiring.Signature({"valid": Out(1), "rows": Out(rows.bit_length())})),
            "select": In(wiring.Signature({"valid": Out(1), "rank": Out(row_width)})),
            "selected": Out(wiring.Signature(selected)),
            "read": In(wiring.Signature({"valid": Out(1), "row": Out(row_width)})),
            "data": Out(wiring.Signature({"valid": Out(1), "priority": Out(config.priority_width)})),
        }
    )


def _local_write(config: AmperConfig, row_width: int) -> data.StructLayout:
    return data.StructLayout({"row": row_width, "priority": config.priority_width, "invalidate": 1})
