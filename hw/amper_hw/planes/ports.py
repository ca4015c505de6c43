"""Ports that the parts of the exact draw share; all widths come from the configuration."""

from __future__ import annotations

from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from amper_hw.base.bits import index_width
from amper_hw.base.variants import has_both, in_lut_ram
from amper_spec.config import AmperConfig


def sums_signature(config: AmperConfig) -> wiring.Signature:
    """The sums of the planes, seen from the census: ``total`` is T, ``uppers[k - 1]`` is H_k = S_k >> k, k from 1.

    S_k itself is H_k and below it the low k bits of T. H_k is below n.
    """
    upper = index_width(config.rows)
    return wiring.Signature(
        {
            "total": Out(config.total_width),
            "uppers": Out(data.ArrayLayout(upper, config.priority_width - 1)),
        }
    )


def plane_signature(config: AmperConfig) -> wiring.Signature:
    """A plane that the row array is to take up, seen from who asks: its rows are those with bit ``index`` set.

    With parity, plane Q is that of the parity bits.
    ``census``: it is to be counted. With both ways to draw built in, ``candidates``: not a plane, but the bitmap of the
    CSP that was transferred last. With the rows in LUT RAM, ``zero``: the plane is cleared, and has no row already.
    """
    more = {"candidates": Out(1)} if has_both(config) else {"zero": Out(1)} if in_lut_ram(config) else {}
    return wiring.Signature({"index": Out(index_width(config.stored_width)), "census": Out(1), **more})


def part_width(config: AmperConfig) -> int:
    """Bits of a draw's part of T, where draws are stratified: as many as b draws have parts at most; at least 1."""
    return max(1, config.batch.bit_length() - 1)


def height_width(config: AmperConfig) -> int:
    """Bits of the logarithm of the number of parts."""
    return index_width(config.batch.bit_length())


def is_stratified(config: AmperConfig) -> bool:
    """Whether the draws of a batch are spread over the priorities' sum."""
    return config.draws == "stratified"
